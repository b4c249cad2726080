"""Tables fit a terminal and are whole in a pipe; JSON is JSON; nothing that others wrote is taken for markup."""

import io
import json
import re

import pytest

from meshplane_cli.client import Json
from meshplane_cli.errors import Refused
from meshplane_cli.render import Column, Screen

ITEMS: list[Json] = [
    {"id": "b" * 40, "state": "Ready", "counts": {"covered": 3}, "text": "word " * 30},
    {"id": "c" * 12, "state": "Failed", "counts": None, "text": "[red]x[/red]\x1b[2J"},
]
COLUMNS = (
    Column("ID", "id"),
    Column("STATE", "state"),
    Column("COVERED", "counts.covered"),
    Column("TEXT", "text"),
    Column("AGAIN", "id"),
)


BOLD = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def piped() -> tuple[Screen, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Screen("table", out, err), out, err


def at(columns: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Screen, Terminal, Terminal]:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = Terminal(), Terminal()
    return Screen("table", out, err), out, err


def test_a_table_in_a_pipe_has_every_column_whole_on_one_line_without_colours() -> None:
    screen, out, _ = piped()
    screen.items(ITEMS, COLUMNS)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["ID", "STATE", "COVERED", "TEXT", "AGAIN"]
    assert lines[1].startswith(f"{'b' * 40}  Ready   3        word word")
    assert lines[1].endswith("b" * 40)
    assert "[red]x[/red]\\u001b[2J" in lines[2]
    assert "\x1b" not in out.getvalue()
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize(("width", "left_out"), [(78, "TEXT, AGAIN"), (90, "AGAIN"), (300, "")])
def test_a_narrow_terminal_shows_the_first_columns_and_says_which_are_missing(
    width: int, left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, out, err = at(width, monkeypatch)
    screen.items(ITEMS, COLUMNS)
    assert max(map(len, BOLD.sub("", out.getvalue()).splitlines())) <= width
    assert "b" * 40 in out.getvalue()
    said = " ".join(BOLD.sub("", err.getvalue()).split())
    assert said == (f"Not shown in {width} columns: {left_out}." if left_out else "")


def test_on_a_terminal_of_any_width_nothing_of_the_first_columns_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen, out, _ = at(20, monkeypatch)
    screen.items(ITEMS, COLUMNS)
    assert out.getvalue().count("b") == 40


def test_json_is_written_as_it_came_and_never_folded() -> None:
    out = io.StringIO()
    Screen("json", out, io.StringIO()).items(ITEMS, COLUMNS)
    assert json.loads(out.getvalue()) == ITEMS
    assert any(len(line) > 150 for line in out.getvalue().splitlines())
    assert "\x1b" not in out.getvalue()


def test_an_error_says_what_happened_to_what_and_what_to_do_beside_the_output() -> None:
    screen, out, err = piped()
    error = Refused(
        "Gone: [bold]no\x1b[31m",
        to="GET edges/1",
        do="Ask anew.",
        status=409,
        code="Gone",
        allowed=("revoke",),
    )
    screen.fault(error)
    assert out.getvalue() == ""
    assert err.getvalue().splitlines() == [
        "Error: [bold]no\\u001b[31m (409 Gone)",
        "To what: GET edges/1",
        "Possible instead: revoke",
        "What to do: Ask anew.",
    ]


def test_an_error_is_json_where_json_was_asked_for() -> None:
    err = io.StringIO()
    Screen("json", io.StringIO(), err).fault(Refused("No.", to="x", status=403, code="RoleMissing"))
    assert json.loads(err.getvalue()) == {
        "error": "Refused",
        "detail": "No.",
        "target": "x",
        "remedy": "",
        "status": 403,
        "code": "RoleMissing",
        "allowed": [],
    }


def test_facts_that_are_empty_are_left_out_and_zero_is_not_empty() -> None:
    screen, out, _ = piped()
    screen.facts([("One", 0), ("Two", None), ("Three", ""), ("Four", False)])
    assert out.getvalue() == "One:   0\nFour:  no\n"
