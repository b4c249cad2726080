"""Leases, in memory and on tables, on the test's clock."""

import asyncio

import pytest

from shared.adapters.tables.leases import TableLeases
from shared.ports import Leases
from tests.contract.conftest import AZURITE, FAKE
from tests.fakes import FakeClock, InMemoryLeases

HUB = "hub//subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/hub"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=[FAKE, AZURITE])
def leases(request: pytest.FixtureRequest, clock: FakeClock) -> Leases:
    if request.param == FAKE:
        return InMemoryLeases(clock)
    return TableLeases(request.getfixturevalue("table_storage"), clock)


async def test_a_lease_is_held_by_one_owner_until_it_is_given_back(leases: Leases) -> None:
    assert await leases.acquire(HUB, "a", 60)
    assert not await leases.acquire(HUB, "b", 60)
    await leases.release(HUB, "a")
    assert await leases.acquire(HUB, "b", 60)


async def test_a_lease_that_ran_out_is_free(leases: Leases, clock: FakeClock) -> None:
    assert await leases.acquire(HUB, "a", 60)
    clock.advance(59)
    assert not await leases.acquire(HUB, "b", 60)
    clock.advance(1)
    assert await leases.acquire(HUB, "b", 60)
    assert not await leases.acquire(HUB, "a", 60)


async def test_its_owner_may_extend_it(leases: Leases, clock: FakeClock) -> None:
    assert await leases.acquire(HUB, "a", 60)
    clock.advance(50)
    assert await leases.acquire(HUB, "a", 60)
    clock.advance(50)
    assert not await leases.acquire(HUB, "b", 60)


async def test_giving_back_what_somebody_else_holds_changes_nothing(leases: Leases, clock: FakeClock) -> None:
    await leases.release(HUB, "nobody")
    assert await leases.acquire(HUB, "a", 60)
    clock.advance(61)
    assert await leases.acquire(HUB, "b", 60)
    await leases.release(HUB, "a")
    assert not await leases.acquire(HUB, "a", 60)


async def test_of_many_that_ask_at_once_one_gets_it(leases: Leases, clock: FakeClock) -> None:
    for _ in range(2):  # the first time it is new, the second time it has run out
        answers = await asyncio.gather(*(leases.acquire(HUB, f"worker-{n}", 60) for n in range(10)))
        assert sum(answers) == 1
        clock.advance(61)


async def test_leases_of_other_names_are_apart(leases: Leases) -> None:
    assert await leases.acquire(HUB, "a", 60)
    assert await leases.acquire(HUB + "-2", "b", 60)
    assert await leases.acquire("x" * 2000, "a", 60)
    assert await leases.acquire("x" * 2001, "b", 60)


async def test_those_who_asked_in_vain_are_called_one_after_the_other(
    leases: Leases, clock: FakeClock
) -> None:
    assert await leases.acquire(HUB, "a", 60)
    for owner in ("b", "c", "b"):
        clock.advance(1)
        assert not await leases.acquire(HUB, owner, 60)
    for holder, following in (("a", "b"), ("b", "c"), ("c", None)):
        called = await leases.release(HUB, holder)
        assert (called.owner if called else None) == following
        assert following is None or await leases.acquire(HUB, following, 60)


async def test_a_burst_gets_into_line_and_everybody_has_a_turn(leases: Leases, clock: FakeClock) -> None:
    owners = [f"node/{n}" for n in range(70)]
    answers = await asyncio.gather(*(leases.acquire(HUB, owner, 60) for owner in owners))
    assert sum(answers) == 1
    holder = next(o for o, granted in zip(owners, answers, strict=True) if granted)
    turns = [holder]
    while following := await leases.release(HUB, holder):
        holder = following.owner
        assert await leases.acquire(HUB, holder, 60)
        turns.append(holder)
    assert sorted(turns) == sorted(owners)


async def test_who_leaves_the_line_is_not_called_and_who_was_called_has_the_next_one_called(
    leases: Leases, clock: FakeClock
) -> None:
    assert await leases.acquire(HUB, "a", 60)
    for owner in ("b", "c", "d"):
        clock.advance(1)
        assert not await leases.acquire(HUB, owner, 60)
    assert await leases.leave(HUB, "c") is None
    assert await leases.leave(HUB, "a") is None
    assert not await leases.acquire(HUB, "e", 60)
    called = await leases.release(HUB, "a")
    assert called
    assert called.owner == "b"
    for leaving, following in (("b", "d"), ("d", "e"), ("e", None)):
        called = await leases.leave(HUB, leaving)
        assert (called.owner if called else None) == following
    assert await leases.acquire(HUB, "f", 60)
