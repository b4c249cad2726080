"""High-water marks: every event counts once, whatever is delivered again."""

import random

import pytest

from shared.domain.alert import Mark
from shared.domain.high_water import is_above, raised


def test_what_lies_below_both_parts_of_the_mark_is_counted() -> None:
    mark = (10, 100.0)
    assert not is_above(mark, 10, 100.0)
    assert not is_above(mark, 3, 50.0)
    assert is_above(mark, 11, 100.0)
    assert is_above(None, 0, 0.0)


def test_a_hub_that_was_made_anew_begins_again() -> None:
    """Its numbers start at 0, later: they are above, and the mark follows them down."""
    mark = (10_000, 100.0)
    assert is_above(mark, 0, 200.0)
    anew = raised(mark, {0: 200.0, 1: 201.0})
    assert anew == (1, 201.0)
    assert not is_above(anew, 1, 201.0)
    assert is_above(anew, 2, 201.0)


def test_a_hub_made_anew_whose_first_batch_here_passes_the_old_mark_counts_each_event_once() -> None:
    anew = {sequence: 2000.0 + sequence for sequence in range(90, 111)}
    mark = raised((100, 1000.0), anew)
    assert mark == (110, 2110.0)
    assert [s for s, at in anew.items() if is_above(mark, s, at)] == []
    assert raised((100, 1000.0), {101: 1001.0, 3: 2003.0, 4: 2004.0}) == (4, 2004.0)


def test_nothing_new_leaves_the_mark_alone() -> None:
    assert raised((5, 5.0), {4: 4.0, 5: 5.0}) == (5, 5.0)
    assert raised(None, {}) is None


@pytest.mark.parametrize("seed", range(20))
def test_any_redelivery_counts_each_event_once(seed: int) -> None:
    """Batches of a partition come in order; after a crash from any earlier place again. Two events may share a time."""
    draw = random.Random(seed)
    events = {sequence: float(sequence // 3) for sequence in range(60)}
    counted: list[int] = []
    mark: Mark | None = None
    place = 0
    while place < len(events):
        size = draw.randint(1, 9)
        batch = {s: events[s] for s in range(place, min(place + size, len(events)))}
        counted += [s for s, at in batch.items() if is_above(mark, s, at)]
        mark = raised(mark, batch)
        place = draw.randint(max(place - 10, 0), place) if draw.random() < 0.3 else place + size
    assert counted == list(events)
