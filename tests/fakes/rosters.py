"""Rosters in memory."""

import asyncio
from collections.abc import Sequence

from shared.domain.ids import NodeKey
from shared.domain.roster import Member, joined, left


class InMemoryRosters:
    """Rosters; every call gives way to other tasks once, so that they may interleave."""

    def __init__(self) -> None:
        self.rosters: dict[str, tuple[Member, ...]] = {}

    async def members(self, name: str) -> Sequence[Member]:
        await asyncio.sleep(0)
        return self.rosters.get(name, ())

    async def join(self, name: str, member: Member, limit: int) -> Sequence[Member]:
        await asyncio.sleep(0)
        self.rosters[name] = joined(self.rosters.get(name, ()), member, limit)
        return self.rosters[name]

    async def leave(self, name: str, key: NodeKey) -> None:
        await asyncio.sleep(0)
        self.rosters[name] = left(self.rosters.get(name, ()), key)
