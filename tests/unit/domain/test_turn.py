"""Whose turn it is at a hub, in which order, and how fast."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.turn import BUCKET, PACE, SIPS, Next, Turn, give_back, is_idle, take
from tests.fakes.clock import START


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_who_asks_in_vain_is_called_in_the_order_of_asking() -> None:
    turn, _ = take(Turn(), "a", 60, START)
    for owner in ("b", "c", "b"):
        turn, granted = take(turn, owner, 60, after(1))
        assert not granted
    turn, following = give_back(turn, "a", after(2))
    assert following == Next("b", 0.0)
    turn, granted = take(turn, "c", 60, after(3))
    assert not granted
    turn, granted = take(turn, "b", 60, after(4))
    assert granted
    turn, following = give_back(turn, "b", after(5))
    assert following == Next("c", 0.0)


def test_who_is_called_and_does_not_come_holds_nobody_up() -> None:
    turn, _ = take(Turn(), "a", 60, START)
    turn, _ = take(turn, "dead", 60, START)
    turn, _ = give_back(turn, "a", after(1))
    turn, granted = take(turn, "c", 60, after(12))
    assert granted
    assert turn.waiting == ()


def test_a_turn_whose_holder_died_runs_out() -> None:
    turn, _ = take(Turn(), "dead", 60, START)
    turn, granted = take(turn, "b", 60, after(59))
    assert not granted
    turn, granted = take(turn, "b", 60, after(60))
    assert granted


def test_giving_back_what_somebody_else_holds_calls_nobody() -> None:
    turn, _ = take(Turn(), "a", 60, START)
    turn, _ = take(turn, "b", 60, after(60))
    turn, following = give_back(turn, "a", after(61))
    assert following is None
    assert turn.holder == "b"


def test_a_refusal_for_the_quota_pauses_everybody_and_paces_what_follows() -> None:
    turn, _ = take(Turn(), "a", 60, START)
    turn, _ = take(turn, "b", 60, START)
    turn, following = give_back(turn, "a", START, writes=1, pause=20)
    assert following == Next("b", 20.0)
    assert not take(turn, "b", 60, after(19))[1]
    turn, granted = take(turn, "b", 60, after(20))
    assert granted
    turn, _ = give_back(turn, "b", after(20), writes=2)
    # Two writes take two paces to make up for.
    assert not take(turn, "c", 60, after(20.5))[1]
    assert take(turn, "c", 60, after(20) + 2 * PACE)[1]


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 4)), min_size=1, max_size=400))
def test_our_own_writes_never_exceed_what_the_provider_takes(asks: list[tuple[float, int]]) -> None:
    """Whatever comes when: the bucket that Azure documents is never overdrawn by more than one holder's writes."""
    turn, now = Turn(), START
    tokens, filled = BUCKET / PACE, START
    for number, (pause, writes) in enumerate(asks):
        now += timedelta(seconds=pause)
        owner = str(number)
        turn, granted = take(turn, owner, 60, now)
        if not granted:
            continue
        tokens = min(BUCKET / PACE, tokens + (now - filled) / PACE) - writes
        filled = now
        assert tokens >= -4
        turn, _ = give_back(turn, owner, now, writes=writes)


def test_a_row_that_says_nothing_any_more_may_go() -> None:
    turn, _ = take(Turn(), "a", 60, START)
    assert not is_idle(turn, START)
    turn, _ = give_back(turn, "a", START, writes=2)
    assert not is_idle(turn, START)
    assert is_idle(turn, START + 2 * PACE)
    emptied, _ = give_back(turn, "a", START, pause=5)
    assert not is_idle(emptied, after(5) + SIPS)
