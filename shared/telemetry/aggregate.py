"""What is kept of many numbers: enough for every condition, mergeable in any order."""

from math import ceil, exp, log

import msgspec


class Aggregate(msgspec.Struct, array_like=True):
    """Count, sum, extremes, and a sketch of the distribution (bucket of the sketch → count) for percentiles.

    Merging is commutative and associative; `sketch` is empty where no rule asks for a percentile.
    """

    count: int = 0
    sum: float = 0.0
    least: float | None = None
    most: float | None = None
    sketch: dict[int, int] = {}


class Tally(msgspec.Struct, kw_only=True):
    """What one batch of one partition says to one rule about one group.

    `group` is the normal spelling of what the rule groups by (`node/...`, a normal resource id, a domain), followed
    by the values of its dedupe fields, one a line. `samples` keeps apart what each event (by its sequence number)
    adds to each bucket (its start, in seconds since 1970, of the records' own time): what was counted before is
    left out event by event. `resource`, `category` and `operation` are those of the newest record.
    """

    rule: str
    group: str
    node: str
    resource: str
    category: str
    operation: str
    first_at: float
    last_at: float
    samples: dict[int, dict[int, Aggregate]]


BUCKETS = 10
"""How many buckets a window is cut into: a tenth of it is how exactly its edges are kept."""


def bucket_width(window: float) -> int:
    """Whole seconds, at least one."""
    return max(1, int(window // BUCKETS))


def bucket_of(at: float, width: int) -> int:
    """The start of the bucket that a time lies in, in seconds since 1970."""
    return int(at // width) * width


def add(aggregate: Aggregate, value: float, *, sketched: bool) -> None:
    """Takes one number in; into the sketch too where a percentile is asked for."""
    aggregate.count += 1
    aggregate.sum += value
    if aggregate.least is None or value < aggregate.least:
        aggregate.least = value
    if aggregate.most is None or value > aggregate.most:
        aggregate.most = value
    if sketched:
        key = sketch_key(value)
        aggregate.sketch[key] = aggregate.sketch.get(key, 0) + 1


def merge(into: Aggregate, other: Aggregate) -> None:
    """Adds what another holds."""
    into.count += other.count
    into.sum += other.sum
    if other.least is not None and (into.least is None or other.least < into.least):
        into.least = other.least
    if other.most is not None and (into.most is None or other.most > into.most):
        into.most = other.most
    for key, count in other.sketch.items():
        into.sketch[key] = into.sketch.get(key, 0) + count


_GAMMA = log(1.02)  # each bucket of the sketch is 2 % wide: a percentile is exact to 1 %
_ZERO = 100_000  # more than the logarithm of any float reaches, so that keys sort as their values do


def sketch_key(value: float) -> int:
    """The bucket of the sketch (as in DDSketch, Masson et al. 2019) that a number lies in; keys sort as numbers do."""
    if value == 0:
        return 0
    key = ceil(log(abs(value)) / _GAMMA) + _ZERO
    return key if value > 0 else -key


def percentile(aggregate: Aggregate, percent: float) -> float | None:
    """The value below which so many per cent lie, to 1 %; None where nothing was sketched."""
    total = sum(aggregate.sketch.values())
    wanted = max(1, ceil(total * percent / 100))
    for key in sorted(aggregate.sketch):
        wanted -= aggregate.sketch[key]
        if wanted <= 0:
            return _sketched(key)
    return None


def _sketched(key: int) -> float:
    """The middle of a bucket."""
    if key == 0:
        return 0.0
    middle = exp((abs(key) - _ZERO - 0.5) * _GAMMA)
    return middle if key > 0 else -middle
