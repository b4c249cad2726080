"""What the records of a batch add up to, rule by rule and group by group."""

from shared.telemetry.aggregate import Aggregate, Tally, bucket_of, sketch_key
from shared.telemetry.kinds import Group, Kind, Target


class _Open:
    """A tally that still grows: numbers of records, or the numbers themselves, by event and bucket."""

    __slots__ = ("counts", "first_at", "kind", "last_at", "newest", "target", "values")

    def __init__(self, target: Target, kind: Kind, at: float) -> None:
        self.target = target
        self.kind = kind
        self.first_at = self.last_at = at
        self.counts: dict[tuple[int, int], int] = {}
        self.values: dict[tuple[int, int], list[float]] = {}


class Tallying:
    def __init__(self) -> None:
        self._open: dict[Group, _Open] = {}
        self._sequence = 0

    def begin(self, sequence: int) -> None:
        """What follows comes from the event with this number."""
        self._sequence = sequence

    def count(self, target: Target, group: Group, kind: Kind, at: float, number: int = 1) -> None:
        tally = self._tally(target, group, kind, at)
        width = target.rule.width
        key = (self._sequence, bucket_of(at, width) if width else 0)
        tally.counts[key] = tally.counts.get(key, 0) + number

    def add(self, target: Target, group: Group, kind: Kind, at: float, value: float) -> None:
        tally = self._tally(target, group, kind, at)
        tally.values.setdefault((self._sequence, bucket_of(at, target.rule.width)), []).append(value)

    def _tally(self, target: Target, group: Group, kind: Kind, at: float) -> _Open:
        tally = self._open.get(group)
        if tally is None:
            self._open[group] = tally = _Open(target, kind, at)
        elif at >= tally.last_at:
            # Of two at the same time the same one is newest, in whatever order they came.
            if at > tally.last_at or kind.order > tally.kind.order:
                tally.kind = kind
            tally.last_at = at
        elif at < tally.first_at:
            tally.first_at = at
        return tally

    def tallies(self) -> list[Tally]:
        return [_closed(group, tally) for group, tally in self._open.items()]


def _closed(group: Group, tally: _Open) -> Tally:
    samples: dict[int, dict[int, Aggregate]] = {}
    for (sequence, bucket), number in tally.counts.items():
        samples.setdefault(sequence, {})[bucket] = Aggregate(count=number)
    for (sequence, bucket), values in tally.values.items():
        samples.setdefault(sequence, {})[bucket] = _aggregate(values, tally.target.rule.sketched)
    kind = tally.kind
    return Tally(
        rule=group[0],
        group=group[1],
        node="" if tally.target.rule.by == "domain" else str(kind.node),
        resource=kind.resource,
        category=kind.category,
        operation=kind.operation,
        first_at=tally.first_at,
        last_at=tally.last_at,
        samples=samples,
    )


def _aggregate(values: list[float], sketched: bool) -> Aggregate:
    sketch: dict[int, int] = {}
    if sketched:
        for value in values:
            key = sketch_key(value)
            sketch[key] = sketch.get(key, 0) + 1
    return Aggregate(count=len(values), sum=sum(values), least=min(values), most=max(values), sketch=sketch)
