"""Rosters, in memory and on tables."""

import asyncio

import pytest

from shared.adapters.tables.rosters import TableRosters
from shared.domain.ids import NodeKey
from shared.domain.roster import Member
from shared.ports.mesh import Rosters
from tests.contract.conftest import AZURITE, FAKE
from tests.fakes.rosters import InMemoryRosters

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(params=[FAKE, AZURITE])
def rosters(request: pytest.FixtureRequest) -> Rosters:
    if request.param == FAKE:
        return InMemoryRosters()
    return TableRosters(request.getfixturevalue("table_storage"))


def node(number: int) -> NodeKey:
    return NodeKey.of(SUBSCRIPTION, f"node-{number}")


def member(number: int, *networks: str) -> Member:
    return Member(node(number), networks or (f"net-{number}",))


async def test_a_roster_that_nobody_joined_is_empty_and_may_be_left(rosters: Rosters) -> None:
    assert list(await rosters.members("mesh")) == []
    await rosters.leave("mesh", node(1))
    assert list(await rosters.members("mesh")) == []


async def test_members_stay_in_the_order_in_which_they_joined(rosters: Rosters) -> None:
    for number in (3, 1, 2):
        await rosters.join("mesh", member(number), 10)
    assert [m.key for m in await rosters.members("mesh")] == [node(3), node(1), node(2)]


async def test_a_full_roster_takes_nobody_until_somebody_leaves(rosters: Rosters) -> None:
    for number in (1, 2):
        await rosters.join("mesh", member(number), 2)
    assert [m.key for m in await rosters.join("mesh", member(3), 2)] == [node(1), node(2)]
    await rosters.leave("mesh", node(1))
    assert [m.key for m in await rosters.join("mesh", member(3), 2)] == [node(2), node(3)]


async def test_joining_again_brings_the_networks_up_to_date_even_beyond_the_limit(rosters: Rosters) -> None:
    for number in (1, 2):
        await rosters.join("mesh", member(number), 2)
    members = await rosters.join("mesh", member(1, "other"), 1)
    assert [(m.key, m.networks) for m in members] == [(node(1), ("other",)), (node(2), ("net-2",))]
    assert list(members) == list(await rosters.members("mesh"))


async def test_rosters_of_other_names_are_apart(rosters: Rosters) -> None:
    await rosters.join("mesh", member(1), 10)
    assert list(await rosters.members("another/mesh")) == []


async def test_of_many_that_join_at_once_as_many_get_in_as_there_is_room(rosters: Rosters) -> None:
    answers = await asyncio.gather(*(rosters.join("mesh", member(n), 4) for n in range(8)))
    members = await rosters.members("mesh")
    assert len(members) == 4
    inside = {m.key for m in members}
    assert [node(n) in {m.key for m in answers[n]} for n in range(8)] == [node(n) in inside for n in range(8)]


async def test_of_many_that_leave_and_join_at_once_each_ends_where_it_went(rosters: Rosters) -> None:
    for number in range(4):
        await rosters.join("mesh", member(number), 10)
    leaving = [rosters.leave("mesh", node(n)) for n in range(4)]
    joining = [rosters.join("mesh", member(n), 10) for n in range(4, 7)]
    await asyncio.gather(*leaving, *joining)
    assert {m.key for m in await rosters.members("mesh")} == {node(n) for n in range(4, 7)}
