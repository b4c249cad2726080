"""What is kept of many numbers: enough for every condition, mergeable in any order."""

import msgspec


class Aggregate(msgspec.Struct):
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
