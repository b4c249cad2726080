"""Holding a key: one run at a time writes for it, however many instances there are."""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from shared.domain.errors import Conflict, Waiting
from shared.domain.ids import NodeKey
from shared.domain.mesh import Timing
from shared.domain.node import Lease, NodeRecord, touch
from shared.ports import Clock, NodeStore

SAVE_ATTEMPTS = 8
ENOUGH_OF_A_LEASE = 0.9  # a quick look at one resource after another does not save the record for each


class LeaseLost(Waiting):
    """Another run holds the key by now: what this one still knows must not be written."""


class Claim:
    """The record of one key while this run holds its lease.

    Intake keeps writing `generation`, `touched`, `cause` and `next_due` meanwhile, and runs that lost their lease
    write `lost` and `letter`; every save here takes those over.
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
                self._held(record),
                observed_generation=record.generation,
                taken=taken,
                touched=(),
                first_seen=record.first_seen or self._clock.now(),
            )
        )

    async def keep(self, record: NodeRecord) -> NodeRecord:
        """The record with as good as a whole lease left. Raises LeaseLost."""
        enough = timedelta(seconds=self._timing.lease * ENOUGH_OF_A_LEASE)
        if record.lease and record.lease.until - self._clock.now() >= enough:
            return record
        return await self.save(record)

    async def save(self, record: NodeRecord) -> NodeRecord:
        """Saves what is known so far, with a whole lease ahead. Raises LeaseLost."""
        return await self._write(record, self._held)

    async def finish(self, record: NodeRecord) -> NodeRecord:
        """Saves what the run leaves, without the lease. Raises LeaseLost."""
        return await self._write(record, lambda r: msgspec.structs.replace(self._given_back(r), lost=0))

    async def cede(self, key: NodeKey) -> bool:
        """Has the key looked at once more: a write that was under way when the lease was lost may take effect
        after the look of whoever holds it now.

        False where run after run lost its lease, so that one more would only take it from the next. Raises Waiting
        where too many write at once.
        """
        for _ in range(SAVE_ATTEMPTS):
            record = await self._store.get(key)
            if record is None:
                return True
            if record.lost >= self._timing.retries:
                return False
            more = msgspec.structs.replace(record, generation=record.generation + 1, lost=record.lost + 1)
            try:
                await self._store.save(more if record.lease else self._given_back(more))
            except Conflict:
                continue
            return True
        raise _contended(key)

    async def _write(self, record: NodeRecord, shaped: Callable[[NodeRecord], NodeRecord]) -> NodeRecord:
        for _ in range(SAVE_ATTEMPTS):
            try:
                return await self._store.save(shaped(record))
            except Conflict:
                record = await self._merged(record)
        raise _contended(record.key)

    async def _merged(self, record: NodeRecord) -> NodeRecord:
        current = await self._store.get(record.key)
        if current is None or current.lease is None or current.lease.owner != self._run:
            raise LeaseLost("LeaseLost", "Another run took the key over.", target=str(record.key))
        return msgspec.structs.replace(
            record,
            etag=current.etag,
            generation=current.generation,
            touched=current.touched,
            cause=current.cause,
            lost=current.lost,
            letter=record.letter or current.letter,
        )

    def _held(self, record: NodeRecord) -> NodeRecord:
        """If this run dies, the key is due when its lease runs out."""
        until = self._clock.now() + timedelta(seconds=self._timing.lease)
        return msgspec.structs.replace(record, lease=Lease(self._run, until), next_due=until)

    def _given_back(self, record: NodeRecord) -> NodeRecord:
        """What came meanwhile is due soon, whatever the run found."""
        next_due = record.next_due
        if record.generation != record.observed_generation:
            soon = self._clock.now() + timedelta(seconds=self._timing.event_delay)
            next_due = min(next_due or soon, soon)
        return msgspec.structs.replace(record, lease=None, next_due=next_due)


def _contended(key: NodeKey) -> Waiting:
    return Waiting("Contended", "Events arrive faster than the record can be written.", target=str(key))
