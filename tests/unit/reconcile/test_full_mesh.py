"""The full mesh: who writes which pair, who has to wait, and what happens when it is full."""

import pytest

from shared.domain.conditions import CONNECTED
from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey
from shared.reconcile.options.full_mesh import TURN
from tests.support.mesh import TAGS, network_of
from tests.support.plane import Plane, reason, writes

LONG = 7.0


async def full(nodes: int, *, limit: int = 10, operation_seconds: float = 0.0) -> tuple[Plane, list[NodeKey]]:
    """So many nodes with the option `mesh`, one after the other."""
    mesh = Plane(operation_seconds=operation_seconds, full_mesh=limit)
    return mesh, [await mesh.onboard("mesh", f"node{n}", f"10.{n + 1}.0.0/16") for n in range(nodes)]


def pairs(mesh: Plane, keys: list[NodeKey]) -> int:
    """How many pairs among the nodes pass traffic both ways."""
    return sum(mesh.passes(network_of(a), network_of(b)) for a in keys for b in keys if a < b)


@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
async def test_every_node_is_peered_with_every_other_and_all_are_ready(operation_seconds: float) -> None:
    mesh, keys = await full(4, operation_seconds=operation_seconds)
    assert pairs(mesh, keys) == 6
    assert {r.state for r in mesh.nodes.records.values()} == {"Ready"}
    assert all("hub" not in mesh.remotes(k) for k in keys)


@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
async def test_ten_nodes_that_are_tagged_at_once_find_each_other(operation_seconds: float) -> None:
    mesh = Plane(operation_seconds=operation_seconds)
    keys = [
        mesh.create_node(f"node{n}", f"10.{n + 1}.0.0/16", {**TAGS, "mesh-network": "mesh"})
        for n in range(10)
    ]
    for key in keys:
        await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert pairs(mesh, keys) == 45
    assert {r.state for r in mesh.nodes.records.values()} == {"Ready"}
    assert not mesh.dead_letters.letters


async def test_a_node_that_waits_for_its_turn_says_that_it_waits_for_the_full_mesh_and_not_for_a_hub() -> (
    None
):
    mesh, (first,) = await full(1)
    await mesh.leases.acquire(f"hub/{TURN}", "another", 600)
    mesh.create_node("node1", "10.2.0.0/16", {**TAGS, "mesh-network": "mesh"})
    await mesh.event(NodeKey.of(first.subscription, "node1").group_id)
    while reason(await mesh.record(first), CONNECTED) != ("Unknown", "HubBusy"):
        assert await mesh.step()
    (condition,) = [c for c in (await mesh.record(first)).conditions if c.type == CONNECTED]
    assert condition.message.startswith("Another pair of the full mesh is being written")


async def test_the_node_beyond_the_limit_is_refused_with_what_it_would_cost_and_keeps_what_it_has() -> None:
    mesh, keys = await full(3, limit=3)
    extra = await mesh.onboard("hub", "zulu", "10.100.0.0/16")
    record = await mesh.switch(extra, "mesh")
    (condition,) = [c for c in record.conditions if c.type == CONNECTED]
    assert (condition.status, condition.reason, record.state) == ("False", "MeshFull", "NotReady")
    assert "takes 3 nodes" in condition.message
    assert "would add 6 peerings, to 12 in all" in condition.message
    assert mesh.remotes(extra) == {"hub"}
    assert pairs(mesh, [*keys, extra]) == 3


@pytest.mark.parametrize("leaving", [{}, {**TAGS, "mesh-network": "hub"}])
async def test_a_refused_node_gets_in_when_another_leaves(leaving: dict[str, str]) -> None:
    mesh, keys = await full(3, limit=3, operation_seconds=LONG)
    extra = await mesh.onboard("mesh", "zulu", "10.100.0.0/16")
    mesh.cloud.tag(keys[0], leaving)
    await mesh.look(keys[0])
    assert ((await mesh.record(extra)).state, pairs(mesh, [*keys[1:], extra])) == ("Ready", 3)
    assert mesh.remotes(keys[0]) == ({"hub"} if leaving else set())


@pytest.mark.parametrize("deleted", [0, 1], ids=["by the leader", "by the follower"])
@pytest.mark.parametrize("owner", [0, 1], ids=["of the leader", "of the follower"])
async def test_a_side_that_somebody_deletes_comes_back_whoever_hears_of_it(deleted: int, owner: int) -> None:
    mesh, keys = await full(2, operation_seconds=LONG)
    (side,) = mesh.network(network_of(keys[owner])).sides.values()
    mesh.cloud.delete_peering(side.id)
    await mesh.look(keys[deleted])
    assert pairs(mesh, keys) == 1
    assert {r.state for r in mesh.nodes.records.values()} == {"Ready"}


