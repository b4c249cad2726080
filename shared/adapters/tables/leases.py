"""The `leases` table: one row a hub, replaced on the condition that nobody else did meanwhile."""

import random

import msgspec

from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.domain.turn import Next, Turn, give_back, is_idle, take
from shared.ports import Clock

_PARTITION = "leases"
_ATTEMPTS = 20
"""Each attempt that fails is somebody else's that succeeded."""
STEP = 0.01
"""Seconds by which attempts spread."""


class TableLeases:
    """Leases."""

    def __init__(self, storage: TableStorage, clock: Clock) -> None:
        self._table = storage.table("leases")
        self._clock = clock

    async def acquire(self, name: str, owner: str, seconds: float) -> bool:
        for attempt in range(_ATTEMPTS):
            turn, etag = await self._read(name)
            after, granted = take(turn, owner, seconds, self._clock.now())
            if after == turn:
                return granted  # in line already
            try:
                await self._write(name, after, etag)
            except (Conflict, NotFound):
                # A burst of nodes gets into line: each attempt lets one of them in.
                await self._clock.sleep(random.random() * STEP * (attempt + 1))
                continue
            return granted
        return False

    async def release(self, name: str, owner: str, *, writes: int = 0, pause: float = 0.0) -> Next | None:
        for _ in range(_ATTEMPTS):
            turn, etag = await self._read(name)
            now = self._clock.now()
            after, following = give_back(turn, owner, now, writes=writes, pause=pause)
            try:
                if not is_idle(after, now):
                    await self._write(name, after, etag)
                elif etag:
                    await self._table.delete(_PARTITION, key_of(name), etag)
            except (Conflict, NotFound):
                continue
            return following
        raise Conflict("LeaseContended", "Too many ask for the turn at once.", target=name)

    async def _read(self, name: str) -> tuple[Turn, str]:
        found = await self._table.get(_PARTITION, key_of(name))
        return (decoded(found[0], Turn), found[1]) if found else (Turn(), "")

    async def _write(self, name: str, turn: Turn, etag: str) -> None:
        row = {"PartitionKey": _PARTITION, "RowKey": key_of(name), **packed(msgspec.json.encode(turn))}
        if etag:
            await self._table.replace(row, etag)
        else:
            await self._table.insert(row)
