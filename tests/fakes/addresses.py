"""Address pools in memory."""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network

from shared.domain.addresses import (
    Allocation,
    PoolUsage,
    best_fit,
    check_request,
    first_unit,
    no_room,
    slabs_of,
    taken_by,
    units_of,
    usage_of,
)
from shared.domain.ids import NodeKey, normal_id
from shared.ports import Clock, Page
from tests.fakes.paging import page_of


class InMemoryAddressBook:
    """AddressBook; every call gives way to other tasks once, so that they may interleave."""

    def __init__(self, clock: Clock) -> None:
        self.allocations: dict[str, Allocation] = {}
        self._clock = clock

    async def allocate(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, *, occupied: Sequence[str] = ()
    ) -> Allocation:
        await asyncio.sleep(0)
        check_request(size, network, node)
        found = self.allocations.get(normal_id(network))
        if found is None:
            found = self._chosen(pools, size, network, node, occupied)
            self.allocations[normal_id(network)] = found
        return found

    async def propose(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, *, occupied: Sequence[str] = ()
    ) -> Allocation:
        await asyncio.sleep(0)
        check_request(size, network, node)
        found = self.allocations.get(normal_id(network))
        return found or self._chosen(pools, size, network, node, occupied)

    def _chosen(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, occupied: Sequence[str]
    ) -> Allocation:
        numbers = {slab for pool in pools for slab in slabs_of(pool)}
        taken = taken_by([*self._prefixes(), *occupied], numbers, {})
        chosen = best_fit(pools, size, taken)
        if chosen is None:
            raise no_room(pools, size, taken)
        return Allocation(*chosen, network, node, self._clock.now())

    async def of(self, node: NodeKey) -> Allocation | None:
        await asyncio.sleep(0)
        return next(
            (self.allocations[n] for n in sorted(self.allocations) if self.allocations[n].node == node), None
        )

    async def release(self, network: str) -> None:
        await asyncio.sleep(0)
        self.allocations.pop(normal_id(network), None)

    async def usage(self, pool: str) -> PoolUsage:
        await asyncio.sleep(0)
        slabs = slabs_of(pool)
        starts = dict.fromkeys(slabs, 0)
        for prefix in self._prefixes():
            for slab in starts.keys() & set(slabs_of(prefix)):
                starts[slab] |= first_unit(units_of(prefix, slab))
        return usage_of(pool, taken_by(self._prefixes(), slabs, {}), starts)

    async def list(self, pool: str, *, size: int = 100, continuation: str = "") -> Page[Allocation]:
        await asyncio.sleep(0)
        within = IPv4Network(pool)
        found = [a for a in self.allocations.values() if IPv4Network(a.prefix).network_address in within]
        return page_of(sorted(found, key=_place), f"addresses {pool}", _place, size, continuation)

    def _prefixes(self) -> Sequence[str]:
        return [allocation.prefix for allocation in self.allocations.values()]


def _place(allocation: Allocation) -> str:
    """Sorts as addresses do."""
    return f"{int(IPv4Network(allocation.prefix).network_address):08x}"
