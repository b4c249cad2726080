"""What people break is put right again, and what is theirs is left as it is."""

from typing import cast

import pytest

from local.caller import Json
from tests.e2e.beside import beside
from tests.e2e.mesh import NETWORKS, SETTING, Mesh, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]


@beside
def test_a_peering_deleted_on_the_hub_heals(mesh: Mesh) -> None:
    """The node's side is Disconnected: both are written again, and the history says why."""
    mesh.create("cut-hub")
    mesh.ready("cut-hub")
    since = mesh.mark()
    [hub_side] = mesh.hub_peerings("cut-hub")
    mesh.delete(str(hub_side["id"]), NETWORKS)
    wait_for("both sides connected", lambda: mesh.connected("cut-hub"))
    node = mesh.ready("cut-hub")
    assert "disconnected: the other side was deleted" in str(node["history"])
    assert len(mesh.written(since, "cut-hub")) == 2


@beside
def test_a_peering_deleted_on_the_node_heals(mesh: Mesh) -> None:
    """The hub's side is Disconnected: both are written again."""
    mesh.create("cut-node")
    mesh.ready("cut-node")
    since = mesh.mark()
    [node_side] = mesh.peerings(mesh.network_id("cut-node"))
    mesh.delete(str(node_side["id"]), NETWORKS)
    wait_for("both sides connected", lambda: mesh.connected("cut-node"))
    mesh.ready("cut-node")
    assert len(mesh.written(since, "cut-node")) == 2


@beside
def test_a_deleted_setting_heals_with_one_write(mesh: Mesh) -> None:
    """Only the setting that is gone is written."""
    mesh.create("no-logs", vaults=2)
    mesh.ready("no-logs")
    since = mesh.mark()
    mesh.delete(mesh.setting_id(mesh.vault_id("no-logs", 1)), SETTING)
    wait_for("the setting", lambda: mesh.settings(mesh.vault_id("no-logs", 1)))
    mesh.ready("no-logs")
    assert mesh.written(since, "no-logs") == [mesh.setting_id(mesh.vault_id("no-logs", 1))]


@beside
def test_changed_flags_of_an_owned_peering_heal(mesh: Mesh) -> None:
    """One write puts the flag back and the history names the field that differed."""
    mesh.create("flags")
    mesh.ready("flags")
    [side] = mesh.peerings(mesh.network_id("flags"))
    properties = cast(Json, side["properties"])
    wanted = properties["allowVirtualNetworkAccess"]
    since = mesh.mark()
    changed = {**side, "properties": {**properties, "allowVirtualNetworkAccess": not wanted}}
    mesh.arm("PUT", str(side["id"]), NETWORKS, changed)

    def restored() -> bool:
        [now] = mesh.peerings(mesh.network_id("flags"))
        return bool(cast(Json, now["properties"])["allowVirtualNetworkAccess"] == wanted)

    wait_for("the flag", restored)
    # The run that wrote it tells of it once it has seen that it is well.
    wait_for(
        "the field's name", lambda: "allow_virtual_network_access" in str(mesh.ready("flags")["history"])
    )
    assert len(mesh.written(since, "flags")) == 1


@beside
def test_a_changed_address_space_is_synchronised(mesh: Mesh) -> None:
    """The hub learns the node's new addresses and both sides are in sync again."""
    mesh.create("moved")
    mesh.ready("moved")
    prefix = mesh.create_network("moved")

    def known() -> bool:
        [side] = mesh.hub_peerings("moved")
        space = cast(Json, cast(Json, side["properties"])["remoteAddressSpace"])
        return space["addressPrefixes"] == [prefix] and mesh.connected("moved")

    wait_for("the hub knows the addresses", known)
    mesh.ready("moved")


@beside
def test_what_others_made_is_left_as_it_is(mesh: Mesh) -> None:
    """Changing somebody else's setting and asking for a reconcile writes nothing, to it or beside it."""
    mesh.create("shared")
    own = f"{mesh.group_id('shared')}/providers/Microsoft.OperationalInsights/workspaces/own"
    mesh.arm("PUT", own, "2023-09-01", {"location": "westeurope", "properties": {}})
    theirs = mesh.setting_id(mesh.vault_id("shared"), "theirs")
    mesh.ready("shared")
    wait_for("the workspace is covered too", lambda: mesh.settings(own) or _unsupported(mesh, "shared"))
    mesh.ready("shared")
    since = mesh.mark()
    for enabled in (True, False, True):
        log = {"category": "AuditEvent", "enabled": enabled}
        metrics = {"category": "AllMetrics", "enabled": True}
        body = {"properties": {"workspaceId": own, "logs": [log], "metrics": [metrics]}}
        mesh.arm("PUT", theirs, SETTING, body)
    before = mesh.settings(mesh.vault_id("shared"))
    mesh.reconcile("shared")
    wait_for("a look at the setting", lambda: mesh.requests(since, "shared"))
    mesh.ready("shared")
    assert mesh.settings(mesh.vault_id("shared")) == before
    assert mesh.requests(since, "shared", writes=True) == []


def _unsupported(mesh: Mesh, group: str) -> bool:
    return "unsupported" in str(mesh.node(group))


@beside
def test_a_network_that_is_removed_leaves_no_peering_on_the_hub(mesh: Mesh) -> None:
    """What is left there would block its addresses for ever; the node goes on without a network."""
    mesh.create("unplugged")
    mesh.ready("unplugged")
    mesh.delete(mesh.network_id("unplugged"), NETWORKS)
    wait_for("no peering on the hub", lambda: not mesh.hub_peerings("unplugged"))
    condition = mesh.found("unplugged", "Connected", "NoVirtualNetwork")
    assert condition["severity"] == "warning"
