"""Calling the next in line for a hub, so that nobody has to keep asking."""

from datetime import timedelta

import msgspec

from shared.domain.errors import Conflict
from shared.domain.ids import NodeKey, parse_key
from shared.domain.node import NodeRecord
from shared.domain.turn import Next
from shared.ports import Clock, NodeStore, WorkItem, WorkQueue

CAUSE = "its turn at the hub"
TRIES = 5
PAUSE = 0.3  # seconds


class Caller:
    """Makes whoever is next due, and enqueues it. A call that gets lost is made up for by their own next look."""

    def __init__(self, nodes: NodeStore, queue: WorkQueue, clock: Clock) -> None:
        self._nodes = nodes
        self._queue = queue
        self._clock = clock

    async def call(self, following: Next) -> None:
        key = parse_key(following.owner)
        if isinstance(key, NodeKey) and await self.made_due(key, following.delay) is None:
            return
        await self._queue.enqueue(WorkItem(following.owner, CAUSE), delay=following.delay)

    async def made_due(self, key: NodeKey, delay: float) -> NodeRecord | None:
        """The row, which says so by now; None where that is not to be. A run that has just got into line is about to
        end: it is waited for a little, since it would not see that it was called.
        """
        for _ in range(TRIES):
            record = await self._nodes.get(key)
            now = self._clock.now()
            if record is None:
                return None
            if record.lease is None or record.lease.until <= now:
                due = now + timedelta(seconds=delay)
                try:
                    return await self._nodes.save(msgspec.structs.replace(record, next_due=due))
                except Conflict:
                    continue
            await self._clock.sleep(PAUSE)
        return None
