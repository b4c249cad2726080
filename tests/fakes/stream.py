"""The telemetry Event Hub in memory, as it is read beside its trigger."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from shared.domain.errors import NotFound
from shared.ports.telemetry import StoredEvent


class InMemoryEventReader:
    """EventReader and StreamEnds over the events that a test puts into `partitions`."""

    def __init__(self) -> None:
        self.partitions: dict[str, list[StoredEvent]] = {}

    async def read(self, partition: str, sequence: int, enqueued_at: datetime) -> StoredEvent:
        await asyncio.sleep(0)
        for event in self.partitions.get(partition, ()):
            if (event.sequence, event.enqueued_at) == (sequence, enqueued_at):
                return event
        raise NotFound("EventGone", "The Event Hub no longer has the event.", target=partition)

    async def ends(self) -> Mapping[str, float]:
        await asyncio.sleep(0)
        return {p: events[-1].enqueued_at.timestamp() for p, events in self.partitions.items() if events}
