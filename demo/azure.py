"""Azure as the person at the keyboard sees and changes it: Microsoft's own SDKs, signed in as a managed identity.

Nothing here is special to the local Azure but the address and the authority that TLS is checked with.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_network
from typing import Protocol

from azure.core.exceptions import ResourceNotFoundError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.monitor.v2021_05_01_preview.models import DiagnosticSettingsResource, LogSettings
from azure.mgmt.network import NetworkManagementClient
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
from azure.mgmt.network.models import PrivateEndpoint as NetworkPrivateEndpoint
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.resources.models import GenericResource, ResourceGroup, Tags, TagsPatchResource

from local.stack import Endpoints

REGION = "westeurope"
ZONE_VERSION = "2020-06-01"
SECONDS_FOR_AN_OPERATION = 30.0
SECONDS_BETWEEN_POLLS = 0.3
# The SDK's ten, with growing pauses, would keep people waiting for minutes.
RETRIES = 3


@dataclass(frozen=True, slots=True)
class Peering:
    """One side of a connection, as Azure says it is."""

    id: str
    name: str
    remote_network: str
    state: str
    sync_level: str
    open: bool  # to whatever is in the other network


@dataclass(frozen=True, slots=True)
class PrivateEndpoint:
    """A private endpoint: what its target's owner said to it (`connection`), and where it lies."""

    state: str
    connection: str
    subnet: str
    target: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A diagnostic setting and where it sends to; ids are empty where it has no such sink.

    `stream` is the authorization rule of the Event Hubs namespace.
    """

    name: str
    workspace: str
    stream: str
    storage_account: str


class _Poller(Protocol):
    def wait(self, timeout: float | None = None) -> None: ...
    def done(self) -> bool: ...
    def result(self, timeout: float | None = None) -> object: ...


class Azure:
    """Reads and writes of one subscription. Every method raises what the SDK raises; waiting is bounded."""

    def __init__(self, endpoints: Endpoints, principal: str) -> None:
        # Where the platform tells a process of its managed identity, and requests of the authority to trust.
        os.environ["IDENTITY_ENDPOINT"] = endpoints.identity_endpoint
        os.environ["IDENTITY_HEADER"] = endpoints.identity_headers[principal]
        os.environ["REQUESTS_CA_BUNDLE"] = str(endpoints.ca_bundle)
        self.subscription = endpoints.subscriptions[0]
        self._credential = ManagedIdentityCredential()
        address, trusted = endpoints.resource_manager, str(endpoints.ca_bundle)
        self._resources = ResourceManagementClient(
            self._credential,
            self.subscription,
            base_url=address,
            connection_verify=trusted,
            polling_interval=SECONDS_BETWEEN_POLLS,
            retry_total=RETRIES,
        )
        self._network = NetworkManagementClient(
            self._credential,
            self.subscription,
            base_url=address,
            connection_verify=trusted,
            polling_interval=SECONDS_BETWEEN_POLLS,
            retry_total=RETRIES,
        )
        self._monitor = MonitorManagementClient(
            self._credential,
            self.subscription,
            base_url=address,
            connection_verify=trusted,
            retry_total=RETRIES,
        )

    def close(self) -> None:
        for client in (self._resources, self._network, self._monitor):
            client.close()
        self._credential.close()

    # --- groups and tags

    def create_group(self, name: str) -> None:
        self._resources.resource_groups.create_or_update(name, ResourceGroup(location=REGION))

    def tag(self, group: str, tags: Mapping[str, str]) -> None:
        """Adds tags to a group, keeping those it has."""
        self._patch_tags(group, "Merge", tags)

    def untag(self, group: str, tags: Mapping[str, str]) -> None:
        """Takes these tags off a group."""
        self._patch_tags(group, "Delete", tags)

    def _patch_tags(self, group: str, operation: str, tags: Mapping[str, str]) -> None:
        patch = TagsPatchResource(operation=operation, properties=Tags(tags=dict(tags)))
        _finish(self._resources.tags.begin_update_at_scope(self.group_id(group), patch))

    # --- resources

    def create_resource(
        self, resource_id: str, api_version: str, properties: Mapping[str, object], kind: str = ""
    ) -> None:
        resource = GenericResource(location=REGION, properties=dict(properties), kind=kind or None)
        begun = self._resources.resources.begin_create_or_update_by_id(
            resource_id, resource, api_version=api_version
        )
        _finish(begun)

    def listed(self, group: str) -> list[str]:
        """The ids of the resources that a group's list shows."""
        return [r.id or "" for r in self._resources.resources.list_by_resource_group(group)]

    def group_id(self, group: str) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{group}"

    # --- networks

    def create_network(self, network_id: str, prefix: str, subnet: str = "") -> None:
        """With a subnet of 256 addresses where it is given a name."""
        group, name = _group_and_name(network_id)
        first = str(next(ip_network(prefix).subnets(new_prefix=24)))
        inside = [Subnet(name=subnet, properties=SubnetPropertiesFormat(address_prefix=first))]
        properties = VirtualNetworkPropertiesFormat(
            address_space=AddressSpace(address_prefixes=[prefix]), subnets=inside if subnet else []
        )
        network = VirtualNetwork(location=REGION, properties=properties)
        _finish(self._network.virtual_networks.begin_create_or_update(group, name, network))

    def prefixes(self, network_id: str) -> list[str]:
        """The address prefixes of a network."""
        found = self._network.virtual_networks.get(*_group_and_name(network_id))
        space = found.properties.address_space if found.properties else None
        return list((space.address_prefixes if space else None) or ())

    def create_peering(self, network_id: str, name: str, remote_network: str) -> None:
        group, network = _group_and_name(network_id)
        properties = VirtualNetworkPeeringPropertiesFormat(
            remote_virtual_network=SubResource(id=remote_network), allow_virtual_network_access=True
        )
        peering = VirtualNetworkPeering(properties=properties)
        begun = self._network.virtual_network_peerings.begin_create_or_update(group, network, name, peering)
        _finish(begun)

    def peerings(self, network_id: str) -> list[Peering]:
        """The peerings of one network."""
        group, network = _group_and_name(network_id)
        return [_peering(p) for p in self._network.virtual_network_peerings.list(group, network)]

    def delete_peering(self, peering: Peering) -> None:
        network_id = peering.id.rpartition("/virtualNetworkPeerings/")[0]
        group, network = _group_and_name(network_id)
        _finish(self._network.virtual_network_peerings.begin_delete(group, network, peering.name))

    # --- private endpoints and names

    def create_zone(self, zone_id: str) -> None:
        """A private DNS zone."""
        zone = GenericResource(location="global")
        begun = self._resources.resources.begin_create_or_update_by_id(
            zone_id, zone, api_version=ZONE_VERSION
        )
        _finish(begun)

    def private_endpoints(self, group: str) -> list[PrivateEndpoint]:
        """The private endpoints of a group."""
        return [_endpoint(e) for e in self._network.private_endpoints.list(group)]

    def has_record(self, zone_id: str, name: str) -> bool:
        """Whether a private zone holds addresses of a name."""
        try:
            self._resources.resources.get_by_id(f"{zone_id}/A/{name}", api_version=ZONE_VERSION)
        except ResourceNotFoundError:
            return False
        return True

    def linked(self, zone_id: str, network_id: str) -> bool:
        """Whether a network resolves the names of a private zone."""
        group, _ = _group_and_name(zone_id)
        kind = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
        found = self._resources.resources.list_by_resource_group(group, filter=f"resourceType eq '{kind}'")
        ids = [r.id or "" for r in found]
        links = [i for i in ids if i.lower().startswith(f"{zone_id.lower()}/")]
        read = (
            self._resources.resources.get_by_id(i, api_version=ZONE_VERSION).properties or {} for i in links
        )
        return network_id.lower() in [str(p["virtualNetwork"]["id"]).lower() for p in read]

    # --- diagnostic settings

    def settings(self, resource_id: str) -> list[Setting]:
        """The diagnostic settings of one resource."""
        found = self._monitor.diagnostic_settings.list(resource_id)
        return [_setting(setting) for setting in found or ()]

    def create_archive_setting(self, resource_id: str, name: str, account: str, category: str) -> None:
        """A setting that sends one category of logs to a storage account."""
        logs = [LogSettings(category=category, enabled=True)]
        setting = DiagnosticSettingsResource(storage_account_id=account, logs=logs)
        self._monitor.diagnostic_settings.create_or_update(resource_id, name, setting)

    def delete_setting(self, resource_id: str, name: str) -> None:
        self._monitor.diagnostic_settings.delete(resource_id, name)


