"""Counting: what one partition's records say to one rule about one group, each event once.

A row says up to which event it has counted. What is delivered again, split otherwise or by another owner, lies below
that mark; two owners of one partition meet at the row's ETag, and the loser reads again.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec

from shared.domain.errors import Conflict
from shared.domain.high_water import is_above, raised
from shared.ports import Clock
from shared.ports.telemetry import Window, Windows
from shared.telemetry.aggregate import Aggregate, Tally, bucket_of, merge
from shared.telemetry.evaluate import Buckets, judged_at_end, span_of, wait_of, window_of
from shared.telemetry.rule import Absence, Each, Rule, Threshold

LATEST = 1800.0
"""Seconds by which a record may be late: Azure names 20 minutes for resource logs at worst. An older one counts as if
it were so old ("Log data ingestion time in Azure Monitor")."""

APART = 1800.0
"""Seconds by which one partition may lag behind another without a span losing sight of what either says."""

SETTLED = timedelta(seconds=30)
"""After so long the timer judges a row that its writer should have judged, and may not have lived to judge."""

FORGOTTEN = timedelta(days=1)
"""A row that nobody wrote for so long, beyond its window, is removed."""

UNSEEN = timedelta(days=31)
"""For so long it is known when somebody was heard of last, for rules about absence."""

SLACK = 0.1
"""What part of its period a rule about absence may be late by: no oftener is it written when somebody was heard of."""

LARGEST = 256 * 1024
"""Bytes of encoded buckets; the oldest give way."""

REMEMBERED = 4000  # rows of its own that a process remembers
ATTEMPTS = 20
PAUSE = 0.01  # seconds; grows with the attempts

_BUCKETS = msgspec.msgpack.Decoder(dict[int, Aggregate])


def rule_key(rule: Rule) -> str:
    """Under what a rule's rows are kept: its name, and a digest of what decides which records count where.

    Another threshold leaves what was counted valid; another match, window or grouping begins anew.
    """
    condition = rule.condition
    kind = type(condition).__name__
    if isinstance(condition, Threshold):
        kind = f"{'.'.join(condition.of)} {condition.aggregation == 'percentile'}"
    counted = (rule.match, kind, window_of(condition), rule.group_by, rule.dedupe)
    return f"{rule.name}@{sha256(msgspec.json.encode(counted)).hexdigest()[:12]}"


class Arrivals(msgspec.Struct, frozen=True):
    """Where a batch comes from, and when each of its events was enqueued (seconds since 1970), by sequence number."""

    partition: str
    enqueued: Mapping[int, float]


class Counted(msgspec.Struct, frozen=True):
    """A row as it is stored, with its buckets, and which of them have to be judged now."""

    row: Window
    buckets: Buckets
    touched: frozenset[int]


type Samples = Mapping[int, Mapping[int, Aggregate]]
"""What each event, by its sequence number, adds to each bucket."""


class WindowBook:
    """Counts tallies into rows: one write for each at most, no read where this process wrote the row last."""

    def __init__(self, windows: Windows, clock: Clock) -> None:
        self._windows = windows
        self._clock = clock
        self._own: OrderedDict[tuple[str, str, str], tuple[Window, Buckets]] = OrderedDict()

    async def count(self, rule: Rule, tally: Tally, arrivals: Arrivals) -> Counted:
        """The row with the tally in it. Raises Conflict (`WindowContended`) where too many write at once, Terminal
        where the row cannot be stored, and what the store raises."""
        place = (rule_key(rule), tally.group, arrivals.partition)
        samples = placed(tally, arrivals, window_of(rule.condition))
        for attempt in range(ATTEMPTS):
            row, buckets = await self._known(place)
            touched = {start for of_event in samples.values() for start in of_event}
            if row and not judged_at_end(rule.condition):
                touched |= {start for start in buckets if start >= row.judged}
            if row and heard_lately(rule, row, tally, arrivals):
                return Counted(row, {}, frozenset())
            changed = merged(rule, row, buckets, tally, arrivals, samples, self._clock.now())
            if changed is None:
                assert row is not None  # there is nothing that an empty row has counted
                return Counted(row, buckets, frozenset(touched & buckets.keys()))
            try:
                saved = await self._windows.save(changed[0])
            except Conflict:
                self._own.pop(place, None)
                await self._clock.sleep(PAUSE * attempt)
                continue
            self._remember(place, saved, changed[1])
            return Counted(saved, changed[1], frozenset(touched & changed[1].keys()))
        raise Conflict("WindowContended", f"{ATTEMPTS} attempts met other writers", target="/".join(place))

    def judged(self, counted: Counted) -> None:
        """Remembers that a row was judged as it is: the next write of it says so."""
        place = (counted.row.rule, counted.row.group, counted.row.partition)
        found = self._own.get(place)
        if found and found[0].etag == counted.row.etag and counted.buckets:
            until = float(max(counted.buckets) + 1)
            self._own[place] = (msgspec.structs.replace(found[0], judged=until), found[1])

    async def _known(self, place: tuple[str, str, str]) -> tuple[Window | None, Buckets]:
        found = self._own.get(place)
        if found:
            self._own.move_to_end(place)
            return found
        row = await self._windows.get(*place)
        return (row, read_buckets(row)) if row else (None, {})

    def _remember(self, place: tuple[str, str, str], row: Window, buckets: Buckets) -> None:
        self._own[place] = (row, buckets)
        self._own.move_to_end(place)
        if len(self._own) > REMEMBERED:
            self._own.popitem(last=False)


def read_buckets(window: Window) -> dict[int, Aggregate]:
    """The buckets of a row."""
    return _BUCKETS.decode(window.buckets) if window.buckets else {}


def heard_lately(rule: Rule, row: Window, tally: Tally, arrivals: Arrivals) -> bool:
    """Whether a rule about absence needs no word of this."""
    if not isinstance(rule.condition, Absence):
        return False
    newest = max(arrivals.enqueued[sequence] for sequence in tally.samples)
    return newest - row.enqueued < rule.condition.period * SLACK


def placed(tally: Tally, arrivals: Arrivals, window: float) -> Samples:
    """The samples of a tally, each in the bucket that it counts in.

    That of its own time, but none that is later than when it was enqueued or older than `LATEST` before that.
    """
    samples: dict[int, dict[int, Aggregate]] = {sequence: {} for sequence in tally.samples}
    if not window:
        return samples
    _, width = span_of(window)
    for sequence, buckets in tally.samples.items():
        enqueued = arrivals.enqueued[sequence]
        first, last = bucket_of(enqueued - LATEST, width), bucket_of(enqueued, width)
        own = samples[sequence]
        for start, aggregate in buckets.items():
            merge(own.setdefault(min(max(start, first), last), Aggregate()), aggregate)
    return samples


def merged(
    rule: Rule,
    row: Window | None,
    buckets: Buckets,
    tally: Tally,
    arrivals: Arrivals,
    samples: Samples,
    now: datetime,
) -> tuple[Window, Buckets] | None:
    """A row with what a tally adds above its mark; None where it adds nothing."""
    mark = (row.sequence, row.enqueued) if row else None
    fresh = {s: arrivals.enqueued[s] for s in samples if is_above(mark, s, arrivals.enqueued[s])}
    risen = raised(mark, fresh)
    if not fresh or risen is None:
        return None
    kept, added = _added(rule, row, buckets, [samples[s] for s in fresh])
    newest = tally if row is None or tally.last_at >= row.last_at else row
    judged = float(min(added, default=0))
    if row:
        judged = min(judged, row.judged)
    unseen = isinstance(rule.condition, Absence)
    kept_until = now + (UNSEEN if unseen else FORGOTTEN) + timedelta(seconds=window_of(rule.condition))
    return Window(
        rule=rule_key(rule),
        group=tally.group,
        partition=arrivals.partition,
        sequence=risen[0],
        enqueued=risen[1],
        node=newest.node,
        resource=newest.resource,
        category=newest.category,
        operation=newest.operation,
        first_at=min(row.first_at, tally.first_at) if row else tally.first_at,
        last_at=newest.last_at,
        buckets=msgspec.msgpack.encode(kept),
        judged=judged,
        due=due_of(rule, judged, now, kept_until),
        kept_until=kept_until,
        etag=row.etag if row else None,
    ), kept


def due_of(rule: Rule, judged: float, now: datetime, kept_until: datetime) -> datetime:
    """When the timer has to look at a row with something that is not judged."""
    condition = rule.condition
    if isinstance(condition, Each | Absence):
        return kept_until
    if judged_at_end(condition):
        _, width = span_of(condition.window)
        return datetime.fromtimestamp(judged + width + wait_of(condition), UTC)
    return now + SETTLED


def _added(
    rule: Rule, row: Window | None, buckets: Buckets, samples: Sequence[Mapping[int, Aggregate]]
) -> tuple[dict[int, Aggregate], set[int]]:
    """The buckets with some samples, without those that no span reaches any more; and which were added to."""
    span, width = span_of(window_of(rule.condition))
    oldest = row.enqueued - LATEST - APART - span - width if row else 0.0
    kept = {start: aggregate for start, aggregate in buckets.items() if start >= oldest}
    added: set[int] = set()
    for of_event in samples:
        for start, aggregate in of_event.items():
            if start not in added:  # what is stored so far stays as it is until this is stored
                kept[start] = _copy(kept[start]) if start in kept else Aggregate()
                added.add(start)
            merge(kept[start], aggregate)
    return _fitting(kept), added


def _copy(aggregate: Aggregate) -> Aggregate:
    return msgspec.structs.replace(aggregate, sketch=dict(aggregate.sketch))


def _fitting(buckets: dict[int, Aggregate]) -> dict[int, Aggregate]:
    while len(buckets) > 1 and len(msgspec.msgpack.encode(buckets)) > LARGEST:
        buckets = {start: buckets[start] for start in sorted(buckets)[max(1, len(buckets) // 4) :]}
    return buckets
