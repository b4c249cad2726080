"""Rights are looked up before anything is written: what is missing is said, where, and nothing is tried in vain."""

from collections.abc import Sequence

import pytest

from shared.domain.errors import Denied, MeshError, NotFound, Transient
from shared.domain.ids import NodeKey, normal_id
from shared.domain.node import NodeRecord
from shared.domain.permissions import Permission
from tests.support.hubs import Hubs, hub, network
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, InMemoryMesh, network_of
from tests.support.plane import FIRST, Plane

READER = Permission(("*/read",))
PEERINGS = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
PEER = "Microsoft.Network/virtualNetworks/peer/action"
PEERER = Permission((f"{PEERINGS}/*", PEER))
WRITES = ("put_peering", "delete_peering", "put_network", "put_security_group")


def allow(mesh: InMemoryMesh, scope: str, *roles: Permission) -> None:
    """What Meshplane's identity may do at a group or a resource, besides what it inherits."""
    mesh.cloud.permissions[normal_id(scope)] = list(roles)


async def looked(mesh: InMemoryMesh, key: NodeKey) -> NodeRecord:
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    return await mesh.record(key)


def messages(record: NodeRecord) -> list[str]:
    return [c.message for c in record.conditions if c.type == "Connected" and c.reason == "RightsMissing"]


def writes(mesh: InMemoryMesh) -> list[str]:
    return [c for c in mesh.arm.calls if c in WRITES]


@pytest.mark.parametrize(
    ("group", "roles", "said"),
    [
        ("hub", (READER,), (f"{PEER}, {PEERINGS}/write",)),
        ("node", (READER,), (f"{PEER}, {PEERINGS}/write",)),
        ("hub", (READER, Permission((f"{PEERINGS}/write",))), (PEER,)),
        ("hub", (Permission(("*",), (PEER.upper(),)),), (PEER,)),
        ("hub", (READER, PEERER), ()),
    ],
)
async def test_what_is_missing_is_said_with_its_place_before_anything_is_written(
    group: str, roles: Sequence[Permission], said: tuple[str, ...]
) -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    scope = HUB_GROUP if group == "hub" else key.group_id
    allow(mesh, scope, *roles)
    record = await looked(mesh, key)
    assert (record.state, bool(writes(mesh))) == (("NotReady", False) if said else ("Ready", True))
    assert len(messages(record)) == len(said)
    for message, actions in zip(messages(record), said, strict=True):
        assert f"lacks rights on {scope.lower()}, for {actions}: assign it the mesh" in message.replace(
            "/resourceGroups/", "/resourcegroups/"
        )


async def test_a_role_on_the_network_alone_is_enough() -> None:
    """The group's permissions do not show it, so that the network's are read before anything is said to be missing."""
    mesh = InMemoryMesh()
    key = mesh.create_node()
    for group, place in ((HUB_GROUP, HUB_NETWORK), (key.group_id, network_of(key))):
        allow(mesh, group, READER)
        allow(mesh, place, PEERER)
    assert (await looked(mesh, key)).state == "Ready"


async def test_a_right_that_was_granted_meanwhile_is_seen_at_the_next_look() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    allow(mesh, HUB_GROUP, READER)
    assert messages(await looked(mesh, key))
    allow(mesh, HUB_GROUP, READER, PEERER)
    mesh.clock.advance(30)
    assert (await looked(mesh, key)).state == "Ready"


@pytest.mark.parametrize(
    "error", [Denied("AuthorizationFailed", "no"), Transient("InternalServerError", "no")]
)
async def test_where_permissions_cannot_be_read_the_write_is_tried(error: MeshError) -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    mesh.arm.inject("list_permissions", error, times=9)
    assert (await looked(mesh, key)).state == "Ready"


@pytest.mark.parametrize(("roles", "reads"), [((PEERER,), 1), ((READER,), 1 + 10 + 1), ((), 1 + 10 + 1)])
async def test_permissions_are_read_once_for_each_scope_and_not_at_all_for_a_converged_node(
    roles: Sequence[Permission], reads: int
) -> None:
    """Ten nodes: a role on the subscription holds in all groups; else theirs are read, and the hub's."""
    mesh = InMemoryMesh()
    keys = [mesh.create_node(f"n{number}", f"10.{number}.0.0/16") for number in range(1, 11)]
    allow(mesh, f"/subscriptions/{keys[0].subscription}", *roles)
    for key in keys:
        await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert mesh.arm.calls.count("list_permissions") == reads
    mesh.arm.calls.clear()
    for key in keys:
        await looked(mesh, key)
    await mesh.resync_all()
    assert "list_permissions" not in mesh.arm.calls


async def test_where_the_subscription_cannot_be_asked_its_groups_tell() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    allow(mesh, key.group_id, READER)
    mesh.arm.inject("list_permissions", NotFound("InvalidResourceType", "no"), times=1)
    assert len(messages(await looked(mesh, key))) == 1
    assert writes(mesh) == []


async def test_a_dry_run_says_what_is_missing_beside_everything_else() -> None:
    """The node's addresses overlap the hub's, and the right is missing as well."""
    mesh = InMemoryMesh()
    key = mesh.create_node(prefix="10.0.0.0/24")
    allow(mesh, HUB_GROUP, READER)
    decision = await mesh.engine.plan(key)
    reasons = {f.reason for f in decision.plan.findings}
    assert {"AddressSpaceOverlap", "RightsMissing"} <= reasons
    assert decision.plan.network == ()


async def test_what_stands_stays_while_a_right_to_mend_it_is_missing() -> None:
    """One side was deleted: the other one is neither written nor removed."""
    mesh = InMemoryMesh()
    key = mesh.create_node()
    assert (await looked(mesh, key)).state == "Ready"
    mesh.clock.advance(700)
    allow(mesh, HUB_GROUP, READER)
    mesh.cloud.delete_peering(next(iter(mesh.cloud.networks[HUB_NETWORK.lower()].sides.values())).id)
    before = mesh.cloud.snapshot()
    mesh.arm.calls.clear()
    record = await looked(mesh, key)
    assert len(messages(record)) == 1
    assert writes(mesh) == []
    assert mesh.cloud.snapshot() == before


async def test_no_network_out_of_a_pool_is_begun_without_the_rights_to_it() -> None:
    """Its security group and it are made together, or not at all."""
    plane = Plane(first=FIRST)
    key = plane.group("sales")
    plane.cloud.create_group(key, {"mesh-node": "sales", "mesh-network": "hub"})
    allow(plane, key.group_id, READER, Permission(("Microsoft.Network/networkSecurityGroups/*",)))
    record = await plane.look(key)
    [message] = messages(record)
    assert "for Microsoft.Network/virtualNetworks/write:" in message
    assert writes(plane) == []
    plane.clock.advance(30)
    allow(plane, key.group_id)
    plane.cloud.permissions.clear()
    assert (await plane.look(key)).state == "Ready"


async def test_a_pair_of_hubs_is_not_begun_without_the_rights_on_both() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    key = NodeKey.containing(network("a"))
    assert key
    group = normal_id(key.group_id)
    hubs.cloud.permissions[group] = [READER, Permission((f"{PEERINGS}/write",))]
    record = await hubs.run()
    [condition] = [c for c in record.conditions if c.type == "Connected"]
    assert (condition.status, condition.reason) == ("False", "RightsMissing")
    assert f"for {PEER}:" in condition.message
    assert hubs.writes() == []
    hubs.cloud.permissions[group].append(PEERER)
    hubs.clock.advance(7200)
    assert (await hubs.until_quiet()).state == "Ready"
