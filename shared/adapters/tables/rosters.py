"""The `rosters` table: one row a roster, replaced on the condition that it is the version that was read.

A roster takes some ten nodes, so that its members fit in one row and one request reads them all.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

import msgspec

from shared.adapters.tables.documents import columns, decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.errors import Conflict, NotFound, Waiting
from shared.domain.ids import NodeKey
from shared.domain.roster import Member, joined, left

ATTEMPTS = 12
_PAUSE = 0.02  # seconds; grows with the attempts, by chance, so that those who met fall apart
_PARTITION = "rosters"


class _Roster(msgspec.Struct, frozen=True):
    members: tuple[Member, ...] = ()


class TableRosters:
    """Rosters."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("rosters")

    async def members(self, name: str) -> Sequence[Member]:
        return (await self._read(name))[0]

    async def join(self, name: str, member: Member, limit: int) -> Sequence[Member]:
        return await self._changed(name, lambda members: joined(members, member, limit))

    async def leave(self, name: str, key: NodeKey) -> None:
        await self._changed(name, lambda members: left(members, key))

    async def _changed(
        self, name: str, change: Callable[[tuple[Member, ...]], tuple[Member, ...]]
    ) -> Sequence[Member]:
        for attempt in range(ATTEMPTS):
            members, etag = await self._read(name)
            wanted = change(members)
            if wanted == members:
                return members
            try:
                if etag is None:
                    await self._table.insert(_entity(name, wanted))
                else:
                    await self._table.replace(_entity(name, wanted), etag)
            except (Conflict, NotFound):
                await asyncio.sleep(_PAUSE * (attempt + 1) * random.random())
                continue
            return wanted
        raise Waiting("RosterContended", "Too many nodes join or leave at once.", target=name)

    async def _read(self, name: str) -> tuple[tuple[Member, ...], str | None]:
        found = await self._table.get(_PARTITION, key_of(name), select=columns())
        if found is None:
            return (), None
        entity, etag = found
        return decoded(entity, _Roster).members, etag


def _entity(name: str, members: tuple[Member, ...]) -> Entity:
    row = {"PartitionKey": _PARTITION, "RowKey": key_of(name)}
    return {**row, **packed(msgspec.json.encode(_Roster(members)))}
