"""Streams for the tests of counting: events of several partitions, stores that fail, owners that come and go."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from shared.domain.alert import Alert
from shared.domain.errors import Terminal, Transient
from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord
from shared.ports.telemetry import Window
from shared.telemetry.absence import AbsenceWatch
from shared.telemetry.alerting import Alerting
from shared.telemetry.closing import Closing
from shared.telemetry.event import StreamEvent
from shared.telemetry.judge import Judge
from shared.telemetry.known_nodes import KnownNodes
from shared.telemetry.position import Position
from shared.telemetry.process import BatchResult, TelemetryProcessor
from shared.telemetry.replay import TelemetryReplay
from shared.telemetry.rule import Rule
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.volumes import VolumeMeter
from shared.telemetry.windows import read_buckets
from tests.fakes.alerts import InMemoryAlertStore, InMemorySilences
from tests.fakes.clock import FakeClock
from tests.fakes.messages import InMemoryWorkQueue
from tests.fakes.nodes import InMemoryNodeStore
from tests.fakes.records import InMemoryDeadLetters
from tests.fakes.stream import InMemoryEventReader
from tests.fakes.windows import InMemoryVolumes, InMemoryWindows
from tests.unit.telemetry.samples import SALES


class Fuse:
    """Fails one call of a store: the one after so many others, before it takes effect or after."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.after = False

    def set(self, left: int, *, after: bool) -> None:
        self.left, self.after = left, after

    def clear(self) -> None:
        self.left = None

    def before_call(self) -> bool:
        """Whether the call is to fail once it has taken effect."""
        if self.left is None:
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        self.left = None
        if not self.after:
            raise Transient("Killed", "before it took effect")
        return True

    @staticmethod
    def blow() -> None:
        raise Transient("Killed", "after it took effect")


class FailingAlerts(InMemoryAlertStore):
    """Refuses those of the rule `refuse` for good."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse
        self.refuse = ""

    async def save(self, alert: Alert) -> Alert:
        if alert.rule == self.refuse:
            raise Terminal("RowTooLarge", "the row would be too large")
        fails = self._fuse.before_call()
        saved = await super().save(alert)
        if fails:
            self._fuse.blow()
        return saved


class FailingWindows(InMemoryWindows):
    """Refuses those of the rule `refuse` for good, and counts what is asked of it."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse
        self.refuse = ""
        self.writes = 0
        self.reads = 0

    async def of(self, rule: str, group: str) -> Sequence[Window]:
        self.reads += 1
        if self._fuse.before_call():
            self._fuse.blow()
        return await super().of(rule, group)

    async def save(self, window: Window) -> Window:
        self.writes += 1
        if self.refuse and window.rule.startswith(self.refuse):
            raise Terminal("RowTooLarge", "the row would be too large")
        fails = self._fuse.before_call()
        saved = await super().save(window)
        if fails:
            self._fuse.blow()
        return saved


class Stores:
    """What all instances share, with one node that is Ready."""

    def __init__(self, rules: Sequence[Rule], nodes: Sequence[NodeKey] = (SALES,)) -> None:
        self.clock = FakeClock()
        self.rules = Rulebook(lambda: rules)
        self.fuse = Fuse()
        self.alerts = FailingAlerts(self.fuse)
        self.windows = FailingWindows(self.fuse)
        self.letters = InMemoryDeadLetters()
        self.volumes = InMemoryVolumes(self.clock)
        self.nodes = InMemoryNodeStore()
        self.reader = InMemoryEventReader()
        self.queue = InMemoryWorkQueue(self.clock)
        for node in nodes:
            self.nodes.records[node] = NodeRecord(
                key=node, state="Ready", domain="commerce", ready_at=self.clock.now(), etag='W/"0"'
            )


class Instance:
    """One process: it remembers the rows that it wrote."""

    def __init__(self, stores: Stores) -> None:
        s = self.stores = stores
        self.alerting = Alerting(s.alerts, InMemorySilences(), s.queue, s.clock)
        self.judge = Judge(s.windows, self.alerting, s.clock)
        known = KnownNodes(s.nodes, s.clock)
        self.processor = TelemetryProcessor(
            known,
            s.rules,
            self.judge,
            s.letters,
            _untouched,
            VolumeMeter(s.volumes, s.clock),
            Position(s.windows, s.clock),
            s.clock,
        )
        self.closing = Closing(s.rules, s.windows, self.alerting, s.clock)
        self.absence = AbsenceWatch(s.rules, s.windows, s.nodes, s.alerts, self.alerting, s.reader, s.clock)
        self.replay = TelemetryReplay(
            s.reader, known, s.rules, self.judge, self.alerting, self.processor, s.clock
        )

    async def process(self, *events: StreamEvent) -> BatchResult:
        return await self.processor.process(events)

    async def close_all(self) -> None:
        """The timer, after everything has settled and every span is over."""
        self.stores.clock.advance(3 * 3600)
        await self.closing.judge_due()


async def _untouched(_key: NodeKey, _resource: str, _cause: str) -> None:
    return


def event_of(
    body: bytes, partition: str, sequence: int, enqueued_at: datetime, offset: str = ""
) -> StreamEvent:
    return StreamEvent(body, partition, offset or str(sequence * 100), sequence, enqueued_at)


def alerts_of(stores: Stores) -> Mapping[str, tuple[object, ...]]:
    """What must not depend on how the stream was delivered."""
    return {
        f"{a.rule}\n{a.group}": (a.state, a.count, a.episode, a.first_at, a.last_at)
        for a in stores.alerts.alerts.values()
    }


def counted_in(stores: Stores) -> Mapping[tuple[str, str, int], tuple[int, float]]:
    """How many records, and what sum, each bucket of a rule and group has over all partitions."""
    found: dict[tuple[str, str, int], tuple[int, float]] = {}
    for row in stores.windows.rows.values():
        for start, aggregate in read_buckets(row).items():
            place = (row.rule, row.group, start)
            count, total = found.get(place, (0, 0.0))
            found[place] = (count + aggregate.count, total + aggregate.sum)
    return found


def at(clock_start: datetime) -> Callable[[float], datetime]:
    return lambda seconds: clock_start + timedelta(seconds=seconds)
