"""The page about handlers shows how a receiver knows us: what it shows is run against what is sent."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from shared.telemetry.handlers import registry
from shared.telemetry.handlers.app_event import AlertAppEvent
from shared.telemetry.handlers.mesh_event import AlertEvents
from shared.telemetry.handlers.metric import AlertMetric
from shared.telemetry.handlers.remediate import Remediation
from shared.telemetry.handlers.webhook import signature

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "handlers.md").read_text(encoding="utf-8")
SECRET = "a secret between two of us"
BODY = '{"data": "é <script>"}'.encode()


def snippet(language: str, word: str) -> str:
    """The code of a language on the page that has a word in it."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return next(code for code in found if word in code)


def cases() -> list[tuple[dict[str, str], bytes, bool]]:
    """Headers and bodies, and whether they are ours: as sent, changed on the way, of another secret, too old."""
    now, old = str(int(time.time())), str(int(time.time()) - 3600)

    def headers(timestamp: str, signed: str) -> dict[str, str]:
        return {"X-Meshplane-Timestamp": timestamp, "X-Meshplane-Signature": signed}

    return [
        (headers(now, signature(SECRET, now, BODY)), BODY, True),
        (headers(now, signature(SECRET, now, BODY)), BODY + b" ", False),
        (headers(now, signature("another secret", now, BODY)), BODY, False),
        (headers(old, signature(SECRET, old, BODY)), BODY, False),
        (headers(now, "v1="), BODY, False),
    ]


def test_the_python_on_the_page_knows_us_from_others() -> None:
    names: dict[str, object] = {}
    exec(snippet("python", "def is_ours"), names)
    is_ours = names["is_ours"]
    assert callable(is_ours)
    for headers, body, ours in cases():
        assert is_ours(SECRET, headers, body) is ours


def test_the_javascript_on_the_page_knows_us_from_others(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    asked = [
        [{name.lower(): value for name, value in headers.items()}, body.decode()]
        for headers, body, _ in cases()
    ]
    calls = (
        f"for (const [headers, body] of {json.dumps(asked)})\n"
        f"  console.log(isOurs({json.dumps(SECRET)}, headers, Buffer.from(body)));\n"
    )
    script = tmp_path / "receiver.mjs"
    script.write_text(snippet("js", "isOurs") + calls, encoding="utf-8")
    said = subprocess.run([node, script], capture_output=True, text=True, check=True, timeout=30).stdout
    assert said.split() == [str(ours).lower() for _, _, ours in cases()]


def test_the_page_names_every_handler() -> None:
    told = set(re.findall(r"^\| `([a-z:<>-]+)` \|", PAGE, re.MULTILINE))
    classes = (AlertEvents, Remediation, AlertMetric, AlertAppEvent)
    assert told == {*registry(()), *(c.name for c in classes), "webhook:<name>"}
