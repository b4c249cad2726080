"""Whether a rule's condition holds, by what the windows of all partitions say. Pure.

A condition that only comes nearer with every record is judged after each batch, over the spans that the batch added
to: the writer of the last record that a span lacked reads what every other partition had written by then. The others
are judged when a span is over, by the timer. Spans are as long as the rule's window and begin where a bucket does.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from shared.telemetry.aggregate import Aggregate, bucket_width, merge, percentile
from shared.telemetry.rule import Absence, Condition, Count, Each, Rate, Threshold

type Buckets = Mapping[int, Aggregate]

LONGEST_WAIT = 300.0
"""Seconds that a span which is over is left open at most for records that come late."""


class Verdict(msgspec.Struct, frozen=True):
    """A condition that holds: the most records that one of its spans has, and the buckets (their starts) in which the
    first and the last of them lie."""

    total: int
    first_at: float
    last_at: float


type Windowed = Count | Rate | Threshold


def judged_at_once(condition: Condition) -> bool:
    """Whether more records can only bring it nearer. A sum is among them as long as no number is negative."""
    match condition:
        case Threshold():
            return (condition.aggregation, condition.comparison) in _GROWING
        case _:
            return isinstance(condition, Count | Rate)


_GROWING = {
    *(("max", "gt"), ("max", "gte")),
    *(("min", "lt"), ("min", "lte")),
    *(("sum", "gt"), ("sum", "gte")),
}


def judged_at_end(condition: Condition) -> bool:
    """Whether a span is judged once it is over."""
    if not isinstance(condition, Threshold):
        return False
    return condition.aggregation == "sum" or not judged_at_once(condition)


def is_telling(condition: Condition, aggregate: Aggregate) -> bool:
    """Whether what one event says can bring the condition nearer at all.

    Where one number beyond the value is enough, events without one need not be counted: almost all of a metric's.
    """
    if (
        not isinstance(condition, Threshold)
        or condition.least > 1
        or condition.aggregation not in ("max", "min")
    ):
        return True
    return not judged_at_once(condition) or holds(condition, aggregate)


def window_of(condition: Condition) -> float:
    """In seconds; 0 where a condition has none."""
    return 0.0 if isinstance(condition, Each | Absence) else condition.window


def wait_of(condition: Windowed) -> float:
    """How long after its end a span may be judged, in seconds."""
    return min(LONGEST_WAIT, condition.window)


def judge_growing(
    condition: Windowed, partitions: Sequence[Buckets], touched: Collection[int]
) -> Verdict | None:
    """Judges each span with a bucket that was touched; None where the condition holds in none."""
    if not touched:
        return None
    span, width = span_of(condition.window)
    together = _together(partitions, min(touched) - span, max(touched) + span)
    # A span that ends with an empty bucket has no more in it than one that ends with the last that is not.
    lasts = {last for start in touched for last in range(start, start + span, width) if last in together}
    ends = sorted(last + width for last in lasts)
    if isinstance(condition, Threshold) and condition.aggregation == "sum":
        ends = [
            end for end in ends if all((together[b].least or 0) >= 0 for b in _in(together, end, condition))
        ]
    return _judge(condition, together, ends)


def judge_ended(
    condition: Windowed, partitions: Sequence[Buckets], after: float, until: float
) -> Verdict | None:
    """Judges each span that ended after a time and by another; None where the condition holds in none."""
    span, width = span_of(condition.window)
    together = _together(partitions, after - span, until)
    ends = {end for b in together for end in range(b + width, b + span + 1, width)}
    return _judge(condition, together, sorted(end for end in ends if after < end <= until))


def span_of(window: float) -> tuple[int, int]:
    """The length of a span and of its buckets, in seconds: a window in whole buckets."""
    width = bucket_width(window)
    return max(1, round(window / width)) * width, width


def _together(partitions: Sequence[Buckets], first: float, last: float) -> dict[int, Aggregate]:
    """The buckets of all partitions that begin between two times."""
    together: dict[int, Aggregate] = {}
    for buckets in partitions:
        for start, aggregate in buckets.items():
            if first <= start <= last:
                merge(together.setdefault(start, Aggregate()), aggregate)
    return together


def _judge(condition: Windowed, together: Buckets, ends: Iterable[int]) -> Verdict | None:
    found: list[Verdict] = []
    for end in ends:
        starts = _in(together, end, condition)
        total = Aggregate()
        for start in starts:
            merge(total, together[start])
        if holds(condition, total):
            found.append(Verdict(total.count, starts[0], starts[-1]))
    if not found:
        return None
    return Verdict(max(v.total for v in found), min(v.first_at for v in found), max(v.last_at for v in found))


def _in(together: Buckets, end: int, condition: Windowed) -> list[int]:
    """The buckets of the span that ends at a time."""
    span, width = span_of(condition.window)
    return [b for b in range(end - span, end, width) if b in together]


def holds(condition: Windowed, aggregate: Aggregate) -> bool:
    """Whether what a span came to amounts to an alert."""
    match condition:
        case Count():
            return aggregate.count >= condition.at_least
        case Rate():
            return aggregate.count > 0 and aggregate.count >= condition.per_minute * condition.window / 60
        case Threshold():
            return aggregate.count >= condition.least and _compares(condition, _value(condition, aggregate))


def _value(condition: Threshold, aggregate: Aggregate) -> float | None:
    match condition.aggregation:
        case "avg":
            return aggregate.sum / aggregate.count if aggregate.count else None
        case "sum":
            return aggregate.sum if aggregate.count else None
        case "max":
            return aggregate.most
        case "min":
            return aggregate.least
        case "percentile":
            return percentile(aggregate, condition.percentile)


def _compares(condition: Threshold, value: float | None) -> bool:
    if value is None:
        return False
    match condition.comparison:
        case "gt":
            return value > condition.value
        case "gte":
            return value >= condition.value
        case "lt":
            return value < condition.value
        case "lte":
            return value <= condition.value
