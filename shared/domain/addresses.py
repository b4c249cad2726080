"""Address space handed out of pools. Pure.

Space is counted in units of /29, the smallest block that Azure takes for a subnet ("What is Azure Virtual Network",
frequently asked questions), and kept by slabs of a /16: a number whose bit `n` stands for the slab's unit `n`. A slab
is taken or free of its own accord, whatever pools were configured when that happened.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from ipaddress import IPv4Address, IPv4Network, ip_network

import msgspec

from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey

LARGEST = 16
SMALLEST = 29
"""Prefix lengths that are given out: of Databricks' largest workspace, and of Azure's smallest subnet."""
WIDEST_POOL = 8

_ADDRESSES = 1 << 32
_UNIT = 1 << (32 - SMALLEST)
_SLAB = 1 << (32 - LARGEST)
SLAB_UNITS = _SLAB // _UNIT

type Slabs = Mapping[int, int]
"""Which units are taken, by slab: `{2561: 0b11}` takes 10.1.0.0/28. Slabs that are not there are free."""


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


def read_pool(text: str) -> IPv4Network:
    """The pool that a CIDR prefix names.

    Raises:
        ValueError: no IPv4 prefix, bits set behind it, or a length that cannot be a pool's.
    """
    pool = ip_network(text)
    if not isinstance(pool, IPv4Network):
        raise ValueError(f"{text!r} is not IPv4")
    if not WIDEST_POOL <= pool.prefixlen <= SMALLEST:
        raise ValueError(f"{text!r} is not from /{WIDEST_POOL} to /{SMALLEST}")
    return pool


def pool_faults(pools: Sequence[str]) -> list[str]:
    """What is wrong with pools that are to be used side by side, each in a sentence without its full stop."""
    faults: list[str] = []
    sound: list[IPv4Network] = []
    for text in pools:
        try:
            pool = read_pool(text)
        except ValueError as error:
            faults.append(str(error))
            continue
        faults += [f"{pool} and {other} overlap" for other in sound if pool.overlaps(other)]
        sound.append(pool)
    return faults


def slabs_of(prefix: str) -> range:
    """The slabs that a prefix touches."""
    network = _ipv4(prefix)
    if network is None:
        return range(0)
    return range(int(network[0]) // _SLAB, int(network[-1]) // _SLAB + 1)


def units_of(prefix: str, slab: int) -> int:
    """The units of a slab that a prefix touches, even in part; none of an IPv6 prefix."""
    network = _ipv4(prefix)
    if network is None:
        return 0
    first = max(int(network[0]), slab * _SLAB) - slab * _SLAB
    last = min(int(network[-1]), slab * _SLAB + _SLAB - 1) - slab * _SLAB
    if last < first:
        return 0
    return (1 << (last // _UNIT + 1)) - (1 << (first // _UNIT))


def first_unit(units: int) -> int:
    """The lowest of some units."""
    return units & -units


def taken_by(prefixes: Iterable[str], within: Iterable[int], taken: Slabs) -> dict[int, int]:
    """What is taken in some slabs once these prefixes are taken as well."""
    slabs = {slab: taken.get(slab, 0) for slab in within}
    for prefix in prefixes:
        for slab in slabs.keys() & set(slabs_of(prefix)):
            slabs[slab] |= units_of(prefix, slab)
    return slabs


def best_fit(pools: Sequence[str], size: int, taken: Slabs) -> tuple[str, str] | None:
    """The prefix of a length that leaves the least broken space behind, and its pool; None where none is free.

    It is cut from the smallest free block that it fits in, so that large blocks stay whole; of several, from the
    one in the pool named first, at the lowest address.
    """
    fits = [
        (-block.prefixlen, order, block.network_address, pool)
        for order, pool in enumerate(pools)
        if (block := next(_blocks_that_fit(pool, size, taken), None))
    ]
    if not fits:
        return None
    _, _, address, pool = min(fits)
    return f"{address}/{size}", pool


def check_request(size: int, network: str, node: NodeKey) -> None:
    """Raises Terminal (`SizeNotOffered`, `NetworkOutsideNode`) for what no pool can answer."""
    if not LARGEST <= size <= SMALLEST:
        message = f"networks get prefixes of /{LARGEST} to /{SMALLEST}, not /{size}"
        raise Terminal("SizeNotOffered", message, target=network)
    if NodeKey.containing(network) != node:
        raise Terminal(
            "NetworkOutsideNode", f"the network does not lie in the group of {node}", target=network
        )


def no_room(pools: Sequence[str], size: int, taken: Slabs) -> Terminal:
    """What to say where no pool has a free block of a size."""
    blocks = [block for pool in pools for block in _blocks_that_fit(pool, SMALLEST, taken)]
    largest = min(blocks, key=lambda block: block.prefixlen, default=None)
    left = f"the largest free block is {largest}" if largest else "nothing is free"
    asked = f"no /{size} is free in {', '.join(pools)}: {left}" if pools else "the hub has no address pools"
    return Terminal("PoolExhausted", f"{asked}. Add a pool to the hub, or ask for a smaller network.")


def free_blocks(pool: str, taken: Slabs) -> tuple[str, ...]:
    """The free space of a pool as the fewest aligned blocks, in the order of their addresses."""
    return tuple(map(str, sorted(_blocks_that_fit(pool, SMALLEST, taken))))


def usage_of(pool: str, taken: Slabs, starts: Slabs) -> PoolUsage:
    """How full a pool is; `starts` marks the first unit of each allocation.

    Fragmentation is 1 - (largest free block / all free addresses): 0 where what is free is one block, or nothing
    is; near 1 where it is dust.
    """
    network = read_pool(pool)
    blocks = free_blocks(pool, taken)
    sizes = [_ADDRESSES >> int(block.partition("/")[2]) for block in blocks]
    free = sum(sizes)
    return PoolUsage(
        pool=pool,
        addresses=network.num_addresses,
        allocated=network.num_addresses - free,
        allocations=_bits(network, starts).bit_count(),
        free_blocks=blocks,
        fragmentation=1 - max(sizes) / free if free else 0.0,
    )


def _blocks_that_fit(pool: str, size: int, taken: Slabs) -> Iterator[IPv4Network]:
    """The free blocks of at least a size, the smallest first, by address: each as large as it is whole and aligned."""
    network = read_pool(pool)
    units = network.num_addresses // _UNIT
    whole = ~_bits(network, taken) & ((1 << units) - 1)
    for level in range(SMALLEST - network.prefixlen + 1):
        span = 1 << level
        larger = whole & (whole >> span) & _aligned(units, span * 2) if span < units else 0
        if SMALLEST - level <= size:
            alone = whole & ~(larger | larger << span)
            for unit in _ones(alone):
                address = IPv4Address(int(network.network_address) + unit * _UNIT)
                yield IPv4Network((address, SMALLEST - level))
        whole = larger


def _bits(network: IPv4Network, slabs: Slabs) -> int:
    """One bit for each unit of a network, the first address in the lowest."""
    first = int(network.network_address)
    numbers = range(first // _SLAB, int(network.broadcast_address) // _SLAB + 1)
    joined = b"".join(slabs.get(n, 0).to_bytes(SLAB_UNITS // 8, "little") for n in numbers)
    units = network.num_addresses // _UNIT
    return int.from_bytes(joined, "little") >> first % _SLAB // _UNIT & ((1 << units) - 1)


@cache
def _aligned(units: int, span: int) -> int:
    """A one at every multiple of a span: the shift doubles what is there."""
    mask, width = 1, span
    while width < units:
        mask |= mask << width
        width *= 2
    return mask


def _ones(bits: int) -> Iterator[int]:
    """The places of the ones, the lowest first; a byte at a time, since numbers of a wide pool are large."""
    for place, byte in enumerate(bits.to_bytes((bits.bit_length() + 7) // 8, "little")):
        if byte:
            yield from (place * 8 + bit for bit in range(8) if byte >> bit & 1)


def _ipv4(prefix: str) -> IPv4Network | None:
    network = ip_network(prefix, strict=False)
    return network if isinstance(network, IPv4Network) else None
