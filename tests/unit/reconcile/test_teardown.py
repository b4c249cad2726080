"""A mesh that is told to leave lets go of everything by itself, and takes everything up again when told to stay."""

import msgspec
import pytest

from shared.domain.errors import Denied
from shared.domain.ids import NodeKey
from shared.reconcile.intake import Intake
from tests.support.chaos import without_the_mesh
from tests.support.hubs import Hubs, hub
from tests.support.mesh import InMemoryMesh


def leaving(mesh: InMemoryMesh, *, yes: bool) -> None:
    """What a new value of MESH_TEARDOWN does: every process starts anew."""
    mesh.mesh = msgspec.structs.replace(mesh.mesh, leaving=yes)
    mesh.intake = Intake(mesh.mesh, mesh.nodes, mesh.queue, mesh.clock, mesh.timing)
    mesh.restart()


async def onboarded(operation_seconds: float) -> tuple[InMemoryMesh, list[NodeKey]]:
    mesh = InMemoryMesh(operation_seconds=operation_seconds)
    keys = [mesh.create_node(name, f"10.{number}.0.0/16") for number, name in enumerate(("one", "two"), 1)]
    for key in keys:
        await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert [(await mesh.record(key)).state for key in keys] == ["Ready", "Ready"]
    return mesh, keys


@pytest.mark.parametrize("operation_seconds", [0.0, 12.0])
async def test_nothing_of_the_mesh_is_left_in_azure_and_tags_stay(operation_seconds: float) -> None:
    mesh, keys = await onboarded(operation_seconds)
    tags = {key: mesh.cloud.groups[key].tags for key in keys}
    leaving(mesh, yes=True)
    await mesh.resync.discover()
    await mesh.until_quiet()
    assert [(await mesh.record(key)).state for key in keys] == ["Offboarded", "Offboarded"]
    left = without_the_mesh(mesh.cloud)
    assert (mesh.cloud.networks, mesh.cloud.settings) == (left.networks, left.settings)
    assert {key: mesh.cloud.groups[key].tags for key in keys} == tags


async def test_nodes_of_a_subscription_that_cannot_be_listed_are_let_go_of_too() -> None:
    mesh, keys = await onboarded(0.0)
    leaving(mesh, yes=True)
    mesh.arm.inject("list_groups_with_tag", Denied("AuthorizationFailed", "You may not."))
    await mesh.resync.discover()
    await mesh.until_quiet()
    assert [(await mesh.record(key)).state for key in keys] == ["Offboarded", "Offboarded"]


async def test_events_and_timers_leave_it_at_that() -> None:
    mesh, keys = await onboarded(0.0)
    leaving(mesh, yes=True)
    await mesh.resync.discover()
    await mesh.until_quiet()
    mesh.arm.calls.clear()
    await mesh.event(keys[0].group_id)
    await mesh.resync_all()
    assert not [call for call in mesh.arm.calls if call.startswith(("put_", "delete_"))]
    assert (await mesh.record(keys[0])).state == "Offboarded"


async def test_a_mesh_that_stays_after_all_has_its_nodes_back() -> None:
    mesh, keys = await onboarded(0.0)
    leaving(mesh, yes=True)
    await mesh.resync.discover()
    await mesh.until_quiet()
    leaving(mesh, yes=False)
    await mesh.resync.discover()
    await mesh.until_quiet()
    assert [(await mesh.record(key)).state for key in keys] == ["Ready", "Ready"]


async def test_hubs_that_are_peered_are_parted() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    await hubs.until_quiet()
    assert len(hubs.states()) == 2
    hubs.mesh = msgspec.structs.replace(hubs.mesh, leaving=True)
    hubs.restart()
    await hubs.until_quiet("a")
    await hubs.until_quiet("b")
    assert hubs.states() == {}


async def test_a_hub_shows_its_side_of_a_former_pair_until_that_is_gone() -> None:
    """Also the one that never led it: nothing else tells that something is left."""
    hubs = Hubs(hub("a", "b"), hub("b"))
    await hubs.until_quiet()
    hubs.mesh = msgspec.structs.replace(hubs.mesh, leaving=True)
    hubs.restart()
    hubs.arm.inject("delete_peering", Denied("AuthorizationFailed", "You may not."))
    refused = await hubs.run("b")
    assert [pair.id for pair in refused.pairs] == [key for key in hubs.states() if "/b/" in key.lower()]
    assert len(refused.pairs) == 1
    assert (await hubs.until_quiet("b")).pairs == ()
    assert (await hubs.until_quiet("a")).pairs == ()
