"""What the records of a batch add up to, rule by rule and group by group."""

from shared.telemetry.aggregate import Aggregate, Tally, sketch_key
from shared.telemetry.kinds import Group, Kind, Sighting, Target, Watch


class _Open:
    """A tally that still grows: the numbers of its records by event and bucket, or how many they are."""

    __slots__ = ("counts", "first_at", "kind", "last_at", "target", "values", "width")

    def __init__(self, target: Target, kind: Kind, at: float) -> None:
        self.target = target
        self.kind = kind
        self.width = target.rule.width
        self.first_at = self.last_at = at
        self.counts: dict[tuple[int, int], int] = {}
        self.values: dict[tuple[int, int], list[float]] | None = {} if target.rule.number else None

    def spans(self, kind: Kind, at: float) -> None:
        if at < self.first_at:
            self.first_at = at
        # Of two at the same time the same one is newest, in whatever order they came.
        elif at > self.last_at or (at == self.last_at and kind.order > self.kind.order):
            self.last_at = at
            self.kind = kind


class Tallying:
    def __init__(self) -> None:
        self._open: dict[Group, _Open] = {}
        self._seen: dict[Watch, tuple[tuple[float, int], int]] = {}
        self._sequence = 0

    def begin(self, sequence: int) -> None:
        """What follows comes from the event with this number."""
        self._sequence = sequence

    def add(self, target: Target, group: Group, kind: Kind, at: float, value: float) -> None:
        """Adds a record, and its number where the rule is about one."""
        tally = self._open.get(group)
        if tally is None:
            self._open[group] = tally = _Open(target, kind, at)
        elif at <= tally.first_at or at >= tally.last_at:
            tally.spans(kind, at)
        width = tally.width
        key = (self._sequence, int(at // width) * width if width else 0)
        if tally.values is None:
            tally.counts[key] = tally.counts.get(key, 0) + 1
        elif key in tally.values:
            tally.values[key].append(value)
        else:
            tally.values[key] = [value]

    def see(self, watch: Watch, newest: tuple[float, int], records: int) -> None:
        """Adds that groups were not silent: when their newest event was enqueued, and its sequence number."""
        seen = self._seen.get(watch)
        if seen is None:
            self._seen[watch] = (newest, records)
        else:
            self._seen[watch] = (max(seen[0], newest), seen[1] + records)

    def tallies(self) -> list[Tally]:
        """One for each rule and group that has records."""
        seen: dict[Group, Tally] = {}
        for watch, (newest, records) in self._seen.items():
            for sighting in watch.sightings:
                _join(seen, sighting, newest, records)
        return [*seen.values(), *(_closed(group, tally) for group, tally in self._open.items())]


def _join(tallies: dict[Group, Tally], sighting: Sighting, newest: tuple[float, int], records: int) -> None:
    """Adds to a tally that a group was seen; its times are when it was last, and that event stands for all."""
    enqueued, sequence = newest
    known = tallies.get(sighting.group)
    if known is None:
        tallies[sighting.group] = known = Tally(
            rule=sighting.group[0],
            group=sighting.group[1],
            node=sighting.node,
            resource=sighting.resource,
            category="",
            operation="",
            first_at=enqueued,
            last_at=enqueued,
            samples={},
        )
    known.first_at = known.last_at = max(known.last_at, enqueued)
    known.samples.setdefault(sequence, {}).setdefault(0, Aggregate()).count += records


def _closed(group: Group, tally: _Open) -> Tally:
    samples: dict[int, dict[int, Aggregate]] = {}
    for (sequence, bucket), number in tally.counts.items():
        samples.setdefault(sequence, {})[bucket] = Aggregate(count=number)
    for (sequence, bucket), values in (tally.values or {}).items():
        samples.setdefault(sequence, {})[bucket] = _aggregate(values, tally.target.rule.sketched)
    kind = tally.kind
    return Tally(
        rule=group[0],
        group=group[1],
        node="" if tally.target.rule.by == "domain" else kind.node,
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
