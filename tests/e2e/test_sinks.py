"""What a node's tag asks for besides the workspace, with the resources inside its resources."""

import pytest

from local.caller import Json
from shared.domain.ids import normal_id
from tests.e2e.azure import properties_of
from tests.e2e.beside import beside
from tests.e2e.hubs import HUB, NORDIC, archive_id, stream_id, workspace_id
from tests.e2e.mesh import Mesh, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]

ANY, SQL, DATABASES = "2023-05-01", "2023-08-01", "2021-11-01"
ALL_SINKS = ("workspaceId", "eventHubAuthorizationRuleId", "storageAccountId")


def create_sinks(mesh: Mesh) -> None:
    body = {"location": HUB.region, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    mesh.arm("PUT", archive_id(mesh.subscription), ANY, body)
    body = {"location": HUB.region, "sku": {"name": "Standard"}}
    mesh.arm("PUT", stream_id(mesh.subscription), "2024-01-01", body)


def create_data(mesh: Mesh, group: str, region: str = HUB.region) -> list[str]:
    """A group with a vault, an account and a server with a database; the ids of all that can report."""
    mesh.create(group, {}, network=False, region=region)
    providers = f"{mesh.group_id(group)}/providers"
    account = f"{providers}/Microsoft.Storage/storageAccounts/{group.replace('-', '')}"
    server = f"{providers}/Microsoft.Sql/servers/{group}"
    body: Json = {"location": region, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    mesh.arm("PUT", account, ANY, body)
    mesh.arm("PUT", server, SQL, {"location": region, "properties": {"administratorLogin": "nobody"}})
    mesh.arm("PUT", f"{server}/databases/orders", DATABASES, {"location": region})
    services = [f"{account}/{part}Services/default" for part in ("blob", "file", "queue", "table")]
    return [mesh.vault_id(group), account, *services, f"{server}/databases/orders"]


def sinks_of(mesh: Mesh, resource: str) -> list[dict[str, str]]:
    """The sinks of each of our settings on a resource."""
    found = [s for s in mesh.settings(resource) if str(s["name"]).startswith("meshplane")]
    return [{k: str(v) for k, v in properties_of(s).items() if k in ALL_SINKS and v} for s in found]


def kinds(mesh: Mesh, resources: list[str]) -> set[tuple[str, ...]]:
    """Which sinks our settings on some resources have."""
    return {tuple(s) for r in resources for s in sinks_of(mesh, r)}


@beside
def test_all_reaches_three_sinks_from_everything_and_leaves_nothing_behind(mesh: Mesh) -> None:
    """One setting for all three on each resource and child; less with another tag; none without the tag."""
    create_sinks(mesh)
    resources = create_data(mesh, "sinks")
    mesh.tag("sinks", "Merge", mesh_node="sinks", mesh_network="none", mesh_telemetry="all")
    mesh.ready("sinks")
    wanted = [workspace_id(mesh.subscription), stream_id(mesh.subscription), archive_id(mesh.subscription)]
    for resource in resources:
        [sent] = sinks_of(mesh, resource)
        assert [normal_id(sent[name]).split("/authorizationrules")[0] for name in ALL_SINKS] == [
            normal_id(sink) for sink in wanted
        ], resource
    mesh.tag("sinks", "Merge", mesh_telemetry="logs")
    wait_for("the workspace alone", lambda: kinds(mesh, resources) == {("workspaceId",)})
    mesh.tag("sinks", "Delete", mesh_node="sinks")
    mesh.settled("sinks", "Offboarded")
    assert [s for r in resources for s in mesh.settings(r)] == []


@beside
def test_a_region_without_a_sink_is_named_and_the_workspace_gets_everything_meanwhile(mesh: Mesh) -> None:
    """The condition says which kind is missing, where, and for what; correcting the tag is enough."""
    resources = create_data(mesh, "sinks-north", NORDIC.region)
    mesh.tag("sinks-north", "Merge", mesh_node="north", mesh_network="none", mesh_telemetry="logs+stream")
    condition = mesh.found("sinks-north", "Observed", "NoSinkInRegion")
    for word in ("event-hub", NORDIC.region, "MESH_SINKS", resources[0]):
        assert word in str(condition["message"])
    for resource in resources:
        assert [tuple(s) for s in sinks_of(mesh, resource)] == [("workspaceId",)], resource
    mesh.tag("sinks-north", "Merge", mesh_telemetry="logs")
    mesh.ready("sinks-north")
