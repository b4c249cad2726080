"""Having edges looked at: when a node of theirs changed, when somebody asks, and when their time has come."""

import asyncio
from datetime import timedelta
from itertools import batched

import msgspec

from shared.domain.edge import EdgeRecord
from shared.domain.errors import Conflict, NotFound, Waiting
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.mesh import Timing
from shared.ports import Clock, WorkItem, WorkQueue
from shared.ports.mesh import EdgeStore
from shared.reconcile.resync import EXPIRES, GRACE

BUMP_ATTEMPTS = 8
CAUSE_LIMIT = 200
CONCURRENT_BUMPS = 25


class EdgeIntake:
    """EdgeTouch: turns what happens into edges to look at. No call to Resource Manager."""

    def __init__(self, edges: EdgeStore, queue: WorkQueue, clock: Clock, timing: Timing) -> None:
        self._edges = edges
        self._queue = queue
        self._clock = clock
        self._timing = timing

    async def node_changed(self, node: NodeKey, cause: str) -> None:
        for some in batched(await self._edges.of_node(node), CONCURRENT_BUMPS, strict=False):
            await asyncio.gather(*(self.bump(edge.key, cause) for edge in some))

    async def bump(self, key: EdgeKey, cause: str) -> None:
        """Raises the edge's generation and enqueues it; nothing where a run that is yet to start covers it already.

        Raises NotFound (`EdgeNotFound`), and Waiting where too many write at once.
        """
        cause = cause.encode(errors="replace").decode()[:CAUSE_LIMIT]
        for _ in range(BUMP_ATTEMPTS):
            record = await self._edges.get(key)
            if record is None:
                raise NotFound("EdgeNotFound", "There is no such edge.", target=str(key))
            if self._pending(record):
                return
            try:
                await self._edges.save(self._bumped(record, cause))
            except Conflict:
                continue
            await self._queue.enqueue(WorkItem(str(key), cause), delay=self._timing.event_delay)
            return
        raise Waiting("Contended", "Too many write to this edge at once.", target=str(key))

    def _pending(self, record: EdgeRecord) -> bool:
        """Whether a message for the edge is still invisible: what is there by the time it is handled is seen then."""
        if record.lease or record.generation <= record.observed_generation or record.next_due is None:
            return False
        left = record.next_due - self._clock.now()
        return timedelta() < left <= timedelta(seconds=self._timing.event_delay)

    def _bumped(self, record: EdgeRecord, cause: str) -> EdgeRecord:
        due = self._clock.now() + timedelta(seconds=self._timing.event_delay)
        return msgspec.structs.replace(
            record,
            generation=record.generation + 1,
            cause=cause,
            next_due=due if record.lease is None else record.next_due,
        )


class EdgeLeases:
    """What the timer does: leases that end, and whatever else is due and whose message did not arrive."""

    def __init__(self, edges: EdgeStore, queue: WorkQueue, clock: Clock) -> None:
        self._edges = edges
        self._queue = queue
        self._clock = clock

    async def enqueue_due(self) -> int:
        """Enqueues every edge whose time has come, and answers how many."""
        count = 0
        async for key in self._edges.due(self._clock.now() - GRACE):
            await self._queue.enqueue(WorkItem(str(key), "due"), expires=EXPIRES)
            count += 1
        return count

    async def index(self) -> int:
        """Has edges found by their state and time that are not, as those that a former version of the app wrote."""
        return await self._edges.index()
