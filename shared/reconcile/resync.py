"""The safety net: what is due is looked at again, and what no event told of is found."""

import logging
from datetime import timedelta

from shared.domain.errors import MeshError
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.node import NodeRecord, State
from shared.domain.tags import NODE
from shared.ports import Clock, NodeStore, ResourceManager, WorkItem, WorkQueue
from shared.reconcile.intake import Intake

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=5)  # a message on the queue gets the first go
EXPIRES = 300.0  # seconds; the timer sends another every minute, and nobody may be there to take them

ENDS: tuple[State, ...] = ("Ready", "NotReady")


class Resync:
    """What the timers do."""

    def __init__(
        self,
        mesh: Mesh,
        arm: ResourceManager,
        nodes: NodeStore,
        queue: WorkQueue,
        intake: Intake,
        clock: Clock,
    ) -> None:
        self._mesh = mesh
        self._arm = arm
        self._nodes = nodes
        self._queue = queue
        self._intake = intake
        self._clock = clock

    async def enqueue_due(self) -> int:
        """Enqueues every key whose time has come and whose message, if it had one, did not arrive."""
        count = 0
        async for key in self._nodes.due(self._clock.now() - GRACE):
            await self._queue.enqueue(WorkItem(str(key), "resync"), expires=EXPIRES)
            count += 1
        return count

    async def discover(self) -> int:
        """Bumps groups that were tagged or untagged without an event reaching us: one read a subscription.

        Where the mesh is leaving, every node that it still looks after. A subscription that cannot be listed is left
        for the next time, after the others; then raises its error.
        """
        if filed := await self._nodes.index():
            log.info("%d nodes were not found by their state before", filed)
        failed: list[MeshError] = []
        bumped = 0
        for subscription in self._mesh.subscriptions:
            try:
                bumped += await self._discover_in(subscription)
            except MeshError as error:
                log.warning("cannot list the groups of %s: %s", subscription, error.reason)
                failed.append(error)
        if failed:
            raise failed[0]
        return bumped

    async def _discover_in(self, subscription: str) -> int:
        groups = () if self._mesh.leaving else await self._arm.list_groups_with_tag(subscription, NODE)
        tagged = {key for group in groups if (key := NodeKey.containing(group.id))}
        # Only keys that are still looked after have a time at which they are due: an offboarded one has none.
        known = {key async for key in self._nodes.looked_after(subscription)}
        untagged = [key for key in known - tagged if await self._news(key)]
        changed = sorted([*(tagged - known), *untagged])
        for key in changed:
            await self._intake.bump(key, "discovered")
        return len(changed)

    async def _news(self, key: NodeKey) -> bool:
        """Whether its record does not tell yet that a key has lost its tag.

        What is on its way out, or failed when it was last looked at, is looked at when it is due and finds it then:
        a discovery that came in between every time would override its backoff.
        """
        record = await self._nodes.get(key)
        if record is None or record.state in ("Offboarding", "Offboarded"):
            return False
        return not (record.next_due and record.next_due > self._clock.now() and _failed(record))


def _failed(record: NodeRecord) -> bool:
    """Whether the last run did not come to an end: what it met, or that it waited, is its outcome then.

    A node that is Ready did, however often it was mended before.
    """
    if record.state == "Ready":
        return False
    tried = record.attempts > 0 or record.waits > 0
    return tried or (record.last_run is not None and record.last_run.outcome not in ENDS)
