"""Trends of governance in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.domain.governance_report import Cell, Tally, Trend, with_day


class InMemoryTrends:
    """Trends."""

    def __init__(self) -> None:
        self.days: dict[Cell, dict[str, Tally]] = {}
        self._recorded_at: datetime | None = None

    async def recorded_at(self) -> datetime | None:
        await asyncio.sleep(0)
        return self._recorded_at

    async def record(self, tallies: Mapping[Cell, Tally], now: datetime) -> None:
        await asyncio.sleep(0)
        cells = {*tallies, *self.days}
        whole = {cell: with_day(self.days.get(cell, {}), tallies.get(cell), now.date()) for cell in cells}
        self.days = {cell: days for cell, days in whole.items() if days}
        self._recorded_at = now

    async def list(self, *, domain: str | None = None) -> Sequence[Trend]:
        await asyncio.sleep(0)
        return [
            Trend(cell=cell, days=self.days[cell])
            for cell in sorted(self.days)
            if domain is None or cell.domain == domain.casefold()
        ]
