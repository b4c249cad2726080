"""Address pools, in memory and on tables."""

import asyncio
from ipaddress import IPv4Network

import pytest

from shared.adapters.tables.addresses import TableAddressBook
from shared.adapters.tables.table import TableStorage
from shared.domain.addresses import Allocation
from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey
from shared.ports.mesh import AddressBook
from tests.contract.conftest import AZURITE, FAKE
from tests.fakes import FakeClock, InMemoryAddressBook

POOL = "10.64.0.0/20"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(params=[FAKE, AZURITE])
def books(request: pytest.FixtureRequest) -> list[AddressBook]:
    """The one book as three processes have it."""
    if request.param == FAKE:
        return [InMemoryAddressBook(FakeClock())] * 3
    storage: TableStorage = request.getfixturevalue("table_storage")
    return [TableAddressBook(storage, FakeClock()) for _ in range(3)]


@pytest.fixture
def book(books: list[AddressBook]) -> AddressBook:
    return books[0]


def node(name: str) -> NodeKey:
    return NodeKey.of(SUBSCRIPTION, name)


def network(name: str, suffix: str = "net") -> str:
    return f"{node(name).group_id}/providers/Microsoft.Network/virtualNetworks/{suffix}"


async def give(book: AddressBook, name: str, size: int = 24, pools: tuple[str, ...] = (POOL,)) -> Allocation:
    return await book.allocate(pools, size, network(name), node(name))


async def test_a_network_gets_a_prefix_of_the_length_and_the_same_again(book: AddressBook) -> None:
    first = await give(book, "sales")
    assert IPv4Network(first.prefix).prefixlen == 24
    assert (first.pool, first.network, first.node) == (POOL, network("sales"), node("sales"))
    assert await give(book, "sales") == first
    assert await give(book, "sales", size=26) == first  # what it has stays, whatever it asks for now
    assert await book.allocate((POOL,), 24, network("sales").upper(), node("sales")) == first
    assert (await book.list(POOL)).items == (first,)


async def test_a_node_is_told_what_it_has(book: AddressBook) -> None:
    assert await book.of(node("sales")) is None
    await give(book, "sales-2")
    given = await give(book, "sales")
    assert await book.of(node("sales")) == given
    assert await book.of(node("sale")) is None


async def test_what_is_given_back_is_free_again(book: AddressBook) -> None:
    given = await give(book, "sales")
    await book.release(network("sales").upper())
    assert await book.of(node("sales")) is None
    assert (await book.list(POOL)).items == ()
    assert (await book.usage(POOL)).allocated == 0
    assert (await give(book, "ops")).prefix == given.prefix


async def test_giving_back_what_nobody_has_changes_nothing(book: AddressBook) -> None:
    given = await give(book, "sales")
    await book.release(network("ops"))
    await book.release(network("sales", "other"))
    assert (await book.list(POOL)).items == (given,)


async def test_the_smallest_free_block_that_fits_is_cut(book: AddressBook) -> None:
    for name, size in [("a", 24), ("b", 26)]:
        await give(book, name, size)
    assert (await give(book, "c", 25)).prefix == "10.64.1.128/25"
    assert (await give(book, "d", 26)).prefix == "10.64.1.64/26"
    assert (await give(book, "e", 24)).prefix == "10.64.2.0/24"


async def test_what_other_networks_use_is_not_given(book: AddressBook) -> None:
    occupied = ["10.64.0.0/22", "10.64.4.128/25", "10.0.0.0/16", "fd00::/48", "10.64.8.0/21"]
    given = await book.allocate((POOL,), 24, network("sales"), node("sales"), occupied=occupied)
    assert given.prefix == "10.64.5.0/24"


async def test_the_next_pool_is_used_where_the_first_has_no_room(book: AddressBook) -> None:
    pools = ("10.64.0.0/24", "10.65.0.0/23")
    assert (await give(book, "a", pools=pools)).pool == pools[0]
    assert (await give(book, "b", pools=pools)).pool == pools[1]
    assert (await give(book, "c", pools=pools)).prefix == "10.65.1.0/24"
    with pytest.raises(Terminal, match="nothing is free") as raised:
        await give(book, "d", pools=pools)
    assert raised.value.reason == "PoolExhausted"


async def test_an_exhausted_pool_is_refused_with_the_largest_block_that_is_left(book: AddressBook) -> None:
    await give(book, "a", 22)
    with pytest.raises(Terminal, match=r"the largest free block is 10\.64\.8\.0/21") as raised:
        await give(book, "b", 20)
    assert raised.value.reason == "PoolExhausted"
    with pytest.raises(Terminal, match="no address pools"):
        await give(book, "b", pools=())


