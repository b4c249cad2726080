"""Edge records in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import count

import msgspec

from shared.domain.conditions import READY
from shared.domain.edge import LIVE, EdgeRecord, EdgeSummary
from shared.domain.edge_request import keeps_name
from shared.domain.errors import Conflict
from shared.domain.ids import EdgeKey, NodeKey, same_id
from shared.ports import Page
from tests.fakes.paging import page_of


class InMemoryEdgeStore:
    """EdgeStore; every call gives way to other tasks once, so that they may interleave."""

    def __init__(self) -> None:
        self.records: dict[EdgeKey, EdgeRecord] = {}
        self._versions = count(1)

    async def get(self, key: EdgeKey) -> EdgeRecord | None:
        await asyncio.sleep(0)
        return self.records.get(key)

    async def save(self, record: EdgeRecord) -> EdgeRecord:
        await asyncio.sleep(0)
        stored = self.records.get(record.key)
        if record.etag != (stored.etag if stored else None):
            raise Conflict("EdgeChanged", "the record changed since it was read", target=str(record.key))
        saved = msgspec.structs.replace(record, etag=f'W/"{next(self._versions)}"')
        self.records[record.key] = saved
        return saved

    async def list(
        self,
        *,
        consumer: NodeKey | None = None,
        provider: NodeKey | None = None,
        state: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[EdgeSummary]:
        await asyncio.sleep(0)
        rows = [
            _summary(self.records[key])
            for key in sorted(self.records)
            if _matches(self.records[key], consumer, provider, state)
        ]
        scope = f"edges {consumer} {provider} {state}"
        return page_of(rows, scope, lambda row: row.id, size, continuation)

    async def of_node(self, node: NodeKey) -> Sequence[EdgeRecord]:
        await asyncio.sleep(0)
        return [r for r in self._live() if node in (r.request.consumer, r.request.provider)]

    async def sharing(self, artefact: str) -> Sequence[EdgeRecord]:
        await asyncio.sleep(0)
        return [r for r in self._live() if r.route and same_id(r.route.artefact, artefact)]

    async def naming(self, zone: str, target: str) -> Sequence[EdgeRecord]:
        await asyncio.sleep(0)
        return [r for r in self._live() if keeps_name(r, zone, target)]

    async def due(self, before: datetime) -> AsyncIterator[EdgeKey]:
        rows = [self.records[key] for key in sorted(self.records)]
        for key in [r.key for r in rows if r.next_due is not None and r.next_due < before]:
            await asyncio.sleep(0)
            yield key

    async def index(self) -> int:
        return 0

    def _live(self) -> Sequence[EdgeRecord]:
        return [self.records[key] for key in sorted(self.records) if self.records[key].state in LIVE]


def _matches(record: EdgeRecord, consumer: NodeKey | None, provider: NodeKey | None, state: str) -> bool:
    return (
        consumer in (None, record.request.consumer)
        and provider in (None, record.request.provider)
        and state in ("", record.state)
    )


def _summary(record: EdgeRecord) -> EdgeSummary:
    return EdgeSummary(
        id=record.key.id,
        consumer=record.request.consumer,
        provider=record.request.provider,
        interface=record.request.interface,
        target=record.request.target,
        state=record.state,
        exposure=record.route.exposure if record.route else record.request.exposure or "",
        expires_at=record.expires_at,
        requested_at=record.requested_at,
        reason=next((c.reason for c in record.conditions if c.type == READY), ""),
    )
