"""The `addresses` table: one partition; a row for each slab of a /16, and two for each allocation.

A slab's row says which of its 8,192 units are taken. An allocation lies under its network, which is what makes asking
again idempotent, and under its address, so that a pool is listed page by page. The rows change in one transaction on
the condition that the slab's is the version read: of two that allocate or release in one slab at once, one starts
over. All 256 slabs of a /8 are read by one request, however many allocations they hold; no row exceeds a few KiB.
"""

import asyncio
import random
import zlib
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network

import msgspec

from shared.adapters.tables.continuation import read_token, write_token
from shared.adapters.tables.documents import columns, decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, Step, TableStorage
from shared.domain.addresses import (
    SLAB_UNITS,
    Allocation,
    PoolUsage,
    best_fit,
    check_request,
    first_unit,
    no_room,
    read_pool,
    slabs_of,
    taken_by,
    units_of,
    usage_of,
)
from shared.domain.errors import Conflict, NotFound, Waiting
from shared.domain.ids import NodeKey, normal_id
from shared.ports import Clock, Page

ATTEMPTS = 12
_PAUSE = 0.02  # seconds; grows with the attempts, by chance, so that those who met fall apart
_PARTITION = "addresses"
_TAKEN, _STARTS = "taken", "starts"
_ROWS = "PartitionKey eq @partition and RowKey ge @first and RowKey le @last"


async def _pause(attempt: int) -> None:
    await asyncio.sleep(random.uniform(0, _PAUSE * attempt))


class Slab(msgspec.Struct, frozen=True):
    """A slab's row: the units that are taken, the first of each allocation, and the version; None where new."""

    number: int
    taken: int
    starts: int
    etag: str | None


class TableAddressBook:
    """AddressBook. `pause` is how long to wait after an attempt of a number that met somebody else."""

    def __init__(
        self, storage: TableStorage, clock: Clock, pause: Callable[[int], Awaitable[None]] = _pause
    ) -> None:
        self._table = storage.table("addresses")
        self._clock = clock
        self._pause = pause
        self._turn = asyncio.Lock()  # those of one process queue up here rather than meet at the table

    async def allocate(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, *, occupied: Sequence[str] = ()
    ) -> Allocation:
        check_request(size, network, node)
        for attempt in range(ATTEMPTS):
            # Asked for every time: an attempt whose answer was lost may have been the one that did it.
            found = await self._network(network)
            if found is not None:
                return found[0]
            try:
                async with self._turn:
                    allocation = await self._chosen(pools, size, network, node, occupied)
                    await self._record(allocation)
                    return allocation
            except (Conflict, NotFound):
                await self._pause(attempt)
        raise _contended(network)

    async def propose(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, *, occupied: Sequence[str] = ()
    ) -> Allocation:
        check_request(size, network, node)
        found = await self._network(network)
        return found[0] if found else await self._chosen(pools, size, network, node, occupied)

    async def of(self, node: NodeKey) -> Allocation | None:
        start = f"{_network_row(node.group_id)}|"  # a slash, as keys have it
        values = {"partition": _PARTITION, "first": start, "last": f"{start}\uffff"}
        async for row in self._table.query(_ROWS, values, columns()):
            return decoded(row, Allocation)
        return None

    async def release(self, network: str) -> None:
        for attempt in range(ATTEMPTS):
            found = await self._network(network)
            if found is None:
                return
            allocation, etag = found
            slab = await self._slab(slabs_of(allocation.prefix)[0])
            units = units_of(allocation.prefix, slab.number)
            freed = msgspec.structs.replace(
                slab, taken=slab.taken & ~units, starts=slab.starts & ~first_unit(units)
            )
            by_network, by_address = _entities(allocation)
            try:
                await self._table.transact(
                    [_slab_step(freed), ("delete", by_network, etag), ("delete", by_address)]
                )
            except (Conflict, NotFound):
                await self._pause(attempt)
                continue
            return
        raise _contended(network)

    async def usage(self, pool: str) -> PoolUsage:
        slabs = await self._slabs(pool, _TAKEN, _STARTS)
        return usage_of(pool, {s.number: s.taken for s in slabs}, {s.number: s.starts for s in slabs})

    async def list(self, pool: str, *, size: int = 100, continuation: str = "") -> Page[Allocation]:
        network, scope = read_pool(pool), f"addresses {pool}"
        rows, place = await self._table.page(
            _ROWS,
            {
                "partition": _PARTITION,
                "first": _address_row(network.network_address),
                "last": _address_row(network.broadcast_address),
            },
            size=size,
            after=read_token(scope, continuation),
        )
        return Page(tuple(decoded(row, Allocation) for row in rows), write_token(scope, place))

    async def _chosen(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, occupied: Sequence[str]
    ) -> Allocation:
        """The best fit among what is free now."""
        numbers = {slab for pool in pools for slab in slabs_of(pool)}
        known = {s.number: s.taken for pool in pools for s in await self._slabs(pool, _TAKEN)}
        taken = taken_by(occupied, numbers, known)
        chosen = best_fit(pools, size, taken)
        if chosen is None:
            raise no_room(pools, size, taken)
        return Allocation(*chosen, network, node, self._clock.now())

    async def _record(self, allocation: Allocation) -> None:
        """Raises Conflict where the block was taken, or its slab changed, since it was chosen."""
        slab = await self._slab(slabs_of(allocation.prefix)[0])
        units = units_of(allocation.prefix, slab.number)
        if slab.taken & units:
            raise Conflict("BlockTaken", "somebody else took the block in between", target=allocation.prefix)
        filled = msgspec.structs.replace(
            slab, taken=slab.taken | units, starts=slab.starts | first_unit(units)
        )
        by_network, by_address = _entities(allocation)
        await self._table.transact([_slab_step(filled), ("create", by_network), ("create", by_address)])

    async def _network(self, network: str) -> tuple[Allocation, str] | None:
        found = await self._table.get(_PARTITION, _network_row(network))
        return (decoded(found[0], Allocation), found[1]) if found else None

    async def _slab(self, number: int) -> Slab:
        found = await self._table.get(_PARTITION, _slab_row(number))
        if found is None:
            return Slab(number, 0, 0, None)
        return slab_of(*found)

    async def _slabs(self, pool: str, *select: str) -> Sequence[Slab]:
        numbers = slabs_of(pool)
        first, last = _slab_row(numbers[0]), _slab_row(numbers[-1])
        values = {"partition": _PARTITION, "first": first, "last": last}
        return [slab_of(row) async for row in self._table.query(_ROWS, values, ["RowKey", *select])]


