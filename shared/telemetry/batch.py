"""What a batch of events says, decided without any input or output."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from shared.domain.ids import NodeKey
from shared.ports import DeadLetter
from shared.telemetry.aggregate import Tally
from shared.telemetry.attribute import Attribution
from shared.telemetry.event import StreamEvent
from shared.telemetry.kinds import Kind, kinds_of
from shared.telemetry.letters import Letters
from shared.telemetry.matching import Matcher, Opened
from shared.telemetry.record import KIND_FIELDS, Record, Undecodable
from shared.telemetry.tallying import Tallying

type Volumes = dict[tuple[str, str], tuple[float, int]]

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
    for event in events:
        mark = (event.partition, event.sequence_number, event.offset, event.enqueued_at, len(event.body))
        if mark not in seen:
            seen.add(mark)
            batch.read(event)
    batch.found.tallies = batch.tallying.tallies()
    return batch.found


class _Batch:
    def __init__(self, attribution: Attribution, matcher: Matcher) -> None:
        self.found = Findings()
        self.tallying = Tallying()
        self._attribution = attribution
        self._decoder = matcher.decoder
        self._kind_of = kinds_of(attribution, matcher).__getitem__

    def read(self, event: StreamEvent) -> None:
        records = self._decoder.records(event.body)
        places: Sequence[int] = range(len(records)) if records is not None else ()
        letters = Letters(event, self.found.letters, self._attribution)
        if records is None:
            items = self._decoder.decode(event.body)
            for index, item in enumerate(items):
                if isinstance(item, Undecodable):
                    letters.undecodable(index, item)
            places = [n for n, item in enumerate(items) if not isinstance(item, Undecodable)]
            records = [item for item in items if not isinstance(item, Undecodable)]
        if records:
            self._read(event, records, places, letters)

    def _read(
        self, event: StreamEvent, records: Sequence[Record], places: Sequence[int], letters: Letters
    ) -> None:
        self.found.records += len(records)
        kinds = [self._kind_of(_fields(record)[:KIND_FIELDS]) for record in records]
        enqueued = event.enqueued_at.timestamp()
        self.tallying.begin(event.sequence_number)
        share = len(event.body) / len(records)
        for kind, number in Counter(kinds).items():
            self._count(kind, number, share, enqueued)
        for place, kind, record in zip(places, kinds, records, strict=True):
            if kind.targets:
                self._judge(kind, record, enqueued, place, letters)

    def _count(self, kind: Kind, number: int, share: float, enqueued: float) -> None:
        """What one kind's records of an event say without any of them being looked at."""
        if kind.touch:
            self.found.touches.setdefault((kind.touch, kind.resource), f"activity log: {kind.operation}")
        if kind.volume is None:
            self.found.unattributed += number
            return
        size, count = self.found.volumes.get(kind.volume, (0.0, 0))
        self.found.volumes[kind.volume] = (size + share * number, count + number)
        for target in kind.timeless:
            self.tallying.count(target, (target.rule.name, target.prefix), kind, enqueued, number)

    def _judge(self, kind: Kind, record: Record, enqueued: float, place: int, letters: Letters) -> None:
        opened: Opened = {}
        at = record.seconds(enqueued)
        for target in kind.targets:
            rule = target.rule
            try:
                if rule.fields and not rule.holds(record, opened):
                    continue
                value = rule.value(record, opened) if rule.number else None
                group = target.group or (rule.name, target.prefix + rule.parts(record, opened))
            except Exception as error:  # noqa: BLE001 - kept as a dead letter; other rules and records go on
                reason = f"the rule {rule.name} failed: {str(error)[:200] or type(error).__name__}"
                letters.failed(place, kind, reason, msgspec.json.encode(record))
                continue
            if rule.number is None:
                self.tallying.count(target, group, kind, at)
            elif value is not None:
                self.tallying.add(target, group, kind, at, value)
