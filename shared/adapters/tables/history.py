"""The `history` table: partition the key, row the inverted time, so that the newest comes first."""

from contextlib import suppress
from hashlib import sha256

import msgspec

from shared.adapters.tables.continuation import read_token, write_token
from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of, newest_first
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Conflict
from shared.domain.node import HistoryEntry
from shared.ports import Page


class TableHistory:
    """History."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("history")

    async def append(self, entry: HistoryEntry) -> None:
        document = msgspec.json.encode(entry)
        row = {
            "PartitionKey": key_of(entry.key),
            "RowKey": f"{newest_first(entry.at)}-{sha256(document).hexdigest()[:32]}",
            "cause": entry.cause[:1000],
            "outcome": entry.outcome[:1000],
            **packed(document),
        }
        # Whoever dies between this and writing down that it was told, has it told again.
        with suppress(Conflict):
            await self._table.insert(row)

    async def recent(self, key: str, *, size: int = 50, continuation: str = "") -> Page[HistoryEntry]:
        scope = f"history {key}"
        rows, place = await self._table.page(
            "PartitionKey eq @key",
            {"key": key_of(key)},
            size=size,
            after=read_token(scope, continuation),
        )
        return Page(tuple(decoded(row, HistoryEntry) for row in rows), write_token(scope, place))
