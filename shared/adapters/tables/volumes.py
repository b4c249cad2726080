"""The `volumes` table: partition the node, row the diagnostic category, in it the days of a month."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.ports import Clock
from shared.ports.telemetry import Volume

KEPT_DAYS = 31
AT_ONCE = 16
ATTEMPTS = 20
_PAUSE = 0.01  # seconds; grows with the attempts, by chance, so that writers to one row fall apart
_PAGE = 1000


class _Days(msgspec.Struct, frozen=True):
    """Bytes and records by day."""

    node: str
    category: str
    days: dict[str, tuple[int, int]]


class TableVolumes:
    """Volumes."""

    def __init__(self, storage: TableStorage, clock: Clock) -> None:
        self._table = storage.table("volumes")
        self._clock = clock

    async def add(self, volumes: Sequence[Volume]) -> None:
        rows: dict[tuple[str, str], list[Volume]] = defaultdict(list)
        for volume in volumes:
            rows[volume.node, volume.category].append(volume)
        limit = asyncio.Semaphore(AT_ONCE)

        async def write(place: tuple[str, str], more: Sequence[Volume]) -> None:
            async with limit:
                await self._add(*place, more)

        await asyncio.gather(*(write(place, more) for place, more in rows.items()))

    async def of(self, node: str, *, days: int = 7) -> Sequence[Volume]:
        since = self._day(days - 1)
        rows, _ = await self._table.page(
            "PartitionKey eq @partition", {"partition": key_of(node)}, size=_PAGE, after=None
        )
        return sorted(
            (
                Volume(node=row.node, category=row.category, day=day, bytes=size, records=records)
                for row in (decoded(entity, _Days) for entity in rows)
                for day, (size, records) in row.days.items()
                if day >= since
            ),
            key=lambda volume: (volume.day, volume.category),
        )

    async def _add(self, node: str, category: str, more: Sequence[Volume]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                await self._add_once(node, category, more)
            except (Conflict, NotFound):
                await asyncio.sleep(random.uniform(0, _PAUSE * attempt))
            else:
                return
        raise Conflict("VolumeContended", f"{ATTEMPTS} attempts met other writers", target=node)

    async def _add_once(self, node: str, category: str, more: Sequence[Volume]) -> None:
        found = await self._table.get(key_of(node), key_of(category))
        days = decoded(found[0], _Days).days if found else {}
        oldest = self._day(KEPT_DAYS - 1)
        days = {day: known for day, known in days.items() if day >= oldest}
        for volume in more:
            size, records = days.get(volume.day, (0, 0))
            days[volume.day] = (size + volume.bytes, records + volume.records)
        entity = {
            "PartitionKey": key_of(node),
            "RowKey": key_of(category),
            **packed(msgspec.json.encode(_Days(node, category, days))),
        }
        if found:
            await self._table.replace(entity, found[1])
        else:
            await self._table.insert(entity)

    def _day(self, ago: int) -> str:
        today: date = self._clock.now().date()
        return (today - timedelta(days=ago)).isoformat()