async def test_what_no_pool_can_answer_is_refused(book: AddressBook) -> None:
    for size in (15, 30):
        with pytest.raises(Terminal) as raised:
            await give(book, "a", size)
        assert raised.value.reason == "SizeNotOffered"
    with pytest.raises(Terminal) as raised:
        await book.allocate((POOL,), 24, network("a"), node("b"))
    assert raised.value.reason == "NetworkOutsideNode"


async def test_usage_tells_what_is_free_and_how_broken_it_is(book: AddressBook) -> None:
    whole = await book.usage(POOL)
    assert (whole.addresses, whole.allocated, whole.allocations) == (4096, 0, 0)
    assert (whole.free_blocks, whole.fragmentation) == ((POOL,), 0.0)
    for name in ("a", "b", "c"):
        await give(book, name)
    await book.release(network("b"))
    used = await book.usage(POOL)
    assert (used.allocated, used.allocations) == (512, 2)
    assert used.free_blocks == ("10.64.1.0/24", "10.64.3.0/24", "10.64.4.0/22", "10.64.8.0/21")
    assert used.fragmentation == pytest.approx(1 - 2048 / 3584)


async def test_a_list_shows_what_lies_in_a_pool_by_address(book: AddressBook) -> None:
    other = "10.200.0.0/24"
    far = await give(book, "far", pools=(other,))
    near = [await give(book, name, 28) for name in ("z", "m", "a")]
    assert [*(await book.list(POOL)).items] == near
    assert (await book.list(other)).items == (far,)
    assert [*(await book.list("10.0.0.0/8")).items] == [*near, far]
    assert (await book.list("10.64.0.16/28")).items == (near[1],)


async def test_a_list_comes_page_by_page(book: AddressBook) -> None:
    given = [await give(book, name, 28) for name in ("z", "m", "a", "q", "b")]
    first = await book.list(POOL, size=2)
    second = await book.list(POOL, size=2, continuation=first.continuation)
    third = await book.list(POOL, size=2, continuation=second.continuation)
    assert [*first.items, *second.items, *third.items] == given
    assert (bool(first.continuation), third.continuation) == (True, "")
    with pytest.raises(Terminal) as raised:
        await book.list("10.0.0.0/8", continuation=first.continuation)
    assert raised.value.reason == "InvalidContinuation"


async def test_a_proposal_is_what_would_be_given_and_records_nothing(book: AddressBook) -> None:
    asked = ((POOL,), 24, network("sales"), node("sales"))
    proposed = await book.propose(*asked, occupied=["10.64.0.0/22"])
    assert proposed.prefix == "10.64.4.0/24"
    assert (await book.usage(POOL)).allocated == 0
    assert await book.allocate(*asked, occupied=["10.64.0.0/22"]) == proposed
    assert await book.propose(*asked) == proposed  # what it has
    with pytest.raises(Terminal) as raised:
        await book.propose(("10.64.4.0/24",), 24, network("ops"), node("ops"))
    assert raised.value.reason == "PoolExhausted"


async def test_a_pool_that_was_redrawn_still_knows_what_was_given(book: AddressBook) -> None:
    given = await give(book, "a", pools=("10.64.0.0/16",))
    narrowed = await give(book, "b", pools=("10.64.0.0/23",))
    assert not IPv4Network(narrowed.prefix).overlaps(IPv4Network(given.prefix))
    assert (await book.usage("10.64.0.0/23")).free_blocks == ()


async def test_a_block_as_large_as_a_slab_can_be_given_and_given_back(book: AddressBook) -> None:
    pool = "10.96.0.0/14"
    given = [await give(book, name, 16, (pool,)) for name in "abcd"]
    assert [a.prefix for a in given] == ["10.96.0.0/16", "10.97.0.0/16", "10.98.0.0/16", "10.99.0.0/16"]
    await book.release(network("b"))
    assert (await book.usage(pool)).free_blocks == ("10.97.0.0/16",)


async def test_of_many_that_ask_at_once_no_two_get_the_same(books: list[AddressBook]) -> None:
    asked = [(book, f"n{number}-{place}") for place, book in enumerate(books) for number in range(5)]
    given = await asyncio.gather(*(give(book, name) for book, name in asked))
    assert len({a.prefix for a in given}) == len(asked)
    again = await asyncio.gather(*(give(book, name) for book, name in reversed(asked)))
    assert again == given[::-1]
    assert (await books[0].usage(POOL)).allocations == len(asked)
    await asyncio.gather(*(book.release(network(name)) for book, name in asked))
    assert (await books[0].usage(POOL)).free_blocks == (POOL,)


async def test_one_network_asked_for_many_times_at_once_gets_one_prefix(books: list[AddressBook]) -> None:
    given = await asyncio.gather(*(give(book, "sales") for book in books * 2))
    assert len({a.prefix for a in given}) == 1
    assert (await books[0].usage(POOL)).allocated == 256
