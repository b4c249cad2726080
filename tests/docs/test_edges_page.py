"""What docs/edges.md says of rules and requests is what the code takes."""

import re

import msgspec

from functions.bodies import EdgeAsk
from shared.domain.approval import Rule
from shared.domain.edge_states import TRANSITIONS
from tests.docs.__main__ import DOCS

PAGE = (DOCS / "edges.md").read_text(encoding="utf-8")


def _members(heading: str) -> set[str]:
    """What the first column of the first table below a heading names."""
    lines = PAGE[PAGE.index(f"\n## {heading}\n") :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    names: set[str] = set()
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            return names
        names |= set(re.findall(r"`(\w+)`", line.split("|")[1]))
    raise AssertionError("the page ends in a table")


def test_each_member_of_a_request_is_explained_and_no_other() -> None:
    assert _members("Asking for one") == set(EdgeAsk.__struct_fields__)


def test_each_member_of_a_rule_is_explained_and_no_other() -> None:
    assert _members("Who decides") == set(Rule.__struct_fields__)


def test_it_says_who_gives_each_command() -> None:
    assert _members("States") == {command for _, command in TRANSITIONS}


def test_the_example_rules_are_rules() -> None:
    [example] = re.findall(r"```json\n(\[.*?\])\n```", PAGE, re.DOTALL)
    assert len(msgspec.json.decode(example, type=tuple[Rule, ...])) == 4
