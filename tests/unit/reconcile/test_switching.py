"""Every option switched to every other one on a live node, without a moment in which both are gone."""

from itertools import permutations

import pytest

from shared.domain.tags import NETWORKS
from tests.support.mesh import network_of
from tests.support.plane import FIRST, Plane, reason, writes

LONG = 7.0
SIDES = {
    "hub": {"hub"},
    "sandbox": {"hub"},
    "mesh": {"net-plant", "net-stock"},
    "endpoints": set(),
    "none": set(),
}


async def beside_two_others(operation_seconds: float) -> Plane:
    mesh = Plane(operation_seconds=operation_seconds)
    await mesh.onboard("mesh", "plant", "10.2.0.0/16")
    await mesh.onboard("mesh", "stock", "10.3.0.0/16")
    return mesh


@pytest.mark.parametrize(("old", "new"), list(permutations(NETWORKS, 2)))
@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
async def test_each_option_gives_way_to_each_other_only_once_that_stands(
    old: str, new: str, operation_seconds: float
) -> None:
    mesh = await beside_two_others(operation_seconds)
    key = await mesh.onboard(old)
    assert mesh.connected(key, old)
    broken = mesh.always(lambda: any(mesh.connected(key, o, loosely=True) for o in (old, new)))
    record = await mesh.switch(key, new)
    assert (record.state, reason(record)[0], record.network) == ("Ready", "True", new)
    assert mesh.connected(key, new)
    assert mesh.remotes(key) == SIDES[new]
    assert bool(mesh.linked(key)) == (new in ("endpoints", "sandbox"))
    assert [m.key == key for m in mesh.rosters.rosters["mesh"]].count(True) == (new == "mesh")
    assert broken == []
    assert {r.state for r in mesh.nodes.records.values()} == {"Ready"}
    mesh.arm.calls.clear()
    await mesh.resync_all()
    assert writes(mesh) == []


@pytest.mark.parametrize("option", NETWORKS)
async def test_a_node_of_each_option_leaves_nothing_behind(option: str) -> None:
    mesh = await beside_two_others(LONG)
    before = mesh.cloud.snapshot()
    key = await mesh.onboard(option)
    mesh.cloud.tag(key, {})
    record = await mesh.look(key)
    assert (record.state, record.owned, record.zone_links, record.roster) == ("Offboarded", (), (), "")
    after = mesh.cloud.snapshot()
    assert after["peerings"] == before["peerings"]
    assert after["links"] == before["links"]
    assert {r.state for k, r in mesh.nodes.records.items() if k != key} == {"Ready"}


@pytest.mark.parametrize("option", NETWORKS)
async def test_a_group_of_each_option_that_is_deleted_leaves_nothing_behind(option: str) -> None:
    mesh = await beside_two_others(LONG)
    before = mesh.cloud.snapshot()["peerings"]
    key = await mesh.onboard(option)
    mesh.cloud.delete_group(key)
    assert (await mesh.look(key)).state == "Offboarded"
    await mesh.resync_all()
    assert mesh.cloud.snapshot()["peerings"] == before


async def test_hub_and_sandbox_are_flags_of_one_pair_so_that_nothing_is_deleted_between_them() -> None:
    mesh = Plane(operation_seconds=LONG)
    key = await mesh.onboard("hub")
    mesh.arm.calls.clear()
    await mesh.switch(key, "sandbox")
    assert writes(mesh) == ["put_peering", "put_peering", "put_zone_link"]
    assert mesh.passes(network_of(key), FIRST.network, closed=True)
    mesh.arm.calls.clear()
    await mesh.switch(key, "hub")
    assert writes(mesh) == ["put_peering", "put_peering", "delete_zone_link"]


async def test_what_each_option_says_of_itself() -> None:
    mesh = Plane()
    key = await mesh.onboard("none")
    assert reason(await mesh.record(key), "Connected") == ("True", "PublicEndpoints")
    assert reason(await mesh.switch(key, "endpoints"), "Connected") == ("True", "EndpointsOnly")
    assert reason(await mesh.switch(key, "sandbox"), "Connected") == ("True", "AsWanted")
    assert reason(await mesh.switch(key, "sandbox"), "NamesResolve") == ("True", "AsWanted")


@pytest.mark.parametrize("option", NETWORKS)
async def test_the_calls_that_a_settled_node_of_each_option_costs(option: str) -> None:
    mesh = await beside_two_others(0)
    key = await mesh.onboard(option)
    mesh.arm.calls.clear()
    await mesh.look(key)
    common = ["get_group", "list_networks", "list_resources"]
    more = {
        "hub": ["get_network"],
        "sandbox": ["get_network", "list_zone_links"],
        "endpoints": ["list_zone_links"],
    }
    assert sorted(mesh.arm.calls) == sorted(common + more.get(option, []))