def _peering(found: VirtualNetworkPeering) -> Peering:
    properties = found.properties
    remote = properties.remote_virtual_network if properties else None
    return Peering(
        id=found.id or "",
        name=found.name or "",
        remote_network=(remote.id if remote else "") or "",
        state=_text(properties.peering_state if properties else None),
        sync_level=_text(properties.peering_sync_level if properties else None),
        open=bool(properties and properties.allow_virtual_network_access),
    )


def _setting(found: DiagnosticSettingsResource) -> Setting:
    return Setting(
        name=found.name or "",
        workspace=found.workspace_id or "",
        stream=found.event_hub_authorization_rule_id or "",
        storage_account=found.storage_account_id or "",
    )


def _endpoint(found: NetworkPrivateEndpoint) -> PrivateEndpoint:
    properties = found.properties
    connections = (properties.private_link_service_connections if properties else None) or []
    inner = connections[0].properties if connections else None
    decided = inner.private_link_service_connection_state if inner else None
    return PrivateEndpoint(
        state=_text(properties.provisioning_state if properties else None),
        connection=_text(decided.status if decided else None),
        subnet=(properties.subnet.id if properties and properties.subnet else "") or "",
        target=(inner.private_link_service_id if inner else "") or "",
    )


def _text(value: str | Enum | None) -> str:
    """The word that Azure sent: the SDK makes an enumeration of those that it knows."""
    return str(value.value) if isinstance(value, Enum) else value or ""


def _group_and_name(resource_id: str) -> tuple[str, str]:
    parts = resource_id.split("/")
    return parts[4], parts[-1]


def _finish(operation: _Poller) -> None:
    """Waits for a long operation, at most `SECONDS_FOR_AN_OPERATION`. Raises TimeoutError, or what it failed with."""
    operation.wait(SECONDS_FOR_AN_OPERATION)
    if not operation.done():
        raise TimeoutError(f"Azure did not finish within {SECONDS_FOR_AN_OPERATION:.0f} s")
    operation.result()
