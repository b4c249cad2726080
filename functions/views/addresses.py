"""Address pools and what was given out of them."""

from datetime import datetime

import msgspec

from shared.domain.addresses import Allocation, PoolUsage

MOST_BLOCKS = 100


class PoolItem(msgspec.Struct, frozen=True):
    """One pool. `free_blocks` are the largest prefixes that are free, 100 at most of `free_block_count`;
    `fragmentation` is 0 where the free space is one block, and towards 1 the more it is scattered."""

    pool: str
    hubs: tuple[str, ...]
    addresses: int
    allocated: int
    allocations: int
    free_blocks: tuple[str, ...]
    free_block_count: int
    fragmentation: float


class AllocationItem(msgspec.Struct, frozen=True):
    """A prefix that belongs to a node's network until that network is gone."""

    prefix: str
    network: str
    node: str
    at: datetime


def pool_item(usage: PoolUsage, hubs: tuple[str, ...]) -> PoolItem:
    """A pool for the list, with the hubs whose nodes get prefixes out of it."""
    blocks = sorted(usage.free_blocks, key=lambda prefix: int(prefix.rpartition("/")[2]))
    return PoolItem(
        pool=usage.pool,
        hubs=hubs,
        addresses=usage.addresses,
        allocated=usage.allocated,
        allocations=usage.allocations,
        free_blocks=tuple(blocks[:MOST_BLOCKS]),
        free_block_count=len(blocks),
        fragmentation=usage.fragmentation,
    )


def allocation_item(allocation: Allocation) -> AllocationItem:
    """An allocation for the list."""
    return AllocationItem(allocation.prefix, allocation.network, str(allocation.node), allocation.at)
