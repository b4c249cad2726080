"""From an event or the clock to hubs that are looked at: bump the generation, enqueue once."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import Conflict, NotFound, Waiting
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey, normal_id
from shared.domain.mesh import Mesh, Timing
from shared.domain.naming import hub_pair_prefix
from shared.ports import Clock, WorkItem, WorkQueue
from shared.ports.mesh import HubStore
from shared.reconcile.hubs.observation import peers_of

BUMP_ATTEMPTS = 8
CAUSE_LIMIT = 200
GRACE = timedelta(seconds=5)  # a message on the queue gets the first go
SOON = timedelta(minutes=1)  # nodes come in bursts
EXPIRES = 300.0  # seconds; the timer sends another every minute


class HubIntake:
    """Has hubs looked at."""

    def __init__(self, mesh: Mesh, hubs: HubStore, queue: WorkQueue, clock: Clock, timing: Timing) -> None:
        self._mesh = mesh
        self._hubs = hubs
        self._queue = queue
        self._clock = clock
        self._timing = timing

    async def touch(self, resource: str, cause: str) -> HubKey | None:
        """Has the hub looked at whose network this is, or to whose network it belongs; None where it is no hub's.

        With it the hubs that lead its pairs, where one of these may have changed: only they mend them. Raises Waiting
        where too many write at once.
        """
        network, _, peering = normal_id(resource).partition("/virtualnetworkpeerings/")
        hub = self._mesh.hub_of_network(network)
        if hub is None:
            return None
        key = HubKey(hub.id)
        await self.bump(key, cause)
        for leader in (p.id for p in peers_of(self._mesh, hub) if p.id < hub.id):
            if not peering or peering.startswith(hub_pair_prefix(self._mesh.name, leader).lower()):
                await self.bump(HubKey(leader), cause)
        return key

    async def bump(self, key: HubKey, cause: str) -> bool:
        """Raises the hub's generation and enqueues it; False where a run that is yet to start covers it already.

        Raises NotFound (`HubUnknown`) for a hub that the mesh does not have, and Waiting where too many write at once.
        """
        if self._mesh.hub(key.id) is None:
            raise NotFound("HubUnknown", "MESH_HUBS names no such hub.", target=str(key))
        for _ in range(BUMP_ATTEMPTS):
            record = await self._hubs.get(key) or HubRecord(key=key)
            if self._pending(record):
                return False
            due = self._clock.now() + timedelta(seconds=self._timing.event_delay)
            bumped = msgspec.structs.replace(
                record,
                generation=record.generation + 1,
                next_due=due if record.lease is None else record.next_due,
                cause=cause[:CAUSE_LIMIT],
            )
            try:
                await self._hubs.save(bumped)
            except Conflict:
                continue
            await self._queue.enqueue(WorkItem(str(key), cause[:CAUSE_LIMIT]), delay=self._timing.event_delay)
            return True
        raise Waiting("Contended", "Too many events at once for this hub.", target=str(key))

    async def hub_changed(self, hub: str) -> None:
        """Makes a hub that was looked at before due soon, for the timer; whoever writes meanwhile looks anyway."""
        record, soon = await self._hubs.get(HubKey(hub)), self._clock.now() + SOON
        if record is None or (record.next_due is not None and record.next_due <= soon):
            return
        try:
            await self._hubs.save(msgspec.structs.replace(record, next_due=soon))
        except Conflict:
            return

    async def enqueue_due(self) -> int:
        """Enqueues every configured hub whose time has come, and those that nobody looked at yet."""
        before = self._clock.now() - GRACE
        known = {record.key: record for record in await self._hubs.list()}
        keys = [HubKey(hub.id) for hub in self._mesh.hubs]
        due = [key for key in keys if key not in known or _is_due(known[key], before)]
        for key in due:
            await self._queue.enqueue(WorkItem(str(key), "resync"), expires=EXPIRES)
        return len(due)

    def _pending(self, record: HubRecord) -> bool:
        """Whether a message is still invisible, or held by a run: it takes in whatever is added by then."""
        if record.generation <= record.observed_generation or record.next_due is None:
            return False
        left = record.next_due - self._clock.now()
        most = timedelta(seconds=self._timing.lease if record.lease else self._timing.event_delay)
        return timedelta() < left <= most


def _is_due(record: HubRecord, before: datetime) -> bool:
    return record.next_due is not None and record.next_due < before
