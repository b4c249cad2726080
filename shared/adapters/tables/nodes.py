"""The `nodes` table: partition the subscription, row the group; and index rows (`indexed.py`)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec

from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.indexed import IndexedTable
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.standings import (
    COUNTED,
    FOUND,
    finding_query,
    findings_of,
    found_columns,
    governance_of,
    standing_columns,
)
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.conditions import READY
from shared.domain.coverage import Counts, NodeCoverage, counted
from shared.domain.errors import Conflict, NotFound
from shared.domain.governance import Verdict
from shared.domain.governance_report import NodeFindings, NodeGovernance
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
_SCOPE = "nodes"
_COVERED = "coverage"


class TableNodeStore:
    """NodeStore."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = IndexedTable(storage.table("nodes"), _SUMMARY, apart=found_columns)

    async def get(self, key: NodeKey) -> NodeRecord | None:
        found = await self._table.get(key.subscription, key_of(key.group))
        if found is None:
            return None
        entity, version = found
        return msgspec.structs.replace(decoded(entity, NodeRecord), etag=version)

    async def save(self, record: NodeRecord) -> NodeRecord:
        try:
            version = await self._table.save(_entity(record), record.etag, held=record.lease is not None)
        except NotFound as error:
            raise Conflict(
                "NodeGone", "the record was removed since it was read", target=str(record.key)
            ) from error
        return msgspec.structs.replace(record, etag=version)

    async def list(self, *, state: str = "", size: int = 100, continuation: str = "") -> Page[NodeSummary]:
        rows, token = await self._table.listed(
            f"{_SCOPE} {state}", size, continuation, state=state, but=["Seen"]
        )
        return Page(tuple(map(_summary, rows)), token)

    async def coverage(self, *, size: int = 100, continuation: str = "") -> Page[NodeCoverage]:
        rows, token = await self._table.listed(
            _COVERED, size, continuation, but=["Seen", "Offboarded"], select=_COVERAGE
        )
        return Page(tuple(map(_coverage, rows)), token)

    async def governance(self, *, size: int = 100, continuation: str = "") -> Page[NodeGovernance]:
        rows, token = await self._table.listed(
            "governance", size, continuation, but=["Seen", "Offboarded"], select=COUNTED
        )
        return Page(tuple(governance_of(_key(row), row) for row in rows), token)

    async def findings(
        self,
        verdict: Verdict,
        *,
        policy: str = "",
        domain: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[NodeFindings]:
        scope, where = f"findings {verdict} {policy} {domain}", finding_query(verdict, policy, domain)
        rows, token = await self._table.set_apart(scope, size, continuation, FOUND, where)
        return Page(tuple(findings_of(_key(row), row, verdict, policy) for row in rows), token)

    async def due(self, before: datetime) -> AsyncIterator[NodeKey]:
        async for row in self._table.due(before):
            yield _key(row)

    async def looked_after(self, subscription: str = "") -> AsyncIterator[NodeKey]:
        async for row in self._table.ever_due(subscription.lower()):
            yield _key(row)

    async def index(self) -> int:
        return await self._table.index()

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
        **standing_columns(record),
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
