"""Every error answer that was recorded, or reported in an issue, gives the code that stands in it."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.adapters.arm.translate import answer_error
from shared.domain.errors import MeshError, NotFound, Terminal, Transient, Waiting

REAL_DATA = Path(__file__).resolve().parents[4] / "shared" / "real-data"
RECORDINGS = REAL_DATA / "B-recordings"
LARGEST = 100_000  # bytes of a recording that is read here

pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the recordings (../shared/real-data) are not here"
)
WANTED: dict[str, type[MeshError]] = {
    "VnetAddressSpacesOverlap": Terminal,
    "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet": Terminal,
    "RemotePeeringIsDisconnected": Transient,
    "ReferencedResourceNotProvisioned": Waiting,
    "AnotherPeeringAlreadyReferencesRemoteVnet": Terminal,
    "ResourceTypeNotSupported": Terminal,
    "Conflict": Transient,
}


def test_reported_errors_are_judged_as_the_engine_needs_them() -> None:
    reported = json.loads((RECORDINGS / "issue-reported-errors.json").read_text())
    seen = set()
    for case in reported:
        if code := case.get("code"):
            inner = {"code": code, "message": case.get("message_shape", "")}
            body = inner if "BARE" in case.get("envelope", "") else {"error": inner}
            error = answer_error(case["http"], {}, json.dumps(body), "")
            assert (error.reason, type(error)) == (code, WANTED[code])
            seen.add(code)
    assert seen == set(WANTED)


def test_recorded_answers_give_their_code() -> None:
    checked = 0
    for file, exchanges in _recorded_errors().items():
        interactions = yaml.load((REAL_DATA / file).read_text(), yaml.CSafeLoader)["interactions"]
        for exchange in exchanges:
            response: dict[str, Any] = interactions[exchange["i"]]["response"]
            body = response["body"]
            text = body["string"] if isinstance(body, dict) else body
            headers = {n.lower(): v[0] if isinstance(v, list) else v for n, v in response["headers"].items()}
            error = answer_error(exchange["status"], headers, text or "", file)
            assert error.reason == exchange["error"], file
            checked += 1
            if exchange["error"] == "RetryableError":
                assert isinstance(error, Waiting)
            if exchange["error"] in ("ResourceGroupNotFound", "ParentResourceNotFound"):
                assert isinstance(error, NotFound)
    assert checked > 50


def _recorded_errors() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (RECORDINGS / "exchanges.jsonl").read_text().splitlines():
        exchange = json.loads(line)
        file = REAL_DATA / exchange["file"]
        if (exchange["status"] or 0) >= 400 and exchange["error"] and file.suffix == ".yaml":
            found[exchange["file"]].append(exchange)
    return {f: errors for f, errors in found.items() if (REAL_DATA / f).stat().st_size <= LARGEST}
