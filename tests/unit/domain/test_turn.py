"""Whose turn it is at a hub, in which order, and how fast."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.turn import BUCKET, PACE, SIPS, Next, Turn, give_back, is_idle, needs_line, take
from tests.fakes.clock import START


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def taken(turn: Turn, owner: str, now: datetime) -> Turn:
    found = take(turn, owner, 60, now)
    assert found is not None
    return found.turn


def test_who_waits_is_called_in_the_order_of_the_line() -> None:
    turn, following = give_back(taken(Turn(), "a", START), "a", after(2), ["b", "c"])
    assert following == Next("b", 0.0)
    assert take(turn, "c", 60, after(3)) is None
    turn, following = give_back(taken(turn, "b", after(4)), "b", after(5))
    assert following == Next("c", 0.0)


def test_the_line_is_read_again_once_those_it_named_had_their_turn() -> None:
    turn = taken(Turn(), "a", START)
    assert needs_line(turn, "a")
    turn, _ = give_back(turn, "a", START, ["b", "c"])
    turn = taken(turn, "b", START)
    assert not needs_line(turn, "b")
    turn = taken(give_back(turn, "b", START)[0], "c", START)
    assert needs_line(turn, "c")


def test_who_is_called_and_does_not_come_holds_nobody_up_and_loses_the_place() -> None:
    turn, _ = give_back(taken(Turn(), "a", START), "a", after(1), ["dead", "c"])
    assert take(turn, "b", 60, after(10)) is None
    found = take(turn, "b", 60, after(12))
    assert found is not None
    assert found.leaving == ("b", "dead")
    assert found.turn.upcoming == ("c",)


def test_a_turn_whose_holder_died_runs_out() -> None:
    turn = taken(Turn(), "dead", START)
    assert take(turn, "b", 60, after(59)) is None
    assert take(turn, "b", 60, after(60)) is not None


def test_giving_back_what_somebody_else_holds_calls_nobody() -> None:
    turn = taken(taken(Turn(), "a", START), "b", after(60))
    turn, following = give_back(turn, "a", after(61), ["c"])
    assert following is None
    assert turn.holder == "b"


def test_a_refusal_for_the_quota_pauses_everybody_and_paces_what_follows() -> None:
    turn, following = give_back(taken(Turn(), "a", START), "a", START, ["b"], writes=1, pause=20)
    assert following == Next("b", 20.0)
    assert take(turn, "b", 60, after(19)) is None
    turn, _ = give_back(taken(turn, "b", after(20)), "b", after(20), writes=2)
    # Two writes take two paces to make up for.
    assert take(turn, "c", 60, after(20.5)) is None
    assert take(turn, "c", 60, after(20) + 2 * PACE) is not None


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 4)), min_size=1, max_size=400))
def test_our_own_writes_never_exceed_what_the_provider_takes(asks: list[tuple[float, int]]) -> None:
    """Whatever comes when: the bucket that Azure documents is never overdrawn by more than one holder's writes."""
    turn, now = Turn(), START
    tokens, filled = BUCKET / PACE, START
    for number, (pause, writes) in enumerate(asks):
        now += timedelta(seconds=pause)
        owner = str(number)
        found = take(turn, owner, 60, now)
        if found is None:
            continue
        tokens = min(BUCKET / PACE, tokens + (now - filled) / PACE) - writes
        filled = now
        assert tokens >= -4
        turn, _ = give_back(found.turn, owner, now, writes=writes)


def test_a_row_that_says_nothing_any_more_may_go() -> None:
    turn = taken(Turn(), "a", START)
    assert not is_idle(turn, START)
    turn, _ = give_back(turn, "a", START, writes=2)
    assert not is_idle(turn, START)
    assert is_idle(turn, START + 2 * PACE)
    emptied, _ = give_back(turn, "a", START, pause=5)
    assert not is_idle(emptied, after(5) + SIPS)
