"""A handler that is down is left alone for a while, and one caller finds out whether it is back."""

from datetime import timedelta

from shared.domain.errors import Terminal, Transient, Waiting
from shared.telemetry.rest import FAILURES, SECONDS, Rest
from tests.fakes.clock import START

DOWN = Transient("ReceiverFailed", "")


def resting() -> Rest:
    rest = Rest()
    for _ in range(FAILURES):
        rest.ended(DOWN, START)
    return rest


def test_a_few_failures_in_a_row_begin_a_rest_and_a_success_ends_it() -> None:
    rest = Rest()
    for _ in range(FAILURES - 1):
        rest.ended(DOWN, START)
    assert not rest.refuses(START)
    rest.ended(None, START)
    rest.ended(DOWN, START)
    assert not rest.refuses(START)
    assert resting().refuses(START)


def test_when_it_is_over_one_caller_is_let_through_and_the_others_wait_for_what_comes_of_it() -> None:
    rest, later = resting(), START + timedelta(seconds=SECONDS)
    assert not rest.refuses(later)
    assert rest.refuses(later)
    rest.ended(None, later)
    assert not rest.refuses(later)


def test_a_refusal_for_good_says_that_the_handler_is_up() -> None:
    """One address that answers 404 does not keep the others' notices waiting."""
    rest = Rest()
    for _ in range(10):
        rest.ended(Terminal("ReceiverRefused", ""), START)
    assert not rest.refuses(START)


def test_who_asks_to_wait_is_left_alone_for_that_long_at_most() -> None:
    rest = Rest()
    rest.ended(Waiting("ReceiverBusy", "", retry_after=2.0), START)
    assert rest.refuses(START + timedelta(seconds=1))
    assert not rest.refuses(START + timedelta(seconds=2))
    rest.ended(Waiting("ReceiverBusy", "", retry_after=9999.0), START)
    assert not rest.refuses(START + timedelta(seconds=SECONDS))


def test_a_clock_that_is_put_back_does_not_lengthen_it() -> None:
    assert not resting().refuses(START - timedelta(hours=1))
