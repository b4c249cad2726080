"""One table in memory for adapters: conditional transactions, and the troubles that a network adds to them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Literal

from shared.adapters.storage import StorageConnection
from shared.adapters.tables.continuation import Place
from shared.adapters.tables.table import Entity, Step, Table, TableStorage
from shared.domain.errors import Conflict, NotFound, Transient

type Trouble = Literal["none", "conflict", "refused", "lost", "lost, then refused"]
"""Before a transaction takes effect somebody else was first, or the network failed; or its answer never came, and the
SDK sent it again or not."""


class MemoryStorage(TableStorage):
    """An account with one table that every adapter shares."""

    def __init__(self, table: "MemoryTable") -> None:
        super().__init__(StorageConnection())
        self._table = table

    def table(self, name: str) -> Table:
        return self._table


class MemoryTable(Table):
    """Rows with versions. Every call gives way to others a few times; `trouble` says what befalls each write.

    `committed` is called after each transaction that took effect.
    """

    def __init__(self, chance: Random, trouble: Callable[[], Trouble], committed: Callable[[], None]) -> None:
        super().__init__(TableStorage(StorageConnection()), "memory")
        self.rows: dict[tuple[str, str], tuple[Entity, str]] = {}
        self._chance = chance
        self.trouble = trouble
        self.committed = committed
        self._versions = count(1)
        self.calls = 0

    async def get(
        self, partition: str, row: str, select: list[str] | None = None
    ) -> tuple[Entity, str] | None:
        await self._give_way()
        return self.rows.get((partition, row))

    async def query(
        self, query: str, values: Mapping[str, object], select: list[str]
    ) -> AsyncIterator[Entity]:
        """Ranges of row keys: all that the address book asks."""
        await self._give_way()
        for row in self._between(values, ""):
            yield row

    async def page(
        self,
        query: str,
        values: Mapping[str, object],
        *,
        select: list[str] | None = None,
        size: int,
        after: Place | None,
    ) -> tuple[list[Entity], Place | None]:
        await self._give_way()
        rest = self._between(values, (after and after.row) or "")
        place = Place(None, str(rest[size]["RowKey"])) if len(rest) > size else None
        return rest[:size], place

    def _between(self, values: Mapping[str, object], start: str) -> list[Entity]:
        first, last = max(start, str(values["first"])), str(values["last"])
        return [row for (_, key), (row, _) in sorted(self.rows.items()) if first <= key <= last]

    async def transact(self, steps: Sequence[Step], *, again: bool = False) -> list[str]:
        del again
        await self._give_way()
        trouble = self.trouble()
        if trouble == "conflict":
            raise Conflict("UpdateConditionNotSatisfied", "somebody else was first")
        if trouble == "refused":
            raise Transient("ServiceRequestError", "the connection was refused")
        self._apply(steps)
        await asyncio.sleep(0)
        if trouble == "lost":
            raise Transient("ServiceResponseError", "the connection broke before the answer")
        if trouble == "lost, then refused":
            raise Conflict("EntityAlreadyExists", "the same was there already")
        return [self.rows[key][1] if (key := _key(step[1])) in self.rows else "" for step in steps]

    def _apply(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._check(step)
        for kind, entity, *_ in steps:
            key = _key(entity)
            if kind == "delete":
                del self.rows[key]
            else:
                self.rows[key] = entity, f'W/"{next(self._versions)}"'
        self.committed()

    def _check(self, step: Step) -> None:
        kind, entity, *version = step
        found = self.rows.get(_key(entity))
        if kind == "create" and found:
            raise Conflict("EntityAlreadyExists", "the row is there")
        if kind in ("update", "delete") and found is None:
            raise NotFound("ResourceNotFound", "the row is gone")
        if version and found and found[1] != version[0]:
            raise Conflict("UpdateConditionNotSatisfied", "the row changed")

    async def _give_way(self) -> None:
        self.calls += 1
        for _ in range(self._chance.randint(1, 3)):
            await asyncio.sleep(0)


def _key(entity: Entity) -> tuple[str, str]:
    return str(entity["PartitionKey"]), str(entity["RowKey"])
