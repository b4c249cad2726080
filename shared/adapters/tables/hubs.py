"""The `hubs` table: one partition, a row a hub."""

from collections.abc import Sequence

import msgspec

from shared.adapters.tables.documents import columns, decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.conditions import READY
from shared.domain.errors import Conflict, NotFound
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey

_PARTITION = "hubs"
_ROW = ["PartitionKey", "RowKey"]


class TableHubStore:
    """HubStore."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("hubs")

    async def get(self, key: HubKey) -> HubRecord | None:
        found = await self._table.get(_PARTITION, key_of(key.id))
        return _record(*found) if found else None

    async def save(self, record: HubRecord) -> HubRecord:
        entity = _entity(record)
        try:
            if record.etag is None:
                etag = await self._table.insert(entity)
            else:
                etag = await self._table.replace(entity, record.etag)
        except NotFound as error:
            message = "the record was removed since it was read"
            raise Conflict("HubGone", message, target=str(record.key)) from error
        return msgspec.structs.replace(record, etag=etag)

    async def list(self) -> Sequence[HubRecord]:
        rows = self._table.query("PartitionKey eq @hubs", {"hubs": _PARTITION}, [*_ROW, *columns()])
        found = [_record(row) async for row in rows]
        return sorted(found, key=lambda record: record.key)


def _record(row: Entity, etag: str | None = None) -> HubRecord:
    return msgspec.structs.replace(decoded(row, HubRecord), etag=etag)


def _entity(record: HubRecord) -> dict[str, object]:
    document = msgspec.json.encode(msgspec.structs.replace(record, etag=None))
    return {
        "PartitionKey": _PARTITION,
        "RowKey": key_of(record.key.id),
        "state": record.state,
        "reason": next((c.reason for c in record.conditions if c.type == READY), ""),
        **packed(document),
    }
