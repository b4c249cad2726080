"""Address space handed out of pools. Pure."""

from datetime import datetime

import msgspec

from shared.domain.ids import NodeKey


class Allocation(msgspec.Struct, frozen=True):
    """A prefix that belongs to one network until that network was read as gone."""

    prefix: str
    pool: str
    network: str
    node: NodeKey
    at: datetime


class PoolUsage(msgspec.Struct, frozen=True):
    """How full a pool is: addresses, blocks that are free (their prefixes), and `fragmentation` from 0 (the free
    space is one block) to 1."""

    pool: str
    addresses: int
    allocated: int
    allocations: int
    free_blocks: tuple[str, ...]
    fragmentation: float
