"""Giving back addresses whose networks are gone, where no node's own reconcile does it any more."""

from collections.abc import AsyncIterator
from datetime import timedelta

from shared.domain.addresses import Allocation
from shared.domain.errors import NotFound
from shared.domain.mesh import Mesh
from shared.ports import Clock, NodeStore, ResourceManager
from shared.ports.mesh import AddressBook

YOUNG = timedelta(hours=1)
"""What was given out so recently may belong to a network that is about to be made."""


class Sweep:
    """What a timer does about address pools, every hour or so."""

    def __init__(
        self, mesh: Mesh, arm: ResourceManager, nodes: NodeStore, addresses: AddressBook, clock: Clock
    ) -> None:
        self._mesh = mesh
        self._arm = arm
        self._nodes = nodes
        self._addresses = addresses
        self._clock = clock

    async def allocations(self) -> int:
        """Releases what no node claims and whose network was read as gone: one read for each such allocation.

        Answers how many. Raises what Azure or the tables answer, and goes on the next time.
        """
        released = 0
        orphans = [a async for a in self._all() if await self._orphaned(a)]
        for allocation in orphans:
            await self._addresses.release(allocation.network)
            released += 1
        return released

    async def _all(self) -> AsyncIterator[Allocation]:
        for pool in sorted({pool for hub in self._mesh.hubs for pool in hub.pools}):
            continuation = ""
            while True:
                page = await self._addresses.list(pool, continuation=continuation)
                for allocation in page.items:
                    yield allocation
                continuation = page.continuation
                if not continuation:
                    break

    async def _orphaned(self, allocation: Allocation) -> bool:
        if self._clock.now() - allocation.at < YOUNG:
            return False
        record = await self._nodes.get(allocation.node)
        if record and record.allocation == allocation.prefix and record.state != "Offboarded":
            return False
        try:
            await self._arm.get_network(allocation.network)
        except NotFound:
            return True
        return False
