"""Pools: which block is cut, what is free, how broken it is, and which pools are refused."""

from ipaddress import IPv4Network, collapse_addresses
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.addresses import (
    SLAB_UNITS,
    SMALLEST,
    best_fit,
    free_blocks,
    pool_faults,
    slabs_of,
    taken_by,
    usage_of,
)


def subnets(pool: str) -> st.SearchStrategy[str]:
    """Any aligned block that shares addresses with a pool, as large as the pool's neighbourhood at most."""
    network = IPv4Network(pool)
    first, span = int(network.network_address), network.num_addresses
    return st.tuples(
        st.integers(first - span, first + 2 * span - 1), st.integers(network.prefixlen - 1, 32)
    ).map(lambda found: str(IPv4Network(found, strict=False)))


POOLS = st.sampled_from(
    ["10.1.16.0/20", "10.1.0.0/16", "10.2.0.0/15", "10.9.8.0/26", "10.9.8.64/27", "10.9.8.8/29"]
)
CASES = POOLS.flatmap(lambda pool: st.tuples(st.just(pool), st.lists(subnets(pool), max_size=12)))


def free_by_subtraction(pool: str, prefixes: list[str]) -> list[IPv4Network]:
    """The oracle: the pool's units of /29 that touch no prefix, collapsed by the standard library."""
    taken = [IPv4Network(prefix) for prefix in prefixes]
    spaces = [IPv4Network(pool)]
    for block in taken:
        whole = block if block.prefixlen <= SMALLEST else block.supernet(new_prefix=SMALLEST)
        spaces = [left for space in spaces for left in _without(space, whole)]
    return sorted(collapse_addresses(spaces))


def _without(space: IPv4Network, block: IPv4Network) -> list[IPv4Network]:
    if not space.overlaps(block):
        return [space]
    return list(space.address_exclude(block)) if block.subnet_of(space) and block != space else []


@settings(deadline=None)
@given(case=CASES)
def test_free_blocks_are_the_pool_without_what_is_taken(case: tuple[str, list[str]]) -> None:
    pool, prefixes = case
    taken = taken_by(prefixes, slabs_of(pool), {})
    assert [IPv4Network(b) for b in free_blocks(pool, taken)] == free_by_subtraction(pool, prefixes)


@settings(deadline=None)
@given(case=CASES, size=st.integers(16, 29))
def test_the_block_that_is_cut_is_the_smallest_that_fits_at_the_lowest_address(
    case: tuple[str, list[str]], size: int
) -> None:
    pool, prefixes = case
    found = best_fit([pool], size, taken_by(prefixes, slabs_of(pool), {}))
    fitting = [b for b in free_by_subtraction(pool, prefixes) if b.prefixlen <= size]
    if not fitting:
        assert found is None
        return
    block = min(fitting, key=lambda b: (-b.prefixlen, b))
    assert found == (f"{block.network_address}/{size}", pool)


def test_of_equal_blocks_the_pool_named_first_gives() -> None:
    assert best_fit(["10.2.0.0/24", "10.1.0.0/24"], 26, {}) == ("10.2.0.0/26", "10.2.0.0/24")
    assert best_fit(["10.2.0.0/23", "10.1.0.0/24"], 26, {}) == ("10.1.0.0/26", "10.1.0.0/24")


def test_wide_blocks_stay_whole_while_narrow_ones_are_left() -> None:
    """A /24 is cut from beside what is taken, not from the free /16 at a lower address."""
    taken = taken_by(["10.3.4.0/24"], slabs_of("10.0.0.0/8"), {})
    assert best_fit(["10.0.0.0/8"], 24, taken) == ("10.3.5.0/24", "10.0.0.0/8")


def test_addresses_of_another_family_take_nothing() -> None:
    assert taken_by(["fd00::/8", "::/0"], slabs_of("10.1.0.0/16"), {}) == {2561: 0}


@pytest.mark.parametrize(
    ("taken", "fragmentation"),
    [
        ([], 0.0),
        (["10.1.0.0/24"], 0.0),
        (["10.1.0.0/25"], 0.0),
        (["10.1.0.0/26"], 1 - 128 / 192),
        (["10.1.0.64/26", "10.1.0.192/26"], 0.5),
    ],
)
def test_fragmentation_is_what_the_largest_block_lacks_of_all_free_space(
    taken: list[str], fragmentation: float
) -> None:
    pool = "10.1.0.0/24"
    usage = usage_of(pool, taken_by(taken, slabs_of(pool), {}), {})
    assert usage.fragmentation == pytest.approx(fragmentation)


def test_a_wide_pool_is_searched_in_no_time() -> None:
    """A /8 full of /24s but for one: well under a second, whatever the machine."""
    full = dict.fromkeys(slabs_of("10.0.0.0/8"), (1 << SLAB_UNITS) - 1)
    full[2700] ^= 0xFFFFFFFF << 320
    began = process_time()
    assert best_fit(["10.0.0.0/8"], 24, full) == ("10.140.10.0/24", "10.0.0.0/8")
    assert process_time() - began < 1


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        (["10.0.0.0/8", "10.1.0.0/16"], "10.1.0.0/16 and 10.0.0.0/8 overlap"),
        (["10.1.0.0/16", "10.1.0.0/16"], "10.1.0.0/16 and 10.1.0.0/16 overlap"),
        (["10.1.0.1/16"], "has host bits set"),
        (["fd00::/48"], "not IPv4"),
        (["10.0.0.0/7"], "not from /8 to /29"),
        (["10.0.0.0/30"], "not from /8 to /29"),
        (["ten"], "does not appear to be"),
        ([""], "does not appear to be"),
    ],
)
def test_a_pool_that_cannot_be_used_is_refused_with_a_reason(pools: list[str], said: str) -> None:
    assert [fault for fault in pool_faults(pools) if said in fault]


def test_pools_side_by_side_are_accepted() -> None:
    assert pool_faults(["10.0.0.0/9", "10.128.0.0/9", "172.16.0.0/12", "192.168.0.0/29"]) == []
