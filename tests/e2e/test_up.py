"""`make up` as a user meets it: it serves, Ctrl-C stops all of it, and it can be started again at once."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.program import Program, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_it_serves_stops_on_ctrl_c_and_starts_again(tmp_path: Path) -> None:
    """Both times the printed key opens the printed address, and after Ctrl-C no process is left."""
    for _ in range(2):
        with running("demo.up", "--free-ports", "--folder", str(tmp_path)) as up:
            address, key = _printed(up)

            assert _get(address, key) == {"items": [], "continuation": ""}
            with pytest.raises(urllib.error.HTTPError, match="401") as refused:
                _get(address, "")
            refused.value.close()

            up.interrupt()
            assert up.end(60) == 0, up.output
            assert up.output.rstrip().endswith("Stopped.")
            assert up.left_over() == []


def test_ctrl_c_while_it_starts_stops_what_runs_already(tmp_path: Path) -> None:
    """Nobody has to wait for a start that is not wanted any more."""
    with running("demo.up", "--free-ports", "--folder", str(tmp_path)) as up:
        up.read_until("Starting", seconds=60)
        up.interrupt()

        assert up.end(60) == 0, up.output
        assert "Meshplane  " not in up.output
        assert up.left_over() == []


def _printed(up: Program) -> tuple[str, str]:
    line = up.read_until("curl -H", seconds=120)
    found = re.search(r"x-functions-key: (\S+)' (http://\S+/api/nodes)", line)
    assert found is not None, line
    up.read_until("Ctrl-C stops everything.", seconds=60)
    return found[2], found[1]


def _get(address: str, key: str) -> object:
    request = urllib.request.Request(address, headers={"x-functions-key": key} if key else {})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
