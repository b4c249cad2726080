"""The real `az` CLI tags a group, and Meshplane makes a node of it: the lines that `make up` prints, as they are."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import cast

import pytest

from tests.e2e.program import Program, running

AZ = os.environ.get("MESHPLANE_AZ") or shutil.which("az")
SECONDS_TO_READY = 150.0

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.skipif(AZ is None, reason="the az CLI is not installed (set MESHPLANE_AZ to its path)"),
]


def test_tagging_a_group_with_az_brings_up_a_node(tmp_path: Path) -> None:
    """Connected with the printed lines, the group is created, tagged later, and its peering shows as Connected."""
    assert AZ is not None
    with running("demo.up", "--free-ports", "--folder", str(tmp_path)) as up:
        printed = _directions(up)
        shell = "\n".join(
            [
                "set -e",
                f"export PATH={Path(AZ).parent}:$PATH",
                *re.findall(r"^  ((?:export|az (?:cloud|login)) .*)$", printed, re.MULTILINE),
                "az group create --name orders --location westeurope --output none",
                "az network vnet create -g orders --name net --address-prefixes 10.1.0.0/16"
                " --subnet-name private-endpoints --subnet-prefixes 10.1.1.0/26 --output none",
                "az group update --name orders --set tags.mesh-node=orders --output none",
            ]
        )
        subprocess.run(["bash", "-c", shell], check=True, timeout=200, capture_output=True, text=True)
        assert _state(printed) == "Ready"


def _directions(up: Program) -> str:
    up.read_until("Ctrl-C stops everything.", seconds=120)
    return up.output


def _state(printed: str) -> str:
    """The node's state once it is Ready, or as it is when the time is over."""
    found = re.search(r"x-functions-key: (\S+)' (http://\S+/api/nodes)", printed)
    assert found
    deadline = time.monotonic() + SECONDS_TO_READY
    state = ""
    while state != "Ready" and time.monotonic() < deadline:
        request = urllib.request.Request(found[2], headers={"x-functions-key": found[1]})
        with urllib.request.urlopen(request, timeout=30) as response:
            items = cast(list[dict[str, str]], json.load(response)["items"])
        state = next((item["state"] for item in items if item["group"] == "orders"), "")
        time.sleep(0.5)
    return state
