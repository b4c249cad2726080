"""What the records of a batch add up to, rule by rule and group by group."""

from collections.abc import Iterable

from shared.telemetry.aggregate import Aggregate, Tally, sketch_key
from shared.telemetry.kinds import Group, Kind, Sighting, Target
from shared.telemetry.matching import CompiledRule

type _Bucket = tuple[Group, CompiledRule, int, int]
"""A rule and group, an event by its sequence number, and the start of a bucket."""


class Tallying:
    """Most tallies of a batch are of few records: what is handed over in the end is made of the first."""

    def __init__(self) -> None:
        self._open: dict[Group, Tally] = {}
        self._numbers: dict[_Bucket, list[float]] = {}
        self._seen: dict[Group, Tally] = {}
        self._sequence = 0

    def begin(self, sequence: int) -> None:
        """What follows comes from the event with this number."""
        self._sequence = sequence

    def add(self, target: Target, group: Group, kind: Kind, at: float, value: float) -> None:
        """Adds a record, and its number where the rule is about one."""
        rule, tally = target.rule, self._open.get(group)
        if tally is None:
            self._open[group] = tally = _first(rule, group, kind, at)
        elif at <= tally.first_at or at >= tally.last_at:
            _span(tally, kind, at)
        width, sequence = rule.width, self._sequence
        bucket = int(at // width) * width if width else 0
        if rule.number:
            self._numbers.setdefault((group, rule, sequence, bucket), []).append(value)
            return
        buckets = tally.samples.get(sequence)
        if buckets is None:
            tally.samples[sequence] = {bucket: Aggregate(1)}
        elif bucket in buckets:
            buckets[bucket].count += 1
        else:
            buckets[bucket] = Aggregate(1)

    def see(self, sightings: Iterable[Sighting], newest: tuple[float, int], records: int) -> None:
        """Adds that groups were not silent: when their newest event was enqueued, and its sequence number."""
        for sighting in sightings:
            _join(self._seen, sighting, newest, records)

    def tallies(self) -> list[Tally]:
        """One for each rule and group that has records; nothing can be added any more."""
        for (group, rule, sequence, bucket), values in self._numbers.items():
            self._open[group].samples.setdefault(sequence, {})[bucket] = _aggregate(values, rule.sketched)
        return [*self._seen.values(), *self._open.values()]


def _first(rule: CompiledRule, group: Group, kind: Kind, at: float) -> Tally:
    return Tally(
        rule=group[0],
        group=group[1],
        node="" if rule.by == "domain" else kind.node,
        resource=kind.resource,
        category=kind.category,
        operation=kind.operation,
        first_at=at,
        last_at=at,
        samples={},
    )


def _span(tally: Tally, kind: Kind, at: float) -> None:
    tally.first_at = min(tally.first_at, at)
    # Of two at the same time the same one is newest, in whatever order they came.
    if at > tally.last_at or (
        at == tally.last_at and kind.order > (tally.resource, tally.category, tally.operation)
    ):
        tally.last_at = at
        tally.resource, tally.category, tally.operation = kind.order
        if tally.node:
            tally.node = kind.node


def _join(tallies: dict[Group, Tally], sighting: Sighting, newest: tuple[float, int], records: int) -> None:
    """Adds to a tally that a group was seen; its times are when it was last, and that event stands for all."""
    enqueued, sequence = newest
    known = tallies.get(sighting.group)
    if known is None:
        tallies[sighting.group] = Tally(
            rule=sighting.group[0],
            group=sighting.group[1],
            node=sighting.node,
            resource=sighting.resource,
            category="",
            operation="",
            first_at=enqueued,
            last_at=enqueued,
            samples={sequence: {0: Aggregate(records)}},
        )
        return
    known.first_at = known.last_at = max(known.last_at, enqueued)
    known.samples.setdefault(sequence, {}).setdefault(0, Aggregate()).count += records


def _aggregate(values: list[float], sketched: bool) -> Aggregate:
    sketch: dict[int, int] = {}
    if sketched:
        for value in values:
            key = sketch_key(value)
            sketch[key] = sketch.get(key, 0) + 1
    return Aggregate(count=len(values), sum=sum(values), least=min(values), most=max(values), sketch=sketch)