def _contended(network: str) -> Waiting:
    message = f"{ATTEMPTS} attempts met others that allocate or release"
    return Waiting("AddressesContended", message, target=network, retry_after=5.0)


def _network_row(network: str) -> str:
    return f"net-{key_of(normal_id(network))}"


def _slab_row(number: int) -> str:
    return f"slab-{number:05d}"


def slab_of(row: Entity, etag: str | None = None) -> Slab:
    """The slab that a row tells of; what was not selected counts as free."""
    number = int(str(row["RowKey"]).removeprefix("slab-"))
    return Slab(number, _unpacked(row, _TAKEN), _unpacked(row, _STARTS), etag)


def slab_entity(slab: Slab) -> Entity:
    """The row of a slab."""
    return {
        "PartitionKey": _PARTITION,
        "RowKey": _slab_row(slab.number),
        _TAKEN: _packed(slab.taken),
        _STARTS: _packed(slab.starts),
    }


def _slab_step(slab: Slab) -> Step:
    row = slab_entity(slab)
    return ("create", row) if slab.etag is None else ("update", row, slab.etag)


def _packed(bits: int) -> bytes:
    return zlib.compress(bits.to_bytes(SLAB_UNITS // 8, "little"))


def _unpacked(row: Entity, column: str) -> int:
    value = row.get(column)
    return int.from_bytes(zlib.decompress(value), "little") if isinstance(value, bytes) else 0


def _address_row(address: IPv4Address) -> str:
    """Sorts as addresses do."""
    return f"at-{int(address):08x}"


def _entities(allocation: Allocation) -> tuple[Entity, Entity]:
    """The allocation under its network, and under its address."""
    document = packed(msgspec.json.encode(allocation))
    address = IPv4Network(allocation.prefix).network_address
    rows = (_network_row(allocation.network), _address_row(address))
    by_network, by_address = ({"PartitionKey": _PARTITION, "RowKey": row, **document} for row in rows)
    return by_network, by_address
