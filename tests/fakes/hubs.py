"""Hub records in memory."""

import asyncio
from collections.abc import Sequence
from itertools import count

import msgspec

from shared.domain.errors import Conflict
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey


class InMemoryHubStore:
    """HubStore; every call gives way to other tasks once, so that they may interleave."""

    def __init__(self) -> None:
        self.records: dict[HubKey, HubRecord] = {}
        self._versions = count(1)

    async def get(self, key: HubKey) -> HubRecord | None:
        await asyncio.sleep(0)
        return self.records.get(key)

    async def save(self, record: HubRecord) -> HubRecord:
        await asyncio.sleep(0)
        stored = self.records.get(record.key)
        if record.etag != (stored.etag if stored else None):
            raise Conflict("HubChanged", "the record changed since it was read", target=str(record.key))
        saved = msgspec.structs.replace(record, etag=f'W/"{next(self._versions)}"')
        self.records[record.key] = saved
        return saved

    async def list(self) -> Sequence[HubRecord]:
        """Without etags, as a list of many rows comes."""
        await asyncio.sleep(0)
        return [msgspec.structs.replace(self.records[key], etag=None) for key in sorted(self.records)]
