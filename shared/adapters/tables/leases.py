"""The `leases` table: one row a lease, taken over by whoever replaces the version that had run out."""

from datetime import datetime, timedelta

from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.ports import Clock

_PARTITION = "leases"


class TableLeases:
    """Leases."""

    def __init__(self, storage: TableStorage, clock: Clock) -> None:
        self._table = storage.table("leases")
        self._clock = clock

    async def acquire(self, name: str, owner: str, seconds: float) -> bool:
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": key_of(name),
            "owner": owner,
            "until": self._clock.now() + timedelta(seconds=seconds),
        }
        found = await self._table.get(_PARTITION, key_of(name))
        try:
            if found is None:
                await self._table.insert(row)
            elif self._free_for(owner, found[0]):
                await self._table.replace(row, found[1])
            else:
                return False
        except (Conflict, NotFound):
            return False
        return True

    async def release(self, name: str, owner: str) -> None:
        found = await self._table.get(_PARTITION, key_of(name))
        if found is None or found[0]["owner"] != owner:
            return
        try:
            await self._table.delete(_PARTITION, key_of(name), found[1])
        except Conflict:
            return  # somebody took it over in between

    def _free_for(self, owner: str, held: Entity) -> bool:
        until = held["until"]
        return held["owner"] == owner or not isinstance(until, datetime) or until <= self._clock.now()
