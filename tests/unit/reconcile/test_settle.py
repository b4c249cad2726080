"""When a key is looked at again, and when it is given up."""

import random
from datetime import timedelta

import pytest

from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import NodeKey
from shared.domain.mesh import Timing
from shared.domain.node import NodeRecord, State
from shared.domain.plan import Operation
from shared.reconcile.backoff import resync_delay, retry_delay
from shared.reconcile.settle import due, exhausted, given_up
from tests.fakes.clock import START
from tests.support.mesh import SUBSCRIPTION

KEY = NodeKey.of(SUBSCRIPTION, "sales")
TIMING = Timing()
RESYNC = timedelta(seconds=resync_delay(KEY, TIMING)).total_seconds()
RUNNING = Operation("u", "t", START, START + timedelta(seconds=10))


def record(
    state: State = "Ready", attempts: int = 0, waits: int = 0, operation: Operation | None = None
) -> NodeRecord:
    return NodeRecord(key=KEY, state=state, attempts=attempts, waits=waits, operation=operation)


def seconds(record: NodeRecord) -> float:
    assert record.next_due is not None
    return (record.next_due - START).total_seconds()


@pytest.mark.parametrize("attempt", [1, 2, 5, 7, 50, 1000])
def test_backoff_doubles_up_to_its_cap_and_keeps_at_least_half(attempt: int) -> None:
    ceiling = min(120.0, 2.0 * 2 ** min(attempt - 1, 10))
    delays = [retry_delay(attempt, TIMING, random.Random(seed)) for seed in range(200)]
    assert ceiling / 2 <= min(delays) < max(delays) <= ceiling


def test_settled_nodes_are_spread_over_a_fifth_of_the_interval() -> None:
    delays = [resync_delay(NodeKey.of(SUBSCRIPTION, f"g{n}"), TIMING) for n in range(500)]
    assert 3240 <= min(delays) < 3300
    assert 3900 < max(delays) <= 3960


@pytest.mark.parametrize(
    ("error", "attempts", "waits"),
    [
        (Transient("a", ""), 1, 0),
        (Conflict("a", ""), 1, 0),
        (NotFound("a", ""), 1, 0),
        (Waiting("a", ""), 0, 1),
    ],
)
def test_what_may_pass_is_tried_soon_and_failures_are_counted_apart_from_waits(
    error: MeshError, attempts: int, waits: int
) -> None:
    after = due(record(), [error], START, TIMING, random.Random(1))
    assert (after.attempts, after.waits) == (attempts, waits)
    assert 1 <= seconds(after) <= 2


@pytest.mark.parametrize("error", [Terminal("a", ""), Denied("a", "")])
def test_what_repeats_for_ever_is_left_to_the_next_resync(error: MeshError) -> None:
    for state in ("Ready", "NotReady", "Offboarding", "Offboarded"):
        after = due(record(state, attempts=3), [error], START, TIMING, random.Random(1))
        assert seconds(after) == RESYNC
        assert after.attempts == 0


@pytest.mark.parametrize("kind", [Waiting, Transient])
@pytest.mark.parametrize("tries", [0, 7, 60])
def test_retry_after_is_honoured_and_stretched_the_longer_it_lasts(kind: type[MeshError], tries: int) -> None:
    for seed in range(50):
        error = kind("a", "", retry_after=17)
        after = due(record(attempts=tries, waits=tries), [error], START, TIMING, random.Random(seed))
        assert 17 <= seconds(after) <= 150


def test_what_passes_by_itself_is_looked_at_soon_even_after_queueing_for_the_hub() -> None:
    for waits, most in ((0, 2), (7, 4), (11, 8), (99, 120)):
        after = due(record(waits=waits), [Waiting("a", "")], START, TIMING, random.Random(1))
        assert most / 2 <= seconds(after) <= most * 2


def test_of_several_errors_the_longest_delay_counts() -> None:
    errors = [Waiting("a", "", retry_after=17), Waiting("b", "", retry_after=90)]
    assert seconds(due(record(), errors, START, TIMING, random.Random(1))) >= 90


def test_an_operation_is_looked_at_when_azure_said_and_does_not_reset_the_attempts() -> None:
    after = due(record(attempts=5, waits=6, operation=RUNNING), [], START, TIMING, random.Random(1))
    assert (after.next_due, after.attempts, after.waits) == (RUNNING.poll_at, 5, 6)


def test_a_finished_look_resets_the_attempts() -> None:
    after = due(record(attempts=5, waits=6), [], START, TIMING, random.Random(1))
    assert (after.attempts, after.waits, seconds(after)) == (0, 0, RESYNC)


def test_an_offboarded_group_is_never_due() -> None:
    assert due(record("Offboarded"), [], START, TIMING, random.Random(1)).next_due is None


def test_one_failure_after_long_waiting_does_not_exhaust_a_key() -> None:
    after = due(record(waits=90), [Transient("a", "")], START, TIMING, random.Random(1))
    assert not exhausted(after, TIMING)


@pytest.mark.parametrize(
    ("attempts", "waits", "expected"), [(7, 99, False), (8, 0, True), (0, 100, True), (0, 0, False)]
)
def test_failing_is_given_up_sooner_than_waiting(attempts: int, waits: int, expected: bool) -> None:
    assert exhausted(record(attempts=attempts, waits=waits), TIMING) is expected


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("Pending", "NotReady"),
        ("Ready", "NotReady"),
        ("NotReady", "NotReady"),
        ("Offboarding", "Offboarding"),
        ("Offboarded", "Offboarded"),
    ],
)
def test_a_key_that_was_given_up_says_so_and_waits_for_the_resync(state: State, after: State) -> None:
    left = given_up(record(state, attempts=8), "it broke.", START, TIMING)
    ready = left.conditions[0]
    assert (left.state, ready.status, ready.reason) == (after, "False", "RetriesExhausted")
    assert "8 attempts: it broke." in ready.message
    assert seconds(left) == RESYNC
