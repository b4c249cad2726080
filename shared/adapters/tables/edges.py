"""The `edges` table: a row for each edge, and index rows that lead to it from its nodes, its artefact and its names.

The edge's own row (partition `edge`, row its id) is the truth; an index row (partition `consumer ...`, `provider ...`,
`artefact ...` or `name ...`, row the id) says no more than that there may be something to find there. An index row is
written before the edge's own row whenever that comes to need it, and marked as over only after it: wherever a writer
dies, an index names too many edges and never too few, and every edge found is read and checked. Which edges are in a
state, and which are due, tell index rows in the partition of the edges' own rows (`indexed.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import batched

import msgspec

from shared.adapters.tables.continuation import Place, read_token, write_token
from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.indexed import IndexedTable
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.conditions import READY
from shared.domain.edge import LIVE, EdgeRecord, EdgeSummary
from shared.domain.edge_request import keeps_name, service_of
from shared.domain.errors import Conflict, NotFound
from shared.domain.ids import EdgeKey, NodeKey, normal_id
from shared.ports import Page

EDGE = "edge"
CONCURRENT_READS = 25
STRETCH = 100  # index rows read at once where those of a page's size were not enough
MOST_READ = 1000  # index rows behind one page: few that match among very many take several pages
_SUMMARY = [
    "consumer",
    "provider",
    "interface",
    "target",
    "state",
    "exposure",
    "expires_at",
    "requested_at",
    "reason",
]
_KEYS = ["PartitionKey", "RowKey"]


class TableEdgeStore:
    """EdgeStore."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("edges")
        self._edges = IndexedTable(self._table, ["id", *_SUMMARY], only=EDGE)

    async def get(self, key: EdgeKey) -> EdgeRecord | None:
        found = await self._edges.get(EDGE, key_of(key.id))
        if found is None:
            return None
        return msgspec.structs.replace(decoded(found[0], EdgeRecord), etag=found[1])

    async def save(self, record: EdgeRecord) -> EdgeRecord:
        live = record.state in LIVE
        if live:
            await self._index(_needed(record), record, over=False)
        try:
            version = await self._edges.save(_entity(record), record.etag, held=record.lease is not None)
        except NotFound as error:
            message = "the record was removed since it was read"
            raise Conflict("EdgeGone", message, target=str(record.key)) from error
        if not live:
            await self._index(_places(record), record, over=True)
        return msgspec.structs.replace(record, etag=version)

    async def list(
        self,
        *,
        consumer: NodeKey | None = None,
        provider: NodeKey | None = None,
        state: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[EdgeSummary]:
        scope = f"edges {consumer or ''} {provider or ''} {state}"
        if consumer is None and provider is None:
            rows, token = await self._edges.listed(scope, size, continuation, state=state)
            return Page(tuple(map(_summary, rows)), token)
        partition = _of_consumer(consumer) if consumer else _of_provider(provider)
        after = read_token(scope, continuation)
        found, place = await self._behind(partition, consumer, provider, state, size, after)
        return Page(tuple(found), write_token(scope, place))

    async def of_node(self, node: NodeKey) -> Sequence[EdgeRecord]:
        ids = {
            i for partition in (_of_consumer(node), _of_provider(node)) for i in await self._ids(partition)
        }
        records = await self._records(sorted(ids))
        return [r for r in records if node in (r.request.consumer, r.request.provider)]

    async def sharing(self, artefact: str) -> Sequence[EdgeRecord]:
        records = await self._records(sorted(await self._ids(_of_artefact(artefact))))
        wanted = normal_id(artefact)
        return [r for r in records if r.route and normal_id(r.route.artefact) == wanted]

    async def naming(self, zone: str, target: str) -> Sequence[EdgeRecord]:
        records = await self._records(sorted(await self._ids(_of_name(zone, target))))
        return [r for r in records if keeps_name(r, zone, target)]

    async def due(self, before: datetime) -> AsyncIterator[EdgeKey]:
        async for row in self._edges.due(before, ["id"]):
            yield EdgeKey(str(row["id"]))

    async def index(self) -> int:
        return await self._edges.index()

    # --- index rows

    async def _index(self, partitions: Sequence[str], record: EdgeRecord, *, over: bool) -> None:
        row = {"RowKey": key_of(record.key.id), "id": record.key.id, "over": over}
        await asyncio.gather(
            *(self._table.transact([("upsert", {"PartitionKey": p, **row})]) for p in partitions)
        )

    async def _ids(self, partition: str) -> Sequence[str]:
        """The edges that an index leads to and that may be live."""
        query = "PartitionKey eq @partition and over eq false"
        rows = self._table.query(query, {"partition": partition}, [*_KEYS, "id"])
        return [str(row["id"]) async for row in rows]

    async def _records(self, ids: Sequence[str]) -> Sequence[EdgeRecord]:
        """The live ones among some edges."""
        found: Sequence[EdgeRecord] = ()
        for some in batched(ids, CONCURRENT_READS, strict=False):
            records = await asyncio.gather(*(self.get(EdgeKey(i)) for i in some))
            found = (*found, *(r for r in records if r and r.state in LIVE))
        return found

    async def _behind(
        self,
        partition: str,
        consumer: NodeKey | None,
        provider: NodeKey | None,
        state: str,
        size: int,
        after: Place | None,
    ) -> tuple[Sequence[EdgeSummary], Place | None]:
        """A page of what an index leads to; it may be short of its size where few of the many match."""
        shown: list[EdgeSummary] = []
        place, read = after, 0
        while True:
            left = size - len(shown)
            rows, following = await self._indexed(partition, place, max(left, STRETCH) if read else left)
            matching = [
                (count, edge)
                for count, edge in enumerate(await self._summaries(rows), 1)
                if edge and _matches(edge, consumer, provider, state)
            ]
            shown += [edge for _, edge in matching[:left]]
            if len(matching) > left:
                # More than were wanted: the next page goes on behind the last one that this one shows.
                _, following = await self._indexed(partition, place, matching[left - 1][0])
            place, read = following, read + len(rows)
            if place is None or len(shown) >= size or read >= MOST_READ:
                return shown, place

    async def _indexed(
        self, partition: str, after: Place | None, size: int
    ) -> tuple[Sequence[Entity], Place | None]:
        return await self._table.page(
            "PartitionKey eq @partition",
            {"partition": partition},
            select=[*_KEYS, "id"],
            size=size,
            after=after,
        )

    async def _summaries(self, rows: Sequence[Entity]) -> Sequence[EdgeSummary | None]:
        """The edge of each index row, None where it was never written."""
        found: list[EdgeSummary | None] = []
        for some in batched(rows, CONCURRENT_READS, strict=False):
            reads = (self._table.get(EDGE, str(r["RowKey"]), [*_KEYS, "id", *_SUMMARY]) for r in some)
            found += [_summary(row[0]) if row else None for row in await asyncio.gather(*reads)]
        return found


def _needed(record: EdgeRecord) -> list[str]:
    """The index rows that have to be there before a live edge is written: those of its nodes are, but for one that is
    new, and one that comes back."""
    places = _places(record)
    return places if record.etag is None or record.state == "Revoking" else places[2:]


def _places(record: EdgeRecord) -> list[str]:
    places = [_of_consumer(record.request.consumer), _of_provider(record.request.provider)]
    if record.route and record.route.artefact:
        places.append(_of_artefact(record.route.artefact))
    if record.route:
        target = service_of(record.request.target)
        places += [_of_name(zone, target) for zone in record.route.zones]
    return places


def _of_consumer(node: NodeKey) -> str:
    return key_of(f"consumer {node}")


def _of_provider(node: NodeKey | None) -> str:
    return key_of(f"provider {node}")


def _of_artefact(artefact: str) -> str:
    return key_of(f"artefact {normal_id(artefact)}")


def _of_name(zone: str, target: str) -> str:
    """Two ids would not always fit into a key."""
    return key_of(f"name {sha256(f'{normal_id(zone)} {normal_id(target)}'.encode()).hexdigest()}")


def _matches(edge: EdgeSummary, consumer: NodeKey | None, provider: NodeKey | None, state: str) -> bool:
    return (
        consumer in (None, edge.consumer) and provider in (None, edge.provider) and state in ("", edge.state)
    )


def _entity(record: EdgeRecord) -> dict[str, object]:
    request = record.request
    entity: dict[str, object] = {
        "PartitionKey": EDGE,
        "RowKey": key_of(record.key.id),
        "id": record.key.id,
        "consumer": str(request.consumer),
        "provider": str(request.provider),
        "interface": request.interface,
        "target": request.target,
        "state": record.state,
        "exposure": record.route.exposure if record.route else request.exposure or "",
        "reason": next((c.reason for c in record.conditions if c.type == READY), ""),
        "requested_at": record.requested_at,
        **packed(msgspec.json.encode(msgspec.structs.replace(record, etag=None))),
    }
    # A row without the column is never due.
    times = {"next_due": record.next_due, "expires_at": record.expires_at}
    return entity | {name: time for name, time in times.items() if time is not None}


def _summary(row: Entity) -> EdgeSummary:
    fields = {name: _plain(row.get(name)) for name in _SUMMARY}
    nodes = {name: NodeKey.parse(str(row[name])) for name in ("consumer", "provider")}
    keys = {name: {"subscription": key.subscription, "group": key.group} for name, key in nodes.items()}
    return msgspec.convert(fields | keys | {"id": row["id"]}, EdgeSummary)


def _plain(value: object) -> object:
    # The SDK answers a subclass of datetime that keeps the service's text.
    return datetime.fromtimestamp(value.timestamp(), UTC) if isinstance(value, datetime) else value
