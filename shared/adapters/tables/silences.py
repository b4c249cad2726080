"""The `silences` table: one partition, row the silence's id."""

from collections.abc import Sequence

import msgspec

from shared.adapters.tables.documents import columns, decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import TableStorage
from shared.domain.alert import Silence

_PARTITION = "silence"


class TableSilences:
    """Silences."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("silences")

    async def add(self, silence: Silence) -> None:
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": key_of(silence.id),
            **packed(msgspec.json.encode(silence)),
        }
        await self._table.insert(row)

    async def get(self, silence_id: str) -> Silence | None:
        found = await self._table.get(_PARTITION, key_of(silence_id))
        return decoded(found[0], Silence) if found else None

    async def list(self) -> Sequence[Silence]:
        select = ["PartitionKey", "RowKey", *columns()]
        rows = self._table.query("PartitionKey eq @partition", {"partition": _PARTITION}, select)
        return [decoded(row, Silence) async for row in rows]

    async def remove(self, silence_id: str) -> None:
        found = await self._table.get(_PARTITION, key_of(silence_id))
        if found:
            await self._table.delete(_PARTITION, key_of(silence_id), found[1])
