"""Holding a key: one run at a time writes for it, however many instances there are."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, cast

import msgspec

from shared.domain.errors import Conflict, Waiting
from shared.domain.ids import Key, NodeKey, normal_id
from shared.domain.mesh import Timing
from shared.domain.node import Lease, NodeRecord, touch
from shared.ports import Clock

SAVE_ATTEMPTS = 8
MADE = ("owned", "zone_links", "made")  # of a node's record: ids of what is ours
ENOUGH_OF_A_LEASE = 0.9  # a quick look at one resource after another does not save the record for each


class LeaseLost(Waiting):
    """Another run holds the key by now: what this one still knows must not be written."""


class Claimable(Protocol):
    """What the record of any key has, that one run at a time may write for it: a struct with these fields."""

    @property
    def key(self) -> Key: ...
    @property
    def generation(self) -> int: ...
    @property
    def observed_generation(self) -> int: ...
    @property
    def next_due(self) -> datetime | None: ...
    @property
    def not_before(self) -> datetime | None: ...
    @property
    def cause(self) -> str: ...
    @property
    def lease(self) -> Lease | None: ...
    @property
    def lost(self) -> int: ...
    @property
    def letter(self) -> bool: ...
    @property
    def etag(self) -> str | None: ...


class Records[K: Key, R](Protocol):
    """The part of a store that holding a key needs; what it raises is what the stores' own ports say."""

    async def get(self, key: K, /) -> R | None: ...

    async def save(self, record: R, /) -> R: ...


class KeyClaim[K: Key, R: Claimable]:
    """The record of one key while this run holds its lease.

    Whoever asks for another look keeps writing `generation`, `cause` and `next_due` meanwhile, and runs that lost
    their lease write `lost` and `letter`; every save here takes those over. A kind of record that others write
    more of says how in `arrived`.
    """

    def __init__(self, store: Records[K, R], clock: Clock, timing: Timing, run: str) -> None:
        self._store = store
        self._clock = clock
        self._timing = timing
        self._run = run

    def gathered(self, record: R) -> R:
        """The record with what was gathered for this run taken over."""
        return record

    def arrived(self, mine: R, current: R) -> R:
        """This run's record with what others wrote meanwhile, apart from what every record has."""
        del current
        return mine

    def left_behind(self, record: R) -> R:
        """The record of a key that somebody else holds by now, with what this run may still have written."""
        return record

    async def take(self, record: R) -> R:
        """The record with our lease and all that was gathered taken over.

        Raises Conflict where another run was quicker.
        """
        held = self._held(self.gathered(record))
        return await self._store.save(replaced(held, observed_generation=record.generation))

    async def keep(self, record: R) -> R:
        """The record with as good as a whole lease left. Raises LeaseLost."""
        enough = timedelta(seconds=self._timing.lease * ENOUGH_OF_A_LEASE)
        if record.lease and record.lease.until - self._clock.now() >= enough:
            return record
        return await self.save(record)

    async def save(self, record: R) -> R:
        """Saves what is known so far, with a whole lease ahead. Raises LeaseLost."""
        return await self._write(record, self._held)

    async def finish(self, record: R) -> R:
        """Saves what the run leaves, without the lease. Raises LeaseLost."""
        return await self._write(record, lambda r: replaced(self._given_back(r), lost=0))

    async def cede(self, key: K) -> bool:
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
            more = replaced(self.left_behind(record), generation=record.generation + 1, lost=record.lost + 1)
            try:
                await self._store.save(more if record.lease else self._given_back(more))
            except Conflict:
                continue
            return True
        raise _contended(key)

    async def _write(self, record: R, shaped: Callable[[R], R]) -> R:
        for _ in range(SAVE_ATTEMPTS):
            try:
                return await self._store.save(shaped(record))
            except Conflict:
                record = await self._merged(record)
        raise _contended(record.key)

    async def _merged(self, record: R) -> R:
        current = await self._store.get(cast(K, record.key))
        if current is None or current.lease is None or current.lease.owner != self._run:
            raise LeaseLost("LeaseLost", "Another run took the key over.", target=str(record.key))
        return replaced(
            self.arrived(record, current),
            etag=current.etag,
            generation=current.generation,
            cause=current.cause,
            lost=current.lost,
            letter=record.letter or current.letter,
        )

    def _held(self, record: R) -> R:
        """If this run dies, the key is due when its lease runs out."""
        until = self._clock.now() + timedelta(seconds=self._timing.lease)
        return replaced(record, lease=Lease(self._run, until), next_due=until)

    def _given_back(self, record: R) -> R:
        """What came meanwhile is due soon, whatever the run found."""
        next_due = record.next_due
        if record.generation != record.observed_generation:
            soon = self._clock.now() + timedelta(seconds=self._timing.event_delay)
            next_due = min(next_due or soon, soon)
        return replaced(record, lease=None, next_due=next_due)


class Claim(KeyClaim[NodeKey, NodeRecord]):
    """The record of a node: intake writes `touched` as well, which this run takes over into `taken`, and whoever has
    it moved writes `wanted_hub`.

    Whoever lost the lease tells what a late write of theirs may leave: that is looked for like everything else that
    is recorded as ours.
    """

    def __init__(self, store: Records[NodeKey, NodeRecord], clock: Clock, timing: Timing, run: str) -> None:
        super().__init__(store, clock, timing, run)
        self._base: NodeRecord | None = None
        self._latest: NodeRecord | None = None

    def gathered(self, record: NodeRecord) -> NodeRecord:
        taken = record.taken
        for resource in record.touched:
            taken = touch(taken, resource)
        first_seen = record.first_seen or self._clock.now()
        return msgspec.structs.replace(record, taken=taken, touched=(), first_seen=first_seen)

    async def take(self, record: NodeRecord) -> NodeRecord:
        self._base = self._latest = await super().take(record)
        return self._base

    async def save(self, record: NodeRecord) -> NodeRecord:
        self._latest = record
        self._base = await super().save(record)
        return self._base

    def arrived(self, mine: NodeRecord, current: NodeRecord) -> NodeRecord:
        base, self._base = self._base or current, current
        late = {name: _more(getattr(current, name), getattr(base, name)) for name in MADE}
        more = {name: _together(getattr(mine, name), ids) for name, ids in late.items()}
        others = {
            "touched": current.touched,
            "wanted_hub": current.wanted_hub,
            "hub": mine.hub or current.hub,
        }
        return msgspec.structs.replace(mine, **others, **more)

    def left_behind(self, record: NodeRecord) -> NodeRecord:
        if self._latest is None:
            return record
        mine = {name: _together(getattr(record, name), getattr(self._latest, name)) for name in MADE}
        # Where the record knows of no hub, what is recorded on one could not be looked for.
        return msgspec.structs.replace(record, hub=record.hub or self._latest.hub, **mine)


def _more(ids: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(i for i in ids if i not in known)


def _together(ids: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({normal_id(i): i for i in (*ids, *more)}.values())


def replaced[R: Claimable](record: R, **changes: object) -> R:
    """The record with other values: no type says that something is a struct and has certain fields."""
    return cast(R, msgspec.structs.replace(cast(msgspec.Struct, record), **changes))


def _contended(key: Key) -> Waiting:
    return Waiting("Contended", "Events arrive faster than the record can be written.", target=str(key))
