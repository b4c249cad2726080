"""Every recorded sample decodes, or is a dead letter for the reason given here."""

import json
from pathlib import Path

import pytest

from shared.telemetry.attribute import Attribution
from shared.telemetry.decode import decode
from shared.telemetry.former import read_batch
from shared.telemetry.record import Record, Undecodable
from shared.telemetry.rules import error_level
from tests.unit.telemetry.samples import event

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "real-data" / "D-telemetry"

if not RECORDED.is_dir():
    pytest.skip("no recorded samples: ../shared/real-data/D-telemetry is absent", allow_module_level=True)

# What other projects made of the samples is no delivery.
SAMPLES = sorted(p for p in RECORDED.rglob("*") if p.suffix in (".json", ".log") and "expected" not in p.name)
NO_JSON = {"sumologic/BlockBlobReader/tests/blob_fixtures.log": "Expecting value"}
# Error-level records of each file, found by reading the files.
ERRORS = {
    "derived/dynatrace-records.json": 1,
    "elastic-integrations/packages/azure/data_stream/platformlogs/_dev/test/pipeline/test-platformlogs-invalid-raw.log": 1,  # noqa: E501
    "dynatrace/tests/integration/events.json": 2,
    "logzio/LogzioShipper/sample_logs.json": 1,
}


def name_of(path: Path) -> str:
    return path.relative_to(RECORDED).as_posix()


def body_of(path: Path) -> bytes:
    """The file as an event; one collection keeps its records inside objects that name their source."""
    if path.name != "dynatrace-records.json":
        return path.read_bytes()
    return json.dumps({"records": [entry["record"] for entry in json.loads(path.read_bytes())]}).encode()


def plain_count(body: bytes) -> int | None:
    """How many records a plain reading finds, or None where that cannot read it."""
    try:
        values = [json.loads(body)]
    except ValueError:
        try:
            values = [json.loads(line) for line in body.splitlines() if line.strip()]
        except ValueError:
            return None
    return sum(map(_count, values))


def _count(value: object) -> int:
    if isinstance(value, dict) and isinstance(value.get("records"), list):
        return _count(value["records"])
    return sum(map(_count, value)) if isinstance(value, list) else 1


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_a_recorded_sample_decodes_or_has_its_reason(path: Path) -> None:
    body = body_of(path)
    items = decode(body)
    broken = [i for i in items if isinstance(i, Undecodable)]
    assert [b.reason[:15] for b in broken] == [NO_JSON[n] for n in [name_of(path)] if n in NO_JSON]
    assert len(items) == (plain_count(body) or len(items)) > 0


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_the_records_of_a_sample_that_a_node_sent_raise_its_errors(path: Path) -> None:
    """Ids in recordings are partly masked: the record's level is what is checked."""
    errors = [i for i in decode(body_of(path)) if isinstance(i, Record) and error_level(i)]
    assert len(errors) == ERRORS.get(name_of(path), 0)


def test_all_samples_in_one_batch_leave_one_dead_letter_each_where_expected() -> None:
    events = [event(body_of(path), offset=n) for n, path in enumerate(SAMPLES)]
    found = read_batch(events, Attribution(()), error_level)
    expected = [f"event-hub/3/{n}" for n, path in enumerate(SAMPLES) if name_of(path) in NO_JSON]
    assert [letter.source for letter in found.letters] == expected
    assert found.records > 400
