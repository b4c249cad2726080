"""Live edges keep a connection that is to go until they run over another, or are revoked."""

from datetime import timedelta

import msgspec
import pytest

from shared.domain.edge import EdgeRecord
from shared.domain.ids import NodeKey
from shared.domain.naming import edge_peering_name
from shared.domain.node import LastRun
from shared.reconcile.move import Moves
from shared.reconcile.options.holding import MOVING_MOST
from tests.support.edges import an_edge
from tests.support.mesh import network_of
from tests.support.plane import FIRST, Plane, reason

OTHER = NodeKey.of("00000000-0000-0000-0000-000000000001", "stock")


async def with_an_edge(mesh: Plane, option: str = "hub", **more: str) -> tuple[NodeKey, EdgeRecord]:
    key = await mesh.onboard(option)
    exposure = more.pop("exposure", "hub")
    return key, await mesh.edges.save(an_edge(key, OTHER, exposure, **more))  # type: ignore[arg-type]


async def begin(mesh: Plane, key: NodeKey, option: str) -> None:
    """Switches, and handles a few messages: the node goes on waiting."""
    mesh.cloud.tag(key, {"mesh-node": "sales", "mesh-network": option})
    await mesh.event(key.group_id)
    for _ in range(6):
        await mesh.step()


@pytest.mark.parametrize("option", ["endpoints", "none", "sandbox"])
@pytest.mark.parametrize("provides", [True, False])
async def test_the_former_connection_stays_until_the_edges_run_over_another(
    option: str, provides: bool
) -> None:
    mesh = Plane()
    key = await mesh.onboard("hub")
    ends = (OTHER, key) if provides else (key, OTHER)
    edge = await mesh.edges.save(an_edge(*ends, "hub"))
    mesh.edge_touch.told.clear()
    await begin(mesh, key, option)
    record = await mesh.record(key)
    assert (reason(record, "Connected"), record.network) == (("Unknown", "EdgesMoving"), option)
    assert "edge/e1" in next(c.message for c in record.conditions if c.type == "Connected")
    assert mesh.passes(network_of(key), FIRST.network)
    assert {k for k, _ in mesh.edge_touch.told} == {key}
    await mesh.edges.save(an_edge_like(edge, exposure="private-endpoint"))
    record = await mesh.look(key)
    assert (record.state, mesh.remotes(key)) == ("Ready", {"hub"} if option == "sandbox" else set())
    assert not mesh.passes(network_of(key), FIRST.network)


def an_edge_like(edge: EdgeRecord, **route: str) -> EdgeRecord:
    assert edge.route is not None
    return msgspec.structs.replace(edge, route=msgspec.structs.replace(edge.route, **route))


@pytest.mark.parametrize("state", ["Requested", "PendingApproval", "Revoking", "Failed"])
async def test_an_edge_that_is_not_granted_keeps_nothing(state: str) -> None:
    mesh = Plane()
    key, _ = await with_an_edge(mesh, state=state)
    assert ((await mesh.switch(key, "none")).state, mesh.remotes(key)) == ("Ready", set())


async def test_an_edge_with_a_pair_of_its_own_keeps_nothing() -> None:
    mesh = Plane()
    artefact = f"{FIRST.network}/virtualNetworkPeerings/{edge_peering_name('meshplane', FIRST.network)}"
    key, _ = await with_an_edge(mesh, exposure="peering", artefact=artefact)
    assert ((await mesh.switch(key, "none")).state, mesh.remotes(key)) == ("Ready", set())


async def test_an_edge_over_a_pair_of_the_full_mesh_keeps_that() -> None:
    mesh = Plane()
    await mesh.onboard("mesh", "stock", "10.3.0.0/16")
    key, _ = await with_an_edge(mesh, "mesh", exposure="peering")
    await begin(mesh, key, "hub")
    assert mesh.remotes(key) == {"hub", "net-stock"}
    assert key in {m.key for m in mesh.rosters.rosters["mesh"]}


async def test_after_a_while_it_is_an_error_and_still_nothing_is_cut() -> None:
    mesh = Plane()
    key, edge = await with_an_edge(mesh)
    await begin(mesh, key, "none")
    mesh.clock.advance(MOVING_MOST.total_seconds())
    record = await mesh.look(key)
    assert (record.state, reason(record), mesh.remotes(key)) == (
        "NotReady",
        ("False", "EdgesNotMoved"),
        {"hub"},
    )
    assert reason(await mesh.look(key)) == ("False", "EdgesNotMoved")
    await mesh.edges.save(msgspec.structs.replace(edge, state="Revoked"))
    assert ((await mesh.look(key)).state, mesh.remotes(key)) == ("Ready", set())


async def test_an_edge_through_the_hub_moves_to_the_new_hub_once_it_was_looked_at_there() -> None:
    mesh = Plane()
    key, edge = await with_an_edge(mesh)
    await Moves(mesh.mesh, mesh.arm, mesh.nodes, mesh.intake).to_hub(key, "hub-b")
    for _ in range(6):
        await mesh.step()
    record = await mesh.record(key)
    assert (record.hub, mesh.remotes(key), reason(record)[1]) == ("hub-b", {"hub", "hub-b"}, "EdgesMoving")
    looked = LastRun(mesh.clock.now(), "run", "Active")
    await mesh.edges.save(msgspec.structs.replace(edge, last_run=looked))
    assert ((await mesh.look(key)).state, mesh.remotes(key)) == ("Ready", {"hub-b"})


async def test_a_node_that_leaves_waits_for_its_edges_to_be_revoked() -> None:
    mesh = Plane()
    key, edge = await with_an_edge(mesh)
    mesh.edge_touch.told.clear()
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    for _ in range(4):
        await mesh.step()
    record = await mesh.record(key)
    assert (record.state, reason(record), mesh.remotes(key)) == (
        "Offboarding",
        ("False", "EdgesRevoking"),
        {"hub"},
    )
    assert [k for k, _ in mesh.edge_touch.told] == [key]
    await mesh.edges.save(msgspec.structs.replace(edge, state="Revoked"))
    assert ((await mesh.look(key)).state, mesh.remotes(key)) == ("Offboarded", set())


async def test_a_node_that_leaves_does_not_wait_for_ever() -> None:
    mesh = Plane()
    key, _ = await with_an_edge(mesh)
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.step()
    mesh.clock.advance((MOVING_MOST + timedelta(seconds=1)).total_seconds())
    assert ((await mesh.look(key)).state, mesh.remotes(key)) == ("Offboarded", set())


async def test_a_group_that_is_gone_waits_for_no_edge() -> None:
    mesh = Plane()
    key, _ = await with_an_edge(mesh)
    mesh.cloud.delete_group(key)
    assert (await mesh.look(key)).state == "Offboarded"
