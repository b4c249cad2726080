"""The work queue and the event stream in memory."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.domain.errors import MeshError
from shared.domain.node import MeshEvent
from shared.ports import Clock, WorkItem

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class InMemoryWorkQueue:
    """WorkQueue; `fault`, where set, is raised by the next enqueue instead of keeping the item."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: list[tuple[datetime, WorkItem, datetime]] = []
        self.fault: MeshError | None = None

    async def enqueue(self, item: WorkItem, *, delay: float = 0.0, expires: float | None = None) -> None:
        await asyncio.sleep(0)
        if self.fault:
            fault, self.fault = self.fault, None
            raise fault
        now = self._clock.now()
        end = _NEVER if expires is None else now + timedelta(seconds=max(expires, delay + 1))
        self._items.append((now + timedelta(seconds=delay), item, end))

    def put_back(self, item: WorkItem, delay: float) -> None:
        """What the queue does with a message whose handling did not end: it comes back."""
        self._items.append((self._clock.now() + timedelta(seconds=delay), item, _NEVER))

    def pop_visible(self) -> WorkItem | None:
        """Takes the item that became visible first, or None where none is visible now."""
        visible = [row for row in self._alive() if row[0] <= self._clock.now()]
        if not visible:
            return None
        first = min(visible, key=lambda row: row[0])
        self._items.remove(first)
        return first[1]

    def next_visible(self) -> datetime | None:
        """When the next item is or becomes visible."""
        return min((row[0] for row in self._alive()), default=None)

    @property
    def items(self) -> tuple[WorkItem, ...]:
        """Everything that waits, visible or not, in order of arrival."""
        return tuple(row[1] for row in self._alive())

    def _alive(self) -> list[tuple[datetime, WorkItem, datetime]]:
        self._items = [row for row in self._items if row[2] > self._clock.now()]
        return self._items


class InMemoryEventStream:
    """EventStream that keeps what was published; `fault`, where set, is raised by each publish instead."""

    def __init__(self) -> None:
        self.events: list[MeshEvent] = []
        self.fault: MeshError | None = None

    async def publish(self, events: Sequence[MeshEvent]) -> None:
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        self.events.extend(events)
