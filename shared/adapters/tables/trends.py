"""The `governance` table: partition the domain, row the policy, with its counts of each day; and when that was."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched

import msgspec

from shared.adapters.tables.continuation import Place
from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Step, TableStorage
from shared.domain.governance_report import Cell, Tally, Trend, with_day

_MARK = "mark"
_PAGE = 1000
_A_TRANSACTION = 100
_TRENDS = "PartitionKey ge 'of ' and PartitionKey lt 'of!'"
_OF_DOMAIN = "PartitionKey eq @partition"


class TableTrends:
    """Trends."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("governance")

    async def recorded_at(self) -> datetime | None:
        found = await self._table.get(_MARK, _MARK)
        at = found[0].get("at") if found else None
        return datetime.fromtimestamp(at.timestamp(), UTC) if isinstance(at, datetime) else None

    async def record(self, tallies: Mapping[Cell, Tally], now: datetime) -> None:
        stored = {trend.cell: trend.days for trend in await self.list()}
        steps: dict[str, list[Step]] = defaultdict(list)
        for cell in sorted({*tallies, *stored}):
            before = stored.get(cell)
            days = with_day(before or {}, tallies.get(cell), now.date())
            if days != (before or {}):
                row = _entity(Trend(cell=cell, days=days))
                steps[cell.domain].append(("upsert" if days else "delete", row))
        for some in steps.values():
            for batch in batched(some, _A_TRANSACTION, strict=False):
                await self._table.transact(batch)
        # Last: whoever is stopped before it writes the same once more.
        await self._table.transact([("upsert", {"PartitionKey": _MARK, "RowKey": _MARK, "at": now})])

    async def list(self, *, domain: str | None = None) -> Sequence[Trend]:
        query, values = (_TRENDS, {}) if domain is None else (_OF_DOMAIN, {"partition": _partition(domain)})
        found: list[Trend] = []
        place: Place | None = None
        while True:
            rows, place = await self._table.page(query, values, size=_PAGE, after=place)
            found += [decoded(row, Trend) for row in rows]
            if place is None:
                return sorted(found, key=lambda trend: trend.cell)


def _partition(domain: str) -> str:
    return key_of(f"of {domain.casefold()}")


def _entity(trend: Trend) -> dict[str, object]:
    return {
        "PartitionKey": _partition(trend.cell.domain),
        "RowKey": key_of(trend.cell.policy),
        **packed(msgspec.json.encode(trend)),
    }
