"""`make demo` as a user sees it: what it claims, its exit status, and that nothing of it stays behind."""

import re
from pathlib import Path

import pytest

from tests.e2e.program import running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

SECONDS_FOR_THE_DEMO = 240.0

CLAIMS = (
    "without a tag no group is a node",
    "sales is Ready: Converged",
    "Azure shows sales peered with the hub: its side Connected/FullyInSync, the hub's Connected/FullyInSync",
    "Azure shows the diagnostic settings of sales: 6 of 6 resources",
    "legacy is NotReady: AddressSpaceOverlap",
    "marketing is NotReady: InvalidTag, Tag mesh-network has the value 'hbu'",
    "finance is Ready: Converged",
    "nothing is written to sales, which is as it should be",
    "sales is connected again",
    "sales reports again",
    "a worker is in the middle of writing the peering",
    "the host replaced the worker",
    "GET /api/alerts names every resource with an error-level record",
    "the broken record is kept as a dead letter",
    "finance is Offboarded",
    "Azure shows no peering of finance",
    "Azure shows no setting of Meshplane in finance",
    "what others made is still there",
)


def test_the_demo_observes_all_that_it_claims(tmp_path: Path) -> None:
    """It ends by itself with exit status 0, in plain text, with a row for each node and without a process left."""
    with running("demo", "--folder", str(tmp_path)) as demo:
        status = demo.end(SECONDS_FOR_THE_DEMO)

        assert status == 0, demo.output
        missing = [claim for claim in CLAIMS if f"  ok {claim}" not in demo.output]
        assert not missing, demo.output
        assert "\x1b" not in demo.output
        assert demo.left_over() == []

    rows = _rows(demo.output)
    assert list(rows) == ["sales", "finance", "legacy", "marketing"]
    assert rows["sales"][:2] == ["Ready", "Converged"]
    assert rows["finance"][:2] == ["Offboarded", "Offboarded"]
    # Writes are exactly what is necessary; reads are near it: on a busy machine a poll may come too early.
    for used, floor in _calls(rows, "writes"):
        assert used == floor
    for used, floor in _calls(rows, "reads"):
        assert used <= floor + 8


def test_ctrl_c_in_the_middle_stops_every_process(tmp_path: Path) -> None:
    """Interrupted while groups become nodes, it ends within seconds and takes everything with it."""
    with running("demo", "--folder", str(tmp_path)) as demo:
        demo.read_until("Three groups are tagged", seconds=120)
        demo.interrupt()

        assert demo.end(60) == 130, demo.output
        assert demo.output.rstrip().endswith("Stopped.")
        assert demo.left_over() == []


def test_what_cannot_be_shown_is_said(tmp_path: Path) -> None:
    """Where a part does not come up (here Azurite, for want of Node.js) it ends with 1 and the reason."""
    with running("demo", "--folder", str(tmp_path), environment={"PATH": str(tmp_path)}) as demo:
        assert demo.end(60) == 1, demo.output
        assert "FAILED" in demo.output
        assert "Node.js" in demo.output
        assert demo.left_over() == []


def _rows(output: str) -> dict[str, list[str]]:
    """The rows of the table at the end by node: the other columns' words."""
    table = output[output.index("\nThe mesh\n") :]
    lines = [line.split() for line in table.splitlines()]
    return {
        words[0]: words[1:]
        for words in lines
        if words and words[0] in ("sales", "finance", "legacy", "marketing")
    }


def _calls(rows: dict[str, list[str]], kind: str) -> list[tuple[int, int]]:
    """Calls used and their floor, of each node."""
    texts = [re.findall(r"(\d+) \((\d+)\)", " ".join(words)) for words in rows.values()]
    index = ("reads", "writes").index(kind)
    return [(int(found[index][0]), int(found[index][1])) for found in texts]
