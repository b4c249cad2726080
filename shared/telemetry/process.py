"""A batch of the Event Hub trigger, from its events to what is stored and asked for."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey
from shared.ports import Alert, Alerts, Clock, DeadLetters, NodeStore
from shared.telemetry.attribute import Attribution
from shared.telemetry.former import read_batch, unstorable
from shared.telemetry.event import StreamEvent
from shared.telemetry.rules import Rule, error_level

type Touch = Callable[[NodeKey, str, str], Awaitable[None]]
"""Asks for a look at a key: the key of a group, the resource id as the record spells it, and the cause."""

_PAGE = 1000


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch came to; `alerts` and `touched` count distinct ones, `dead_letters` pieces of events."""

    events: int
    records: int
    unattributed: int
    alerts: int
    touched: int
    dead_letters: int


class KnownNodes:
    """The mesh's nodes as of at most `max_age` seconds ago."""

    def __init__(self, store: NodeStore, clock: Clock, max_age: float = 15.0) -> None:
        self._store = store
        self._clock = clock
        self._max_age = timedelta(seconds=max_age)
        self._read_at: datetime | None = None
        self._attribution = Attribution(())

    async def attribution(self) -> Attribution:
        """Raises what the store raises when the nodes have to be read again."""
        now = self._clock.now()
        if self._read_at is None or now - self._read_at >= self._max_age:
            nodes = await self._read()
            if nodes != self._attribution.nodes:
                self._attribution = Attribution(nodes)
            self._read_at = now
        return self._attribution

    async def _read(self) -> frozenset[NodeKey]:
        nodes: set[NodeKey] = set()
        continuation = ""
        while True:
            page = await self._store.list(size=_PAGE, continuation=continuation)
            nodes.update(n.key for n in page.items if n.state != "Offboarded")
            continuation = page.continuation
            if not continuation:
                return frozenset(nodes)


class TelemetryProcessor:
    """Handles batches at least once: a batch that raised is delivered again.

    What could be counted twice is written last: a dead letter has one id for one piece of an event and a
    key is looked at once more without harm, so only a failure between two alerts counts records twice.
    """

    def __init__(
        self,
        nodes: KnownNodes,
        alerts: Alerts,
        dead_letters: DeadLetters,
        touch: Touch,
        rule: Rule = error_level,
    ) -> None:
        self._nodes = nodes
        self._alerts = alerts
        self._dead_letters = dead_letters
        self._touch = touch
        self._rule = rule

    async def process(self, batch: Sequence[StreamEvent]) -> BatchResult:
        """Raises what a store raises, so that the batch is tried again; nothing of it is dropped."""
        found = read_batch(batch, await self._nodes.attribution(), self._rule)
        for letter in found.letters:
            await self._dead_letters.add(letter)
        for (key, resource), cause in found.touches.items():
            await self._touch(key, resource, cause)
        for alert in found.alerts.values():
            await self._raise(alert)
        return BatchResult(
            events=len(batch),
            records=found.records,
            unattributed=found.unattributed,
            alerts=len(found.alerts),
            touched=len(found.touches),
            dead_letters=len(found.letters),
        )

    async def _raise(self, alert: Alert) -> None:
        """Stores an alert; one that no try can store is kept as a dead letter, and the others go on."""
        try:
            await self._alerts.raise_alert(alert)
        except Terminal as error:
            await self._dead_letters.add(unstorable(alert, error))
