"""Node records and their history in memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count

import msgspec

from shared.domain.conditions import READY
from shared.domain.coverage import NodeCoverage, counted
from shared.domain.errors import Conflict
from shared.domain.governance import Verdict
from shared.domain.governance_report import NodeFindings, NodeGovernance
from shared.domain.ids import NodeKey
from shared.domain.node import HistoryEntry, NodeRecord, NodeSummary
from shared.ports import Page
from tests.fakes.paging import newest_first, page_of


class InMemoryNodeStore:
    """NodeStore; every call gives way to other tasks once, so that they may interleave."""

    def __init__(self) -> None:
        self.records: dict[NodeKey, NodeRecord] = {}
        self._versions = count(1)

    async def get(self, key: NodeKey) -> NodeRecord | None:
        await asyncio.sleep(0)
        return self.records.get(key)

    async def save(self, record: NodeRecord) -> NodeRecord:
        await asyncio.sleep(0)
        self._check(record)
        saved = msgspec.structs.replace(record, etag=f'W/"{next(self._versions)}"')
        self.records[record.key] = saved
        return saved

    async def list(self, *, state: str = "", size: int = 100, continuation: str = "") -> Page[NodeSummary]:
        await asyncio.sleep(0)
        rows = [_summary(self.records[k]) for k in sorted(self.records)]
        rows = [row for row in rows if (row.state == state if state else row.state != "Seen")]
        return page_of(rows, "nodes", lambda row: str(row.key), size, continuation)

    async def coverage(self, *, size: int = 100, continuation: str = "") -> Page[NodeCoverage]:
        await asyncio.sleep(0)
        records = [self.records[k] for k in sorted(self.records)]
        rows = [
            NodeCoverage(
                key=r.key, state=r.state, product=r.product, domain=r.domain, counts=counted(r.coverage)
            )
            for r in records
            if r.state not in ("Seen", "Offboarded")
        ]
        return page_of(rows, "coverage", lambda row: str(row.key), size, continuation)

    async def governance(self, *, size: int = 100, continuation: str = "") -> Page[NodeGovernance]:
        await asyncio.sleep(0)
        rows = [
            NodeGovernance(key=r.key, domain=r.domain, verdicts={s.policy: s.verdict for s in r.standings})
            for r in (self.records[k] for k in sorted(self.records))
            if r.state not in ("Seen", "Offboarded")
        ]
        return page_of(rows, "governance", lambda row: str(row.key), size, continuation)

    async def findings(
        self,
        verdict: Verdict,
        *,
        policy: str = "",
        domain: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[NodeFindings]:
        await asyncio.sleep(0)
        rows = [
            NodeFindings(key=r.key, state=r.state, product=r.product, domain=r.domain, standings=found)
            for r in (self.records[k] for k in sorted(self.records))
            if (found := tuple(s for s in r.standings if s.verdict == verdict and policy in ("", s.policy)))
            and (not domain or r.domain.casefold() == domain.casefold())
        ]
        scope = f"findings {verdict} {policy} {domain}"
        return page_of(rows, scope, lambda row: str(row.key), size, continuation)

    async def due(self, before: datetime) -> AsyncIterator[NodeKey]:
        rows = sorted(self.records.values(), key=lambda record: record.key)
        for key in [r.key for r in rows if r.next_due is not None and r.next_due < before]:
            await asyncio.sleep(0)
            yield key

    async def looked_after(self, subscription: str = "") -> AsyncIterator[NodeKey]:
        for record in sorted(self.records.values(), key=lambda record: record.key):
            await asyncio.sleep(0)
            if record.next_due is not None and subscription.lower() in ("", record.key.subscription):
                yield record.key

    async def index(self) -> int:
        return 0

    async def delete(self, record: NodeRecord) -> None:
        await asyncio.sleep(0)
        if record.key in self.records:
            self._check(record)
            del self.records[record.key]

    def _check(self, record: NodeRecord) -> None:
        stored = self.records.get(record.key)
        if record.etag != (stored.etag if stored else None):
            raise Conflict("NodeChanged", "the record changed since it was read", target=str(record.key))


class InMemoryHistory:
    """History, each entry once; entries of one time come in reverse order of their arrival."""

    def __init__(self) -> None:
        self.entries: list[HistoryEntry] = []

    async def append(self, entry: HistoryEntry) -> None:
        await asyncio.sleep(0)
        if entry not in self.entries:
            self.entries.append(entry)

    async def recent(self, key: str, *, size: int = 50, continuation: str = "") -> Page[HistoryEntry]:
        await asyncio.sleep(0)
        rows = [(_place(e.at, number), e) for number, e in enumerate(self.entries) if e.key == key]
        page = page_of(sorted(rows), f"history {key}", lambda row: row[0], size, continuation)
        return Page(tuple(entry for _, entry in page.items), page.continuation)


def _summary(record: NodeRecord) -> NodeSummary:
    return NodeSummary(
        key=record.key,
        state=record.state,
        product=record.product,
        domain=record.domain,
        environment=record.environment,
        network=record.network,
        reason=next((c.reason for c in record.conditions if c.type == READY), ""),
        ready_at=record.ready_at,
        next_due=record.next_due,
        generation=record.generation,
    )


def _place(at: datetime, number: int) -> str:
    return f"{newest_first(at)} {10**9 - number:010d}"
