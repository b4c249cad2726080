"""The `nodes` table: partition the subscription, row the group."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec

from shared.adapters.tables.continuation import read_token, write_token
from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.conditions import READY
from shared.domain.coverage import Counts, NodeCoverage, counted
from shared.domain.errors import Conflict, NotFound
from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord, NodeSummary
from shared.ports import Page

# What a list shows or a query filters by is a column of its own; the whole record is a document beside.
_SUMMARY = [
    "state",
    "product",
    "domain",
    "environment",
    "network",
    "reason",
    "ready_at",
    "next_due",
    "generation",
]
_COVERAGE = ["state", "product", "domain", "coverage"]
_KEYS = ["PartitionKey", "RowKey"]
_SCOPE = "nodes"
_COVERED = "coverage"


class TableNodeStore:
    """NodeStore."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("nodes")

    async def get(self, key: NodeKey) -> NodeRecord | None:
        found = await self._table.get(key.subscription, key_of(key.group))
        if found is None:
            return None
        entity, etag = found
        return msgspec.structs.replace(decoded(entity, NodeRecord), etag=etag)

    async def save(self, record: NodeRecord) -> NodeRecord:
        entity = _entity(record)
        try:
            if record.etag is None:
                etag = await self._table.insert(entity)
            else:
                etag = await self._table.replace(entity, record.etag)
        except NotFound as error:
            raise Conflict(
                "NodeGone", "the record was removed since it was read", target=str(record.key)
            ) from error
        return msgspec.structs.replace(record, etag=etag)

    async def list(self, *, state: str = "", size: int = 100, continuation: str = "") -> Page[NodeSummary]:
        scope = f"{_SCOPE} {state}"
        query, values = (
            ("state eq @state", {"state": state}) if state else ("state ne @state", {"state": "Seen"})
        )
        rows, place = await self._table.page(
            query, values, select=_KEYS + _SUMMARY, size=size, after=read_token(scope, continuation)
        )
        return Page(tuple(map(_summary, rows)), write_token(scope, place))

    async def coverage(self, *, size: int = 100, continuation: str = "") -> Page[NodeCoverage]:
        rows, place = await self._table.page(
            "state ne @seen and state ne @gone",
            {"seen": "Seen", "gone": "Offboarded"},
            select=[*_KEYS, *_COVERAGE],
            size=size,
            after=read_token(_COVERED, continuation),
        )
        return Page(tuple(map(_coverage, rows)), write_token(_COVERED, place))

    async def due(self, before: datetime) -> AsyncIterator[NodeKey]:
        async for row in self._table.query("next_due lt @before", {"before": before}, _KEYS):
            yield _key(row)

    async def delete(self, record: NodeRecord) -> None:
        if record.etag is None:
            raise Conflict(
                "NodeNotStored", "only a record that was read can be removed", target=str(record.key)
            )
        await self._table.delete(record.key.subscription, key_of(record.key.group), record.etag)


def _entity(record: NodeRecord) -> dict[str, object]:
    document = msgspec.json.encode(msgspec.structs.replace(record, etag=None))
    entity: dict[str, object] = {
        "PartitionKey": record.key.subscription,
        "RowKey": key_of(record.key.group),
        "state": record.state,
        "product": record.product,
        "domain": record.domain,
        "environment": record.environment,
        "network": record.network,
        "reason": next((c.reason for c in record.conditions if c.type == READY), ""),
        "generation": record.generation,
        "coverage": msgspec.json.encode(counted(record.coverage)).decode(),
        **packed(document),
    }
    # A row without the column is never due.
    times = {"next_due": record.next_due, "ready_at": record.ready_at}
    return entity | {name: time for name, time in times.items() if time is not None}


def _key(row: Entity) -> NodeKey:
    # Nothing that may stand in a group's name needs escaping in a key.
    return NodeKey(str(row["PartitionKey"]), str(row["RowKey"]))


def _summary(row: Entity) -> NodeSummary:
    fields = {name: _plain(row.get(name)) for name in _SUMMARY}
    fields["environment"] = fields["environment"] or ""  # a row from before there was such a tag has none
    key = _key(row)
    return msgspec.convert(
        fields | {"key": {"subscription": key.subscription, "group": key.group}}, NodeSummary
    )


def _coverage(row: Entity) -> NodeCoverage:
    counts = row.get("coverage")  # a row from before there were any has none
    fields = {
        "key": msgspec.to_builtins(_key(row)),
        "counts": msgspec.json.decode(counts, type=Counts) if isinstance(counts, str) else None,
        **{name: row.get(name) for name in ("state", "product", "domain")},
    }
    return msgspec.convert(fields, NodeCoverage, from_attributes=True)


def _plain(value: object) -> object:
    # The SDK answers a subclass of datetime that keeps the service's text.
    return datetime.fromtimestamp(value.timestamp(), UTC) if isinstance(value, datetime) else value
