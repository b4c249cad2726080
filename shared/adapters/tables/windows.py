"""The `windows` table: a partition for each rule and group, a row for each partition of the Event Hub.

The partition's key begins with the rule's, so that the rows of a rule lie together; a group of any length is its hash.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from shared.adapters.tables.documents import columns, decoded, packed, unpacked
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.ports.telemetry import Window

_BUCKETS = "buckets"
_KEYS = ["PartitionKey", "RowKey"]
_PAGE = 1000


class TableWindows:
    """Windows."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("windows")

    async def of(self, rule: str, group: str) -> Sequence[Window]:
        rows, _ = await self._table.page(
            "PartitionKey eq @partition", {"partition": _partition(rule, group)}, size=_PAGE, after=None
        )
        return [_window(row, _etag(row)) for row in rows]

    async def get(self, rule: str, group: str, partition: str) -> Window | None:
        found = await self._table.get(_partition(rule, group), key_of(partition))
        return _window(*found) if found else None

    async def save(self, window: Window) -> Window:
        entity = {
            "PartitionKey": _partition(window.rule, window.group),
            "RowKey": key_of(window.partition),
            "rule": window.rule,
            "group": window.group,
            "due": window.due,
            **packed(msgspec.json.encode(msgspec.structs.replace(window, buckets=b"", etag=None))),
            **packed(window.buckets, _BUCKETS),
        }
        try:
            if window.etag is None:
                etag = await self._table.insert(entity)
            else:
                etag = await self._table.replace(entity, window.etag)
        except NotFound as error:
            raise Conflict(
                "WindowGone", "the row was removed since it was read", target=window.rule
            ) from error
        return msgspec.structs.replace(window, etag=etag)

    async def open(self, rule: str) -> AsyncIterator[Window]:
        start = f"{key_of(rule)}|"
        query = "PartitionKey ge @first and PartitionKey lt @last and rule eq @rule"
        values = {"first": start, "last": f"{start}~", "rule": rule}
        async for row in self._table.query(query, values, [*_KEYS, *columns()]):
            yield msgspec.structs.replace(decoded(row, Window), etag=_etag(row))

    async def due(self, before: datetime) -> AsyncIterator[tuple[str, str]]:
        last = ("", "")
        async for row in self._table.query("due lt @before", {"before": before}, [*_KEYS, "rule", "group"]):
            found = (str(row["rule"]), str(row["group"]))
            if found != last:
                yield found
            last = found

    async def remove(self, window: Window) -> None:
        partition, row = _partition(window.rule, window.group), key_of(window.partition)
        if window.etag is None:
            raise Conflict("WindowNotStored", "only a row that was read can be removed", target=window.rule)
        await self._table.delete(partition, row, window.etag)


def _partition(rule: str, group: str) -> str:
    return f"{key_of(rule)}|{sha256(group.encode(errors='replace')).hexdigest()[:32]}"


def _window(entity: Entity, etag: str) -> Window:
    return msgspec.structs.replace(decoded(entity, Window), buckets=unpacked(entity, _BUCKETS), etag=etag)


def _etag(row: Entity) -> str:
    metadata = getattr(row, "metadata", {})
    return str(metadata["etag"])
