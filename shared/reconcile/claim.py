"""Holding a key: one run at a time writes for it, however many instances there are."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import Conflict, MeshError, Waiting
from shared.domain.mesh import Timing
from shared.domain.node import Lease, NodeRecord, touch
from shared.ports import Clock, NodeStore

SAVE_ATTEMPTS = 8


class LeaseLost(Waiting):
    """Another run holds the key by now: what this one still knows must not be written."""


def lost(error: MeshError) -> bool:
    """Whether an error means that this run no longer holds its key."""
    return isinstance(error, LeaseLost)


class Claim:
    """The record of one key while this run holds its lease.

    Intake keeps writing `generation`, `touched`, `cause` and `next_due` meanwhile; every save here takes those over.
    """

    def __init__(self, store: NodeStore, clock: Clock, timing: Timing, run: str) -> None:
        self._store = store
        self._clock = clock
        self._timing = timing
        self._run = run

    async def take(self, record: NodeRecord) -> NodeRecord:
        """The record with our lease and all that intake gathered taken over.

        Raises Conflict where another run was quicker.
        """
        taken = record.taken
        for resource in record.touched:
            taken = touch(taken, resource)
        return await self._store.save(
            msgspec.structs.replace(
                record,
                lease=self._lease(),
                # If this run dies, the key is due when its lease runs out.
                next_due=self._lease().until,
                observed_generation=record.generation,
                taken=taken,
                touched=(),
                first_seen=record.first_seen or self._clock.now(),
            )
        )

    async def keep(self, record: NodeRecord) -> NodeRecord:
        """The record with at least half of its lease left. Raises LeaseLost."""
        now = self._clock.now()
        if record.lease and record.lease.until - now > timedelta(seconds=self._timing.lease / 2):
            return record
        return await self.save(msgspec.structs.replace(record, lease=self._lease()))

    async def save(self, record: NodeRecord) -> NodeRecord:
        """Saves what we hold, taking over what intake wrote since. Raises LeaseLost."""
        for _ in range(SAVE_ATTEMPTS):
            try:
                return await self._store.save(record)
            except Conflict:
                record = await self._merged(record)
        raise Waiting(
            "Contended", "Events arrive faster than the record can be written.", target=str(record.key)
        )

    async def _merged(self, record: NodeRecord) -> NodeRecord:
        current = await self._store.get(record.key)
        if current is None or current.lease is None or current.lease.owner != self._run:
            raise LeaseLost("LeaseLost", "Another run took the key over.", target=str(record.key))
        return msgspec.structs.replace(
            record,
            etag=current.etag,
            generation=current.generation,
            touched=current.touched,
            cause=current.cause if current.generation > record.generation else record.cause,
            next_due=_sooner(record, current),
        )

    def _lease(self) -> Lease:
        return Lease(self._run, self._clock.now() + timedelta(seconds=self._timing.lease))


def _sooner(ours: NodeRecord, theirs: NodeRecord) -> datetime | None:
    if theirs.generation <= ours.generation:
        return ours.next_due
    return min((d for d in (ours.next_due, theirs.next_due) if d), default=None)