@pytest.mark.parametrize("owner", [0, 1], ids=["of the leader", "of the follower"])
async def test_flags_that_somebody_changes_on_a_side_are_put_back_by_the_leader(owner: int) -> None:
    mesh, keys = await full(2)
    (side,) = mesh.network(network_of(keys[owner])).sides.values()
    side.flags = type(side.flags)(allow_virtual_network_access=False)
    await mesh.event(side.id, "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write")
    await mesh.until_quiet()
    assert pairs(mesh, keys) == 1


async def test_a_network_that_takes_the_place_of_another_is_connected_instead() -> None:
    mesh, keys = await full(3)
    for key in (keys[0], keys[2]):
        mesh.cloud.delete_resource(network_of(key))
        mesh.cloud.create_network(network_of(key) + "-b", f"10.{90 + key.group.count('0')}.0.0/16")
        await mesh.look(key)
    await mesh.resync_all()
    networks = [network_of(keys[0]) + "-b", network_of(keys[1]), network_of(keys[2]) + "-b"]
    assert all(mesh.passes(a, b) for a in networks for b in networks if a < b)
    assert [len(mesh.network(n).sides) for n in networks] == [2, 2, 2]
    assert {r.state for r in mesh.nodes.records.values()} == {"Ready"}


async def test_a_pair_that_cannot_be_is_said_to_both_and_harms_no_other() -> None:
    mesh, keys = await full(2)
    third = await mesh.onboard("mesh", "zulu", "10.1.128.0/20")
    assert reason(await mesh.record(third)) == ("False", "AddressSpaceOverlap")
    assert reason(await mesh.record(keys[0])) == ("False", "AddressSpaceOverlap")
    assert pairs(mesh, keys) == 1
    mesh.arm.calls.clear()
    await mesh.resync_all()
    assert writes(mesh) == []
    assert not mesh.dead_letters.letters


async def test_a_follower_whose_leader_cannot_write_waits_without_end_of_asking() -> None:
    mesh = Plane()
    first = await mesh.onboard("mesh", "alpha", "10.1.0.0/16")
    mesh.arm.inject("put_peering", Terminal("ScopeLocked", "no"), times=10_000)
    second = await mesh.onboard("mesh", "bravo", "10.2.0.0/16")
    assert [reason(await mesh.record(k))[1] for k in (first, second)] == [
        "ScopeLocked",
        "PairNotMade",
    ]
    assert not mesh.dead_letters.letters


async def test_a_node_without_a_network_joins_nothing() -> None:
    mesh = Plane()
    mesh.configure(*(type(h)(h.id, h.network, h.workspace) for h in mesh.mesh.hubs))
    key = mesh.group("empty")
    mesh.cloud.create_group(key, {**TAGS, "mesh-network": "mesh"})
    record = await mesh.look(key)
    assert reason(record, "Connected") == ("False", "NoVirtualNetwork")
    assert not mesh.rosters.rosters


async def test_a_worker_that_dies_after_joining_leaves_nobody_on_the_roster_unseen() -> None:
    mesh = Plane()
    key = mesh.create_node(tags={**TAGS, "mesh-network": "mesh"})
    real = mesh.rosters.join

    async def dies(name: str, member: object, limit: int) -> object:
        await real(name, member, limit)  # type: ignore[arg-type]
        raise Terminal("Died", "the answer was lost")

    mesh.rosters.join = dies  # type: ignore[method-assign,assignment]
    await mesh.event(key.group_id)
    await mesh.step()
    mesh.rosters.join = real  # type: ignore[method-assign]
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert (mesh.rosters.rosters["mesh"], mesh.nodes.records) == ((), {})


async def test_a_dry_run_joins_nothing_and_shows_the_pairs_that_would_be_made() -> None:
    mesh, _ = await full(1)
    key = mesh.create_node("zulu", "10.100.0.0/16", {**TAGS, "mesh-network": "mesh"})
    plan = (await mesh.engine.plan(key)).plan
    assert [f.reason for f in plan.findings] == ["PartnerAsked"]
    assert [m.key for m in mesh.rosters.rosters["mesh"]] == [mesh.group("node0")]
    assert key not in mesh.nodes.records
