"""The address book under concurrency, broken connections and dying workers: nothing is given twice, nothing leaks."""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.tables.addresses import ATTEMPTS, Slab, TableAddressBook, slab_entity, slab_of
from shared.adapters.tables.documents import decoded
from shared.adapters.tables.table import Entity, check_size
from shared.domain.addresses import SLAB_UNITS, Allocation, slabs_of, units_of
from shared.domain.errors import Terminal, Transient, Waiting
from shared.domain.ids import NodeKey
from shared.ports.mesh import AddressBook
from tests.fakes import FakeClock, InMemoryAddressBook
from tests.unit.adapters.memory_table import MemoryStorage, MemoryTable, Trouble

POOLS = ("10.0.0.0/23", "10.0.254.0/23", "10.1.0.0/24")
"""Two in one slab, and a third in the next: so small that they run out."""
OCCUPIED = ("10.0.0.192/26", "10.0.255.8/32")
TROUBLES: tuple[Trouble, ...] = ("conflict", "refused", "lost", "lost, then refused")
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"

type Job = tuple[bool, int, int]
"""Whether to allocate or to release, for which of a few networks, and how large."""

JOBS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 5), st.sampled_from([24, 25, 26, 28, 29])), max_size=6
)
WORKERS = st.lists(JOBS, min_size=2, max_size=4)


def network(number: int) -> tuple[str, NodeKey]:
    key = NodeKey.of(SUBSCRIPTION, f"node-{number}")
    return f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net", key


async def no_pause(_attempt: int) -> None:
    await asyncio.sleep(0)


class Account:
    """A table with its troubles, and what was true of it after every transaction."""

    def __init__(self, seed: int, trouble_share: float) -> None:
        self._chance = Random(seed)
        self._share = trouble_share
        self.table = MemoryTable(self._chance, self._trouble, self.check)
        self.checks = 0

    def book(self) -> TableAddressBook:
        """The book of one more process."""
        return TableAddressBook(MemoryStorage(self.table), FakeClock(), no_pause)

    def _trouble(self) -> Trouble:
        return self._chance.choice(TROUBLES) if self._chance.random() < self._share else "none"

    def check(self) -> None:
        """What is taken in the slabs is exactly what the networks have, and no two have the same."""
        self.checks += 1
        given, slabs = self._contents()
        check_apart(given)
        by_address = [
            decoded(row, Allocation) for (_, key), (row, _) in self.table.rows.items() if key[:3] == "at-"
        ]
        assert sorted(a.prefix for a in by_address) == sorted(a.prefix for a in given)
        for slab in slabs:
            units = [u for a in given if (u := units_of(a.prefix, slab.number))]
            assert slab.taken == sum(units)
            assert slab.starts == sum(u & -u for u in units)

    def _contents(self) -> tuple[list[Allocation], list[Slab]]:
        rows = {key: row for (_, key), (row, _) in self.table.rows.items()}
        given = [decoded(row, Allocation) for key, row in rows.items() if key.startswith("net-")]
        return given, [slab_of(row) for key, row in rows.items() if key.startswith("slab-")]


def check_apart(given: Sequence[Allocation]) -> None:
    for left, right in combinations(given, 2):
        assert not IPv4Network(left.prefix).overlaps(IPv4Network(right.prefix)), (left, right)
    for one in given:
        assert not any(IPv4Network(one.prefix).overlaps(IPv4Network(o)) for o in OCCUPIED)
        assert IPv4Network(one.prefix).subnet_of(IPv4Network(one.pool))


async def work(book: AddressBook, jobs: Sequence[Job]) -> None:
    """One worker: what fails for a reason that passes is done again, as the engine does."""
    for allocates, number, size in jobs:
        name, key = network(number)
        while True:
            try:
                if allocates:
                    had = await book.of(key)
                    given = await book.allocate(POOLS, size, name, key, occupied=OCCUPIED)
                    assert given.network == name
                    assert had is not None or IPv4Network(given.prefix).prefixlen <= 29
                else:
                    await book.release(name)
            except (Transient, Waiting):
                continue
            except Terminal as error:
                if error.reason != "PoolExhausted":
                    raise
            break


async def check_books(book: AddressBook) -> None:
    """What lists, nodes and usage say adds up, and all of it can be given back."""
    for pool in POOLS:
        listed, usage = (await book.list(pool, size=1000)).items, await book.usage(pool)
        assert usage.allocations == len(listed)
        assert usage.allocated == sum(IPv4Network(a.prefix).num_addresses for a in listed)
        free = sum(IPv4Network(block).num_addresses for block in usage.free_blocks)
        assert free == usage.addresses - usage.allocated
        for one in listed:
            assert await book.of(one.node) == one
            assert await book.allocate(POOLS, 29, one.network, one.node) == one
    for number in range(6):
        await asyncio.sleep(0)
        while True:
            try:
                await book.release(network(number)[0])
            except (Transient, Waiting):
                continue
            break
    assert [(await book.usage(pool)).free_blocks for pool in POOLS] == [(pool,) for pool in POOLS]


