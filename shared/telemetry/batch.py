"""What a batch of events says, decided without any input or output."""

from collections.abc import Sequence

import msgspec

from shared.domain.ids import NodeKey
from shared.ports import DeadLetter
from shared.telemetry.aggregate import Tally
from shared.telemetry.attribute import Attribution
from shared.telemetry.event import StreamEvent
from shared.telemetry.kinds import NEVER, Kind, Tray, Volume, Watch, kinds_of
from shared.telemetry.letters import Letters
from shared.telemetry.matching import CompiledRule, Matcher
from shared.telemetry.matching_fields import Opened, number_of, value_at, walk
from shared.telemetry.matching_open import Unreadable
from shared.telemetry.record import KIND_FIELDS, Record, Undecodable
from shared.telemetry.tallying import Tallying

type Volumes = dict[Volume, tuple[float, int]]

_fields = msgspec.structs.astuple


class Findings(msgspec.Struct):
    """What has to be stored and asked for after a batch, each thing once, and how much was read.

    `touches` give the cause by key and resource; `volumes` bytes and records by node and diagnostic category, where
    each record has its share of its event's bytes.
    """

    records: int = 0
    unattributed: int = 0
    letters: list[DeadLetter] = []
    touches: dict[tuple[NodeKey, str], str] = {}
    tallies: list[Tally] = []
    volumes: Volumes = {}


def read_batch(events: Sequence[StreamEvent], attribution: Attribution, matcher: Matcher) -> Findings:
    """Every record is counted, attributed and matched; what cannot be read or judged becomes a dead letter.

    An event that is twice in the batch is read once.
    """
    batch = _Batch(attribution, matcher)
    seen = set()
    try:
        for event in sorted(events, key=lambda e: (e.enqueued_at, e.sequence_number)):
            mark = (event.partition, event.sequence_number, event.offset, event.enqueued_at, len(event.body))
            if mark not in seen:
                seen.add(mark)
                batch.read(event)
        return batch.ended()
    except BaseException:
        matcher.kinds = None  # trays that are half full
        raise


_NOTHING: Opened = {}


def _holds(rule: CompiledRule, opened: Opened) -> bool:
    for start, rest, test in rule.fields:
        value = opened[start]
        if not test(walk(value, rest) if rest else value):
            return False
    return True


class _Batch:
    def __init__(self, attribution: Attribution, matcher: Matcher) -> None:
        self._found = Findings()
        self._tallying = Tallying()
        self._attribution = attribution
        self._decoder = matcher.decoder
        self._tray_of = kinds_of(attribution, matcher).__getitem__
        self._trays: list[Tray] = []

    def read(self, event: StreamEvent) -> None:
        letters = Letters(event, self._found.letters, self._attribution)
        records = self._decoder.records(event.body)
        places: Sequence[int] | None = None
        if records is None:
            items = self._decoder.decode(event.body)
            places = [n for n, item in enumerate(items) if not isinstance(item, Undecodable)]
            records = [item for item in items if not isinstance(item, Undecodable)]
            letters.pieces, letters.read = len(items), len(records)
            for index, item in enumerate(items):
                if isinstance(item, Undecodable):
                    letters.undecodable(index, item)
        else:
            letters.pieces = letters.read = len(records)
        if records:
            self._found.records += len(records)
            self._read(event, records, places or range(len(records)), letters)
        letters.ended()

    def _read(
        self, event: StreamEvent, records: Sequence[Record], places: Sequence[int], letters: Letters
    ) -> None:
        tray_of, fields, told = self._tray_of, _fields, KIND_FIELDS
        share = len(event.body) / len(records)
        enqueued = event.enqueued_at.timestamp()
        mark = (enqueued, event.sequence_number)
        self._tallying.begin(event.sequence_number)
        looked_at: list[tuple[Kind, Record, int]] = []
        for place, record in zip(places, records, strict=True):
            tray = tray_of(fields(record)[:told])
            if not tray.records:
                self._trays.append(tray)
            tray.records += 1
            tray.bytes += share
            tray.newest = mark
            if tray.kind:
                looked_at.append((tray.kind, record, place))
        # One after the other: each between records that need no look would cost more.
        for kind, record, place in looked_at:
            self._judge(kind, record, enqueued, place, letters)

    def _judge(self, kind: Kind, record: Record, enqueued: float, place: int, letters: Letters) -> None:
        if kind.touch:
            self._found.touches.setdefault((kind.touch, kind.resource), f"activity log: {kind.operation}")
        opened, readable = _NOTHING, True
        try:
            if kind.opener:
                opened = kind.opener.open(record)
        except Unreadable as error:
            blind = [target.rule.name for target in kind.targets if target.rule.paths]
            letters.failed(place, kind, str(error), record, blind)
            readable = False
        at: float | None = None
        for target in kind.targets:
            rule = target.rule
            if rule.paths and not readable:
                continue
            try:
                if rule.fields and not _holds(rule, opened):
                    continue
                group = target.group or (rule.name, target.prefix + rule.parts(opened))
                value = number_of(value_at(opened, rule.number)) if rule.number else 1.0
            except Exception as error:  # noqa: BLE001 - kept as a dead letter; other rules and records go on
                reason = f"the rule {rule.name} failed: {type(error).__name__}"
                letters.failed(place, kind, reason, record, [rule.name])
                continue
            if value is not None:
                at = record.seconds(enqueued) if at is None else at
                self._tallying.add(target, group, kind, at, value)

    def ended(self) -> Findings:
        found, volumes = self._found, self._found.volumes
        watches: list[Watch] = []
        for tray in self._trays:
            volume, size, records = tray.volume, tray.bytes, tray.records
            tray.bytes, tray.records = 0.0, 0
            if volume is None:
                found.unattributed += records
                continue
            counted = (size, records)
            known = volumes.setdefault(volume, counted)
            if known is not counted:
                volumes[volume] = (known[0] + size, known[1] + records)
            watch = tray.watch
            if watch:
                if not watch.records:
                    watches.append(watch)
                watch.records += records
                if tray.newest > watch.newest:
                    watch.newest = tray.newest
        for watch in watches:
            self._tallying.see(watch.sightings, watch.newest, watch.records)
            watch.newest, watch.records = NEVER, 0
        found.tallies = self._tallying.tallies()
        return found
