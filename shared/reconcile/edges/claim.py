"""Holding an edge: people give commands to it while a run is under way, and theirs count."""

import msgspec

from shared.domain.artefacts import together
from shared.domain.edge import EdgeRecord
from shared.domain.edge_states import is_move
from shared.domain.ids import EdgeKey
from shared.domain.mesh import Timing
from shared.ports import Clock
from shared.ports.mesh import EdgeStore
from shared.reconcile.claim import KeyClaim


class EdgeClaim(KeyClaim[EdgeKey, EdgeRecord]):
    """The record of an edge while a run holds its lease.

    Where a command came in between, its state stands, and what this run made of the state before is dropped: the
    next look decides anew.
    """

    def __init__(self, store: EdgeStore, clock: Clock, timing: Timing, run: str) -> None:
        super().__init__(store, clock, timing, run)
        self._base: EdgeRecord | None = None
        self._latest: EdgeRecord | None = None

    async def take(self, record: EdgeRecord) -> EdgeRecord:
        self._base = self._latest = await super().take(record)
        return self._base

    async def save(self, record: EdgeRecord) -> EdgeRecord:
        self._latest = record
        self._base = await super().save(record)
        return self._base

    async def finish(self, record: EdgeRecord) -> EdgeRecord:
        self._latest = record
        self._base = await super().finish(record)
        return self._base

    def arrived(self, mine: EdgeRecord, current: EdgeRecord) -> EdgeRecord:
        base = self._base or current
        self._base = current
        told = [e for e in mine.journal if e not in base.journal]
        events = [e for e in mine.outbox if e not in base.outbox]
        journal = _without(current.journal, base.journal, mine.journal)
        outbox = _without(current.outbox, base.outbox, mine.outbox)
        # Whoever lost the lease tells what a late write of theirs may leave.
        late = tuple(a for a in current.owned if a not in base.owned)
        told_at = max((at for at in (mine.told_at, current.told_at) if at), default=None)
        mine = msgspec.structs.replace(mine, owned=together(mine.owned, late), told_at=told_at)
        if not overtaken(base, current):
            return msgspec.structs.replace(mine, journal=(*journal, *told), outbox=(*outbox, *events))
        return msgspec.structs.replace(
            mine,
            state=current.state,
            verdict=current.verdict,
            granted=current.granted,
            proposed=current.proposed,
            asked_at=current.asked_at,
            expires_at=current.expires_at,
            warned_at=current.warned_at,
            active_at=current.active_at,
            journal=(*journal, *(e for e in told if not is_move(e))),
            outbox=outbox,
        )

    def left_behind(self, record: EdgeRecord) -> EdgeRecord:
        """A write of this run may take effect yet: what it wrote is looked for."""
        mine = self._latest.owned if self._latest else ()
        return msgspec.structs.replace(record, owned=together(record.owned, mine))


def overtaken(before: EdgeRecord, now: EdgeRecord) -> bool:
    """Whether somebody gave a command in between."""
    return (before.state, before.verdict, before.expires_at) != (now.state, now.verdict, now.expires_at)


def _without[T](current: tuple[T, ...], before: tuple[T, ...], mine: tuple[T, ...]) -> tuple[T, ...]:
    """What is there now, without what this run has dealt with."""
    dealt_with = [each for each in before if each not in mine]
    return tuple(each for each in current if each not in dealt_with)