@settings(max_examples=150, deadline=None)
@given(workers=WORKERS, seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.2, 0.5]))
def test_no_two_live_allocations_overlap_and_nothing_leaks_on_tables(
    workers: list[list[Job]], seed: int, share: float
) -> None:
    """Processes that allocate and release at once over a table that refuses, and loses answers."""

    async def run() -> None:
        account = Account(seed, share)
        async with asyncio.TaskGroup() as group:
            for jobs in workers:
                group.create_task(work(account.book(), jobs))
        await check_books(account.book())

    asyncio.run(run())


@settings(max_examples=100, deadline=None)
@given(workers=WORKERS)
def test_no_two_live_allocations_overlap_and_nothing_leaks_in_memory(workers: list[list[Job]]) -> None:
    """The fake that other tests rely on keeps the same promises."""

    async def run() -> None:
        book = InMemoryAddressBook(FakeClock())
        async with asyncio.TaskGroup() as group:
            for jobs in workers:
                group.create_task(work(book, jobs))
        await check_books(book)

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25))
def test_a_worker_that_dies_leaves_either_nothing_or_what_its_network_gets_again(
    seed: int, steps: int
) -> None:
    """Killed between any two calls; another process asks for the same network afterwards."""

    async def run() -> None:
        account = Account(seed, 0.0)
        name, key = network(0)
        task = asyncio.create_task(account.book().allocate(POOLS, 26, name, key))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        left = await account.book().of(key)
        other = await account.book().allocate(POOLS, 26, *network(1))
        given = await account.book().allocate(POOLS, 26, name, key)
        assert left in (None, given)
        assert other.prefix != given.prefix
        assert sum([(await account.book().usage(pool)).allocations for pool in POOLS]) == 2

    asyncio.run(run())


async def test_an_answer_that_was_lost_is_found_by_the_next_attempt() -> None:
    """The SDK sends a write again whose answer never came, and is told that the row is there."""
    account = Account(0, 0.0)
    troubles: list[Trouble] = ["lost, then refused"]
    account.table.trouble = lambda: troubles.pop() if troubles else "none"
    given = await account.book().allocate(POOLS, 26, *network(0))
    assert await account.book().of(network(0)[1]) == given
    troubles.append("lost, then refused")
    await account.book().release(network(0)[0])
    assert await account.book().of(network(0)[1]) is None


async def test_a_release_that_was_overtaken_takes_nothing_from_others() -> None:
    """Between its reads the network is released, another gets its prefix, and it gets one of another slab."""
    account = Account(0, 0.0)
    first, second = network(0), network(1)
    here, there = POOLS[2:], POOLS[:1]
    before = await account.book().allocate(here, 24, *first)
    plain_get, overtaken = account.table.get, False

    async def get(partition: str, row: str, select: list[str] | None = None) -> tuple[Entity, str] | None:
        nonlocal overtaken
        if row.startswith("slab-") and not overtaken:
            overtaken = True
            await account.book().release(first[0])
            taken = await account.book().allocate(here, 24, *second)
            moved = await account.book().allocate(there, 24, *first, occupied=OCCUPIED)
            assert (taken.prefix, moved.prefix) == (before.prefix, "10.0.1.0/24")
        return await plain_get(partition, row, select)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account.table, "get", get)
        await account.book().release(first[0])
    assert overtaken
    assert [a.prefix for pool in POOLS for a in (await account.book().list(pool)).items] == [before.prefix]
    account.check()


async def test_who_meets_others_too_often_is_told_to_come_back() -> None:
    account = Account(0, 0.0)
    refused: list[Trouble] = []

    def always() -> Trouble:
        refused.append("conflict")
        return "conflict"

    account.table.trouble = always
    with pytest.raises(Waiting) as raised:
        await account.book().allocate(POOLS, 26, *network(0))
    assert (raised.value.reason, raised.value.retry_after) == ("AddressesContended", 5.0)
    assert len(refused) == ATTEMPTS


async def test_a_wide_pool_of_many_networks_needs_few_calls_and_small_rows() -> None:
    """A /8 in which 65,535 networks have a /24 each, and one /24 is free: it is found with four calls."""
    account = Account(0, 0.0)
    account.table.committed = lambda: None
    full, starts = (1 << SLAB_UNITS) - 1, sum(1 << unit for unit in range(0, SLAB_UNITS, 32))
    hole, first = 0xFFFFFFFF << 320, 1 << 320
    for number in slabs_of("10.0.0.0/8"):
        slab = Slab(number, full, starts, None)
        if number == slabs_of("10.140.0.0/16")[0]:
            slab = Slab(number, full ^ hole, starts ^ first, None)
        row = slab_entity(slab)
        check_size(row)
        assert sum(len(value) for value in row.values() if isinstance(value, bytes)) < 2048
        account.table.rows["addresses", str(row["RowKey"])] = row, "etag"
    given = await account.book().allocate(("10.0.0.0/8",), 24, *network(0))
    assert given.prefix == "10.140.10.0/24"
    assert account.table.calls == 4
    usage = await account.book().usage("10.0.0.0/8")
    assert (usage.allocations, usage.free_blocks, usage.fragmentation) == (65_536, (), 0.0)
