"""The `leases` table: one row a hub, replaced on the condition that nobody else did meanwhile; and its line, a row for
everybody in it, so that a burst of nodes gets into line without getting into each other's way.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime

import msgspec

from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.domain.turn import Next, Turn, give_back, is_called, is_idle, leave, needs_line, take
from shared.ports import Clock

_PARTITION = "leases"
_ATTEMPTS = 20
"""Each attempt that fails is somebody else's that succeeded."""


class TableLeases:
    """Leases."""

    def __init__(self, storage: TableStorage, clock: Clock) -> None:
        self._table = storage.table("leases")
        self._clock = clock

    async def acquire(self, name: str, owner: str, seconds: float) -> bool:
        if await self._taken(name, owner, seconds):
            return True
        await self._get_into_line(name, owner)
        # Whoever gave it back before we were in line did not call us.
        return await self._taken(name, owner, seconds)

    async def release(self, name: str, owner: str, *, writes: int = 0, pause: float = 0.0) -> Next | None:
        for _ in range(_ATTEMPTS):
            turn, etag = await self._read(name)
            line = await self._line(name) if needs_line(turn, owner) else ()
            after, following = give_back(turn, owner, self._clock.now(), line, writes=writes, pause=pause)
            written = self._replace(name, after, etag)
            try:
                # While it was its turn, its place in line kept nobody from coming.
                await (self._beside(written, name, owner) if turn.holder == owner else written)
            except (Conflict, NotFound):
                continue
            return following
        raise Conflict("LeaseContended", "Too many ask for the turn at once.", target=name)

    async def leave(self, name: str, owner: str) -> Next | None:
        for _ in range(_ATTEMPTS):
            turn, etag = await self._read(name)
            if turn.holder == owner:
                return None
            last = is_called(turn, owner) and len(turn.upcoming) == 1
            line = await self._line(name) if last else ()
            after, following = leave(turn, owner, self._clock.now(), line)
            try:
                await self._leave_line(name, owner)
                if after != turn:
                    await self._replace(name, after, etag)
            except (Conflict, NotFound):
                continue
            return following
        raise Conflict("LeaseContended", "Too many ask for the turn at once.", target=name)

    async def _taken(self, name: str, owner: str, seconds: float) -> bool:
        turn, etag = await self._read(name)
        taken = take(turn, owner, seconds, self._clock.now())
        if taken is None:
            return False
        try:
            await self._write(name, taken.turn, etag)
        except (Conflict, NotFound):
            return False  # whoever wrote in between has it
        for missing in taken.leaving:
            if missing != owner:
                await self._leave_line(name, missing)
        return True

    async def _read(self, name: str) -> tuple[Turn, str]:
        found = await self._table.get(_PARTITION, key_of(name))
        return (decoded(found[0], Turn), found[1]) if found else (Turn(), "")

    async def _replace(self, name: str, turn: Turn, etag: str) -> None:
        if not is_idle(turn, self._clock.now()):
            await self._write(name, turn, etag)
        elif etag:
            await self._table.delete(_PARTITION, key_of(name), etag)

    async def _beside(self, written: Coroutine[None, None, None], name: str, owner: str) -> None:
        """Writes the row, and takes the owner out of line meanwhile."""
        leaving = asyncio.create_task(self._leave_line(name, owner))
        try:
            await written
        finally:
            await leaving

    async def _write(self, name: str, turn: Turn, etag: str) -> None:
        row = {"PartitionKey": _PARTITION, "RowKey": key_of(name), **packed(msgspec.json.encode(turn))}
        if etag:
            await self._table.replace(row, etag)
        else:
            await self._table.insert(row)

    # --- the line

    async def _get_into_line(self, name: str, owner: str) -> None:
        place = {
            "PartitionKey": _line(name),
            "RowKey": key_of(owner),
            "owner": owner,
            "at": self._clock.now(),
        }
        try:
            await self._table.insert(place)
        except Conflict:
            return  # in line already: the place stays the one of the first time

    async def _leave_line(self, name: str, owner: str) -> None:
        found = await self._table.get(_line(name), key_of(owner), ["at"])
        if found:
            await self._table.delete(_line(name), key_of(owner), found[1])

    async def _line(self, name: str) -> list[str]:
        query, values = "PartitionKey eq @line", {"line": _line(name)}
        places = [place async for place in self._table.query(query, values, ["owner", "at"])]
        return [str(place["owner"]) for place in sorted(places, key=_since)]


def _line(name: str) -> str:
    return key_of(f"line/{name}")


def _since(place: Entity) -> float:
    at = place["at"]
    return at.timestamp() if isinstance(at, datetime) else 0.0
