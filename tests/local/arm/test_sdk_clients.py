"""Azure's own async clients, unmodified, against the local Resource Manager."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

import pytest
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.monitor.aio import MonitorManagementClient
from azure.mgmt.monitor.v2021_05_01_preview.models import DiagnosticSettingsResource, LogSettings
from azure.mgmt.network.aio import NetworkManagementClient
from azure.mgmt.network.models import (
    AddressSpace,
    Subnet,
    SubnetPropertiesFormat,
    SubResource,
    VirtualNetwork,
    VirtualNetworkPeering,
    VirtualNetworkPeeringPropertiesFormat,
    VirtualNetworkPropertiesFormat,
)
from azure.mgmt.resource.resources.aio import ResourceManagementClient
from azure.mgmt.resource.resources.models import GenericResource, ResourceGroup, Tags, TagsPatchResource

from local.arm.operations import OperationsMode
from tests.support.local_arm import SUBSCRIPTION, LocalArm, resource_path


@dataclass(frozen=True, slots=True)
class Clients:
    resource: ResourceManagementClient
    network: NetworkManagementClient
    monitor: MonitorManagementClient


@pytest.fixture
async def clients(arm: LocalArm) -> AsyncIterator[Clients]:
    credential = cast(AsyncTokenCredential, arm.credential)
    scopes = [arm.url + "/.default"]
    trusted = str(arm.ca_file)
    async with AsyncExitStack() as stack:
        resource = ResourceManagementClient(
            credential, SUBSCRIPTION, base_url=arm.url, credential_scopes=scopes, connection_verify=trusted
        )
        network = NetworkManagementClient(
            credential, SUBSCRIPTION, base_url=arm.url, credential_scopes=scopes, connection_verify=trusted
        )
        monitor = MonitorManagementClient(
            credential, SUBSCRIPTION, base_url=arm.url, credential_scopes=scopes, connection_verify=trusted
        )
        for client in (resource, network, monitor):
            await stack.enter_async_context(client)
        yield Clients(resource, network, monitor)


async def test_groups_resources_and_tags(clients: Clients, arm: LocalArm) -> None:
    """azure-mgmt-resource: create, list by tag over several pages, merge tags, delete with its poller."""
    arm.manager.page_size = 1
    groups = clients.resource.resource_groups
    for name in ("a", "b", "c"):
        tags = {"mesh-node": name} if name != "b" else {}
        await groups.create_or_update(name, ResourceGroup(location="westeurope", tags=tags))
    assert [group.name async for group in groups.list(filter="tagName eq 'mesh-node'")] == ["a", "c"]
    patch = TagsPatchResource(operation="Merge", properties=Tags(tags={"mesh-owner": "team"}))
    scope = f"subscriptions/{SUBSCRIPTION}/resourcegroups/a"
    poller = await clients.resource.tags.begin_update_at_scope(scope, patch)
    merged = await poller.result()
    assert merged.properties.tags == {"mesh-node": "a", "mesh-owner": "team"}
    vault = resource_path("a", "Microsoft.KeyVault/vaults/kv")
    creation = await clients.resource.resources.begin_create_or_update_by_id(
        vault, GenericResource(location="westeurope", properties={}), api_version="2023-07-01"
    )
    assert (await creation.result()).id == vault
    listed = clients.resource.resources.list_by_resource_group("a")
    assert [item.type async for item in listed] == ["Microsoft.KeyVault/vaults"]
    await (await groups.begin_delete("a")).result()
    assert not await groups.check_existence("a")
    with pytest.raises(ResourceNotFoundError):
        await groups.get("a")


async def test_a_storage_account_by_its_poller(clients: Clients) -> None:
    """The generic client follows `Location` to the finished account."""
    await clients.resource.resource_groups.create_or_update("a", ResourceGroup(location="westeurope"))
    account = resource_path("a", "Microsoft.Storage/storageAccounts/acct")
    poller = await clients.resource.resources.begin_create_or_update_by_id(
        account, GenericResource(location="westeurope"), api_version="2023-05-01"
    )
    made = await poller.result()
    assert made.name == "acct"


async def test_a_resource_by_its_type_alone(clients: Clients) -> None:
    """Named by type, with an empty parent path as `az resource create` does, the path has an empty segment."""
    await clients.resource.resource_groups.create_or_update("a", ResourceGroup(location="westeurope"))
    resources, named = clients.resource.resources, ("a", "Microsoft.Sql", "", "servers", "orders")
    server = GenericResource(location="westeurope", properties={})
    made = await (await resources.begin_create_or_update(*named, server, api_version="2021-11-01")).result()
    assert made.id == resource_path("a", "Microsoft.Sql/servers/orders")
    assert (await resources.get(*named, api_version="2021-11-01")).id == made.id


def _network(prefix: str) -> VirtualNetwork:
    subnet = SubnetPropertiesFormat(address_prefix=prefix.replace("/16", "/24"))
    properties = VirtualNetworkPropertiesFormat(
        address_space=AddressSpace(address_prefixes=[prefix]),
        subnets=[Subnet(name="default", properties=subnet)],
    )
    return VirtualNetwork(location="westeurope", properties=properties)


def _peering(remote: str) -> VirtualNetworkPeering:
    properties = VirtualNetworkPeeringPropertiesFormat(remote_virtual_network=SubResource(id=remote))
    return VirtualNetworkPeering(properties=properties)


async def test_networks_and_peerings(clients: Clients, arm: LocalArm) -> None:
    """azure-mgmt-network: both sides through pollers that see InProgress first, and an error as an exception."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2, retry_after=0.01)
    await clients.resource.resource_groups.create_or_update("a", ResourceGroup(location="westeurope"))
    networks, peerings = clients.network.virtual_networks, clients.network.virtual_network_peerings
    for name, prefix in (("hub", "10.0.0.0/16"), ("spoke", "10.1.0.0/16"), ("clash", "10.0.0.0/24")):
        made = await (await networks.begin_create_or_update("a", name, _network(prefix))).result()
        assert made.provisioning_state == "Succeeded"
    for local, remote in (("spoke", "hub"), ("hub", "spoke")):
        remote_id = resource_path("a", f"Microsoft.Network/virtualNetworks/{remote}")
        peering = _peering(remote_id)
        await (await peerings.begin_create_or_update("a", local, f"to-{remote}", peering)).result()
    seen = await networks.get("a", "spoke")
    assert [(item.name, item.peering_state) for item in seen.virtual_network_peerings or []] == [
        ("to-hub", "Connected")
    ]
    hub_id = resource_path("a", "Microsoft.Network/virtualNetworks/hub")
    clash = _peering(hub_id)
    with pytest.raises(HttpResponseError) as refused:
        await peerings.begin_create_or_update("a", "clash", "to-hub", clash)
    assert refused.value.error is not None
    assert refused.value.error.code == "VnetAddressSpacesOverlap"
    await (await peerings.begin_delete("a", "hub", "to-spoke")).result()
    left = await peerings.get("a", "spoke", "to-hub")
    assert left.peering_state == "Disconnected"
    await (await networks.begin_delete("a", "hub")).result()


async def test_diagnostic_settings(clients: Clients, arm: LocalArm) -> None:
    """azure-mgmt-monitor 6.0.2: create, list, get, delete, and what a bare error looks like to it."""
    await arm.make_group("a")
    network = await arm.make_network("a", "v", "10.0.0.0/16")
    workspace = await arm.make("a", "Microsoft.OperationalInsights/workspaces/logs")
    settings = clients.monitor.diagnostic_settings
    wanted = DiagnosticSettingsResource(
        workspace_id=workspace, logs=[LogSettings(category_group="allLogs", enabled=True)]
    )
    made = await settings.create_or_update(network, "mesh", wanted)
    assert made.workspace_id == workspace
    assert [item.name async for item in settings.list(network)] == ["mesh"]
    assert (await settings.get(network, "mesh")).metrics[0].enabled is False
    categories = clients.monitor.diagnostic_settings_category.list(network)
    assert [item.name async for item in categories] == ["VMProtectionAlerts", "AllMetrics"]
    with pytest.raises(HttpResponseError) as refused:
        await settings.create_or_update(network, "again", wanted)
    assert refused.value.status_code == 409
    await settings.delete(network, "mesh")
    assert [item.name async for item in settings.list(network)] == []
