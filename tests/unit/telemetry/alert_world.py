"""Alerts, their handlers and the queue in memory, on a clock that only tests move."""

import random
from collections.abc import Sequence
from datetime import datetime

from shared.domain.alert import Alert
from shared.domain.errors import MeshError, Transient
from shared.domain.ids import AlertKey, parse_key
from shared.ports import WorkItem
from shared.ports.telemetry import AlertStore, Handler, Notice
from shared.telemetry.alert_desk import AlertDesk
from shared.telemetry.alerting import Alerting, Firing
from shared.telemetry.delivery import Delivery
from shared.telemetry.handlers import registry
from shared.telemetry.rule import Each, Match, Rule
from tests.fakes.alerts import InMemoryAlertStore, InMemorySilences
from tests.fakes.clock import FakeClock
from tests.fakes.messages import InMemoryWorkQueue
from tests.fakes.nodes import InMemoryHistory, InMemoryNodeStore
from tests.fakes.records import InMemoryDeadLetters

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
SALES = f"node/{SUBSCRIPTION}/sales"
ORDERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sales/providers/Microsoft.Sql/servers/orders"
VISIBILITY_SECONDS = 30.0
MOST_STEPS = 500


def rule_named(name: str = "deadlocks", handlers: Sequence[str] = ("ops",), **changes: float) -> Rule:
    return Rule(
        name=name,
        title="Deadlocks",
        severity="error",
        match=Match(category=("deadlocks",)),
        condition=Each(),
        handlers=tuple(handlers),
        cool_down=changes.get("cool_down", 0.0),
        auto_resolve=changes.get("auto_resolve", 3600.0),
    )


class Recorder:
    """A handler that keeps what it was told; `errors` are raised by the next calls, `always` by every one."""

    def __init__(self, clock: FakeClock, name: str = "ops") -> None:
        self.clock = clock
        self.name = name
        self.told: list[Notice] = []
        self.errors: list[MeshError] = []
        self.always: MeshError | None = None
        self.down_until: datetime | None = None
        self.calls = 0

    async def handle(self, notice: Notice) -> None:
        self.calls += 1
        error = self.errors.pop(0) if self.errors else self.always
        if self.down_until and self.clock.now() < self.down_until:
            error = Transient("ReceiverFailed", "the receiver answered 500")
        if error:
            raise error
        self.told.append(notice)

    @property
    def ids(self) -> Sequence[str]:
        """What was told, as episode and transition."""
        return [notice.id.partition("-")[2] for notice in self.told]


class World:
    """One mesh's alerts. `deliver` is what the queue and its trigger do."""

    def __init__(self, *handlers: Handler, alerts: AlertStore | None = None, seconds: float = 20.0) -> None:
        self.clock = FakeClock()
        self.store = InMemoryAlertStore()
        self.silences = InMemorySilences()
        self.history = InMemoryHistory()
        self.letters = InMemoryDeadLetters()
        self.nodes = InMemoryNodeStore()
        self.queue = InMemoryWorkQueue(self.clock)
        self.ops = Recorder(self.clock)
        self.alerting = Alerting(alerts or self.store, self.silences, self.queue, self.clock)
        self.handlers: tuple[Handler, ...] = (self.ops, *handlers)
        self.seconds = seconds
        self.delivery = self.deliverer()
        ids = iter(f"{number:032x}" for number in range(1, 1000))
        self.desk = AlertDesk(
            self.store, self.silences, self.nodes, self.history, self.queue, self.clock, lambda: next(ids)
        )

    def deliverer(self, alerts: AlertStore | None = None) -> Delivery:
        """Another instance's; with a store of its own where that is to get into trouble."""
        return Delivery(
            alerts or self.store,
            self.silences,
            registry(self.handlers),
            self.history,
            self.letters,
            self.queue,
            self.clock,
            random.Random(1),
            self.seconds,
        )

    async def fire(
        self,
        rule: Rule | None = None,
        *,
        sequence: int = 0,
        records: int = 1,
        partition: str = "0",
        group: str = ORDERS.lower(),
        total: int | None = None,
        enqueued: float | None = None,
        counts: dict[int, tuple[int, float]] | None = None,
    ) -> Alert:
        """One event of a partition with so many matching records, or a batch of `counts`."""
        now = self.clock.now()
        at = now.timestamp() if enqueued is None else enqueued
        firing = Firing(
            rule=rule or rule_named(),
            group=group,
            node=SALES,
            resource=ORDERS,
            first_at=at,
            last_at=at,
            category="Deadlocks",
            partition=partition,
            counts=counts or {sequence: (records, at)},
            total=total,
        )
        return await self.alerting.fire(firing, now)

    async def deliver(self) -> None:
        """Handles every message that is visible now."""
        for _ in range(MOST_STEPS):
            item = self.queue.pop_visible()
            if item is None:
                return
            await self.handle(item)
        raise AssertionError("messages beget messages")

    async def handle(self, item: WorkItem) -> None:
        key = parse_key(item.key)
        assert isinstance(key, AlertKey)
        again = await self.delivery.visit(key)
        if again is not None:
            await self.queue.enqueue(item, delay=again)

    async def tick(self, seconds: float = 60.0) -> None:
        """The timer, once so much time has passed, and what it enqueued."""
        self.clock.advance(seconds)
        await self.delivery.enqueue_due()
        await self.deliver()

    @property
    def alert(self) -> Alert:
        """The only one."""
        (alert,) = self.store.alerts.values()
        return alert

    def outcomes(self, alert_id: str) -> Sequence[str]:
        """The causes in an alert's history, the oldest first."""
        entries = [e for e in self.history.entries if e.key == f"alert/{alert_id}"]
        return [e.cause for e in sorted(entries, key=lambda e: e.at)]
