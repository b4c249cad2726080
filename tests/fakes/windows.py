"""Windows and volumes in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import count

import msgspec

from shared.domain.errors import Conflict
from shared.ports import Clock
from shared.ports.telemetry import Volume, Window


class InMemoryWindows:
    """Windows; every call gives way to other tasks once, so that they may interleave."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], Window] = {}
        self._versions = count(1)

    async def of(self, rule: str, group: str) -> Sequence[Window]:
        await asyncio.sleep(0)
        return [self.rows[place] for place in sorted(self.rows) if place[:2] == (rule, group)]

    async def get(self, rule: str, group: str, partition: str) -> Window | None:
        await asyncio.sleep(0)
        return self.rows.get((rule, group, partition))

    async def save(self, window: Window) -> Window:
        await asyncio.sleep(0)
        self._check(window)
        msgspec.json.encode(window)  # raises as a table's adapter does where the text cannot be written
        saved = msgspec.structs.replace(window, etag=f'W/"{next(self._versions)}"')
        self.rows[window.rule, window.group, window.partition] = saved
        return saved

    async def open(self, rule: str) -> AsyncIterator[Window]:
        for row in [self.rows[place] for place in sorted(self.rows) if place[0] == rule]:
            await asyncio.sleep(0)
            yield msgspec.structs.replace(row, buckets=b"")

    async def due(self, before: datetime) -> AsyncIterator[tuple[str, str]]:
        for place in sorted({place[:2] for place, row in self.rows.items() if row.due < before}):
            await asyncio.sleep(0)
            yield place

    async def remove(self, window: Window) -> None:
        await asyncio.sleep(0)
        if window.etag is None:
            raise Conflict("WindowNotStored", "only a row that was read can be removed", target=window.rule)
        place = (window.rule, window.group, window.partition)
        if place in self.rows:
            self._check(window)
            del self.rows[place]

    def _check(self, window: Window) -> None:
        stored = self.rows.get((window.rule, window.group, window.partition))
        if window.etag != (stored.etag if stored else None):
            raise Conflict("WindowChanged", "the row changed since it was read", target=window.rule)


class InMemoryVolumes:
    """Volumes of the last month."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.volumes: dict[tuple[str, str, str], Volume] = {}

    async def add(self, volumes: Sequence[Volume]) -> None:
        await asyncio.sleep(0)
        oldest = self._day(30)
        for volume in volumes:
            place = (volume.node, volume.day, volume.category)
            known = self.volumes.get(place)
            if known:
                size, records = known.bytes + volume.bytes, known.records + volume.records
                volume = msgspec.structs.replace(volume, bytes=size, records=records)
            self.volumes[place] = volume
        self.volumes = {place: v for place, v in self.volumes.items() if v.day >= oldest}

    async def of(self, node: str, *, days: int = 7) -> Sequence[Volume]:
        await asyncio.sleep(0)
        since = self._day(days - 1)
        rows = [self.volumes[place] for place in sorted(self.volumes) if place[0] == node]
        return [v for v in rows if v.day >= since]

    def _day(self, ago: int) -> str:
        return (self._clock.now().date() - timedelta(days=ago)).isoformat()
