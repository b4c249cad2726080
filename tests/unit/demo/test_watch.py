"""A claim is printed once it was seen, and fails with what was seen instead."""

import io

import pytest
from rich.console import Console

from demo.api import ApiFailed
from demo.watch import ClaimFailed, Seen, Watch


def told() -> tuple[Watch, io.StringIO]:
    text = io.StringIO()
    return Watch(Console(file=text, highlight=False, soft_wrap=True), pause=0.0), text


def test_a_claim_is_printed_when_a_look_finds_it_true() -> None:
    """The third look finds it; the line holds the claim and what was seen, without terminal codes."""
    teller, text = told()
    looks = iter([Seen(False, "no"), Seen(False, "no"), Seen(True, "2 of 2 [sides]")])

    teller.claim("both sides are connected", lambda: next(looks))

    assert text.getvalue() == "  ok both sides are connected: 2 of 2 [sides]\n"
    assert teller.claims == 1


def test_what_never_becomes_true_is_not_claimed() -> None:
    """The error names the claim and the last thing that was seen; nothing is printed as observed."""
    teller, text = told()

    with pytest.raises(ClaimFailed, match=r"it is gone\. Last seen: still there"):
        teller.claim("it is gone", lambda: Seen(False, "still there"), seconds=0.0)

    assert " ok " not in text.getvalue()
    assert teller.claims == 0


def test_an_api_that_does_not_answer_is_asked_again() -> None:
    """A worker that was killed may take a request with it."""
    teller, text = told()
    answers = iter([ApiFailed(0, "connection reset"), None])

    def look() -> Seen:
        failure = next(answers)
        if failure is not None:
            raise failure
        return Seen(True, "")

    teller.claim("it answers", look)

    assert text.getvalue() == "  ok it answers\n"


def test_a_long_line_goes_on_below_between_its_words() -> None:
    """No line is wider than 120 characters, unless a word is."""
    teller, text = told()
    words = ["peering"] * 40

    teller.claim("a history tells of", lambda: Seen(True, " ".join(words)))

    lines = text.getvalue().splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 120 for line in lines)
    assert all(line.startswith("     peering") for line in lines[1:])
