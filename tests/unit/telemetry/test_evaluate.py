"""Every kind of condition, judged by what the windows of all partitions say."""

import pytest

from shared.telemetry.aggregate import Aggregate, add
from shared.telemetry.evaluate import (
    Verdict,
    Windowed,
    holds,
    is_telling,
    judge_ended,
    judge_growing,
    judged_at_end,
    judged_at_once,
    span_of,
    wait_of,
)
from shared.telemetry.rule import Absence, Condition, Count, Each, Rate, Threshold

MINUTE = 60


def of(*numbers: float) -> Aggregate:
    found = Aggregate(sketch={})
    for number in numbers:
        add(found, number, sketched=True)
    return found


def threshold(aggregation: str, comparison: str, value: float, least: int = 1) -> Threshold:
    return Threshold(
        aggregation=aggregation,  # type: ignore[arg-type]  # a name that the test gives
        of=("total",),
        comparison=comparison,  # type: ignore[arg-type]
        value=value,
        window=MINUTE,
        percentile=90,
        least=least,
    )


@pytest.mark.parametrize(
    ("condition", "holding", "not_holding"),
    [
        (Count(at_least=3, window=MINUTE), (1, 1, 1), (1, 1)),
        (Rate(per_minute=2, window=120), (1, 1, 1, 1), (1, 1, 1)),
        (threshold("avg", "gt", 5), (4, 7), (4, 6)),
        (threshold("avg", "gte", 5), (4, 6), (4, 5.9)),
        (threshold("max", "gt", 5), (1, 6), (1, 5)),
        (threshold("max", "lt", 5), (1, 4), (1, 5)),
        (threshold("min", "lte", 5), (9, 5), (9, 6)),
        (threshold("min", "gt", 5), (9, 6), (9, 5)),
        (threshold("sum", "gte", 5), (2, 3), (2, 2.9)),
        (threshold("sum", "lt", 5), (2, 2), (2, 3)),
        (threshold("percentile", "gt", 90), (*[1] * 89, *[95] * 11), (*[1] * 90, *[95] * 10)),
        (threshold("max", "gt", 5, least=3), (1, 6, 6), (6, 6)),
    ],
)
def test_a_condition_holds_from_its_limit_on(
    condition: Windowed, holding: tuple[float, ...], not_holding: tuple[float, ...]
) -> None:
    assert holds(condition, of(*holding))
    assert not holds(condition, of(*not_holding))
    assert not holds(condition, Aggregate())


@pytest.mark.parametrize(
    ("condition", "at_once", "at_end"),
    [
        (Each(), False, False),
        (Absence(period=60), False, False),
        (Count(at_least=3, window=MINUTE), True, False),
        (Rate(per_minute=2, window=120), True, False),
        (threshold("max", "gt", 5), True, False),
        (threshold("max", "lte", 5), False, True),
        (threshold("min", "lt", 5), True, False),
        (threshold("min", "gte", 5), False, True),
        (threshold("sum", "gt", 5), True, True),
        (threshold("sum", "lt", 5), False, True),
        (threshold("avg", "gt", 5), False, True),
        (threshold("percentile", "gt", 5), False, True),
    ],
)
def test_what_more_records_can_only_bring_nearer_is_judged_at_once(
    condition: Condition, at_once: bool, at_end: bool
) -> None:
    assert (judged_at_once(condition), judged_at_end(condition)) == (at_once, at_end)


@pytest.mark.parametrize(
    ("condition", "quiet", "telling"),
    [
        (threshold("max", "gt", 5), (5, 1), (1, 6)),
        (threshold("min", "lte", 5), (6, 9), (9, 5)),
        (threshold("max", "lt", 5), (), (9,)),
        (threshold("max", "gt", 5, least=2), (), (1,)),
        (threshold("avg", "gt", 5), (), (1,)),
        (Count(at_least=9, window=MINUTE), (), (1,)),
    ],
)
def test_an_event_without_a_number_beyond_the_value_tells_nothing_where_one_is_enough(
    condition: Condition, quiet: tuple[float, ...], telling: tuple[float, ...]
) -> None:
    assert is_telling(condition, of(*telling))
    assert not quiet or not is_telling(condition, of(*quiet))


COUNT = Count(at_least=4, window=MINUTE)


def ones(**buckets: int) -> dict[int, Aggregate]:
    return {int(start[1:]): Aggregate(count=count) for start, count in buckets.items()}


def test_records_of_all_partitions_are_counted_together_wherever_the_span_begins() -> None:
    found = judge_growing(COUNT, [ones(b0=1, b54=1), ones(b30=1, b54=1)], {54})
    assert found == Verdict(4, 0, 54)
    assert judge_growing(COUNT, [ones(b0=1, b60=1), ones(b30=1, b54=1)], {60}) is None


def test_only_spans_that_were_added_to_are_judged() -> None:
    """What was told of before, and maybe resolved, is not told of again for a record long after it."""
    burst = ones(b0=9, b600=1)
    assert judge_growing(COUNT, [burst], {600}) is None
    assert judge_growing(COUNT, [burst], {0}) == Verdict(9, 0, 0)
    assert judge_growing(COUNT, [burst], set()) is None


def test_a_late_record_completes_a_span_that_ends_after_it() -> None:
    assert judge_growing(COUNT, [ones(b0=1, b12=2, b54=1)], {0}) == Verdict(4, 0, 54)


def test_the_greatest_of_the_spans_is_told() -> None:
    assert judge_growing(COUNT, [ones(b0=2, b30=4, b66=3)], {30}) == Verdict(7, 0, 66)


def test_a_sum_is_judged_at_once_as_long_as_no_number_is_negative() -> None:
    condition = threshold("sum", "gt", 10)
    assert judge_growing(condition, [{0: of(6), 6: of(7)}], {6})
    assert judge_growing(condition, [{0: of(6), 6: of(7), 12: of(-9)}], {6}) is not None
    assert judge_growing(condition, [{0: of(-1), 6: of(19)}], {6}) is None
    assert judge_ended(condition, [{0: of(-1), 6: of(19)}], 0, 600)


def test_spans_are_judged_when_they_are_over_and_once() -> None:
    condition = threshold("avg", "gt", 5)
    buckets = [{0: of(1)}, {6: of(8)}]
    assert judge_ended(condition, buckets, 0, 60) is None
    assert judge_ended(condition, buckets, 0, 66) == Verdict(1, 6, 6)
    assert judge_ended(condition, buckets, 66, 600) is None


def test_a_window_is_cut_into_whole_seconds() -> None:
    assert [span_of(w) for w in (1, 7, 60, 95, 3600)] == [(1, 1), (7, 1), (60, 6), (99, 9), (3600, 360)]
    assert (wait_of(COUNT), wait_of(Count(at_least=1, window=3600))) == (60, 300)
