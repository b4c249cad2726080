"""Private endpoints, their connections and what they may lead to, as the bodies show them."""

from collections.abc import Iterable

import msgspec

from shared.domain.private_link import (
    PrivateEndpoint,
    PrivateEndpointConnection,
    PrivateLinkGroup,
    ZoneRecord,
)

TARGET_VERSIONS: dict[str, str] = {
    "microsoft.storage/storageaccounts": "2023-05-01",
    "microsoft.sql/servers": "2023-08-01",
    "microsoft.keyvault/vaults": "2023-07-01",
    "microsoft.eventhub/namespaces": "2024-01-01",
    "microsoft.servicebus/namespaces": "2024-01-01",
    "microsoft.synapse/workspaces": "2021-06-01",
    "microsoft.documentdb/databaseaccounts": "2024-05-15",
    "microsoft.datafactory/factories": "2018-06-01",
    "microsoft.kusto/clusters": "2023-08-15",
    "microsoft.eventgrid/topics": "2022-06-15",
    "microsoft.search/searchservices": "2023-11-01",
    "microsoft.web/sites": "2023-12-01",
    "microsoft.containerregistry/registries": "2023-07-01",
    "microsoft.appconfiguration/configurationstores": "2023-03-01",
    "microsoft.cognitiveservices/accounts": "2023-05-01",
    "microsoft.databricks/workspaces": "2024-05-01",
}
"""By lower-case type, a stable api-version with privateLinkResources; a type that is missing takes no endpoints."""

LONGEST_REQUEST = 140
"""Characters of a request message (Private Endpoints REST API)."""


class _Reference(msgspec.Struct):
    id: str = ""


class _State(msgspec.Struct):
    status: str = ""


# --- the consumer's side


class _ServiceConnectionProperties(msgspec.Struct, rename="camel"):
    private_link_service_id: str = ""
    group_ids: tuple[str, ...] | None = None
    private_link_service_connection_state: _State = msgspec.field(default_factory=_State)


class _ServiceConnection(msgspec.Struct):
    properties: _ServiceConnectionProperties = msgspec.field(default_factory=_ServiceConnectionProperties)


class _DnsConfig(msgspec.Struct, rename="camel"):
    fqdn: str | None = None
    ip_addresses: tuple[str, ...] | None = None


class _EndpointProperties(msgspec.Struct, rename="camel"):
    provisioning_state: str = ""
    subnet: _Reference = msgspec.field(default_factory=_Reference)
    private_link_service_connections: tuple[_ServiceConnection, ...] | None = None
    manual_private_link_service_connections: tuple[_ServiceConnection, ...] | None = None
    network_interfaces: tuple[_Reference, ...] | None = None
    custom_dns_configs: tuple[_DnsConfig, ...] | None = None


class EndpointBody(msgspec.Struct):
    """A private endpoint without its zone groups."""

    id: str
    location: str = ""
    properties: _EndpointProperties = msgspec.field(default_factory=_EndpointProperties)

    @property
    def names(self) -> "Names":
        """What Azure says of its names itself: nothing once a zone group keeps them."""
        configs = self.properties.custom_dns_configs or ()
        addresses = [address for config in configs for address in config.ip_addresses or ()]
        return Names(_once(addresses), _once(config.fqdn or "" for config in configs))

    @property
    def interface(self) -> str:
        return next((i.id for i in self.properties.network_interfaces or ()), "")


class Names(msgspec.Struct, frozen=True):
    """Addresses of an endpoint's network interface, and the public names that they stand for."""

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class _LinkProperties(msgspec.Struct):
    fqdns: tuple[str, ...] | None = None


class _IpConfigurationProperties(msgspec.Struct, rename="camel"):
    private_ip_address: str = msgspec.field(default="", name="privateIPAddress")
    private_link_connection_properties: _LinkProperties | None = None


class _IpConfiguration(msgspec.Struct):
    properties: _IpConfigurationProperties = msgspec.field(default_factory=_IpConfigurationProperties)


class _InterfaceProperties(msgspec.Struct, rename="camel"):
    ip_configurations: tuple[_IpConfiguration, ...] = ()


class InterfaceBody(msgspec.Struct):
    """The network interface of a private endpoint."""

    properties: _InterfaceProperties = msgspec.field(default_factory=_InterfaceProperties)

    @property
    def names(self) -> Names:
        inside = [configuration.properties for configuration in self.properties.ip_configurations]
        links = [i.private_link_connection_properties or _LinkProperties() for i in inside]
        names = [name for link in links for name in link.fqdns or ()]
        return Names(_once(i.private_ip_address for i in inside), _once(names))


class _RecordSet(msgspec.Struct, rename="camel"):
    record_set_name: str = ""
    record_type: str = "A"


class _ZoneConfigProperties(msgspec.Struct, rename="camel"):
    private_dns_zone_id: str = ""
    record_sets: tuple[_RecordSet, ...] | None = None


class _ZoneConfig(msgspec.Struct):
    properties: _ZoneConfigProperties = msgspec.field(default_factory=_ZoneConfigProperties)


class _ZoneGroupProperties(msgspec.Struct, rename="camel"):
    private_dns_zone_configs: tuple[_ZoneConfig, ...] | None = None


class _ZoneGroup(msgspec.Struct):
    properties: _ZoneGroupProperties = msgspec.field(default_factory=_ZoneGroupProperties)


class ZoneGroupsBody(msgspec.Struct):
    """The zone groups of a private endpoint."""

    value: tuple[_ZoneGroup, ...] = ()

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(inside.private_dns_zone_id for inside in self._configs)

    @property
    def records(self) -> tuple[ZoneRecord, ...]:
        return tuple(
            ZoneRecord(inside.private_dns_zone_id, record.record_set_name)
            for inside in self._configs
            for record in inside.record_sets or ()
            if record.record_type == "A"
        )

    @property
    def _configs(self) -> list[_ZoneConfigProperties]:
        groups = [group.properties.private_dns_zone_configs or () for group in self.value]
        return [config.properties for configs in groups for config in configs]


def endpoint(body: EndpointBody, names: Names, groups: ZoneGroupsBody) -> PrivateEndpoint:
    inside = body.properties
    automatic = inside.private_link_service_connections or ()
    manual = inside.manual_private_link_service_connections or ()
    connection = next(iter((*automatic, *manual)), _ServiceConnection()).properties
    return PrivateEndpoint(
        id=body.id,
        location=body.location,
        subnet=inside.subnet.id,
        target=connection.private_link_service_id,
        group=next(iter(connection.group_ids or ()), ""),
        provisioning_state=inside.provisioning_state,
        connection_state=connection.private_link_service_connection_state.status,
        addresses=names.addresses,
        names=names.names,
        zones=groups.zones,
        records=groups.records,
    )


# --- the target's side


class _LinkResourceProperties(msgspec.Struct, rename="camel"):
    group_id: str = ""
    required_zone_names: tuple[str, ...] | None = None


class _LinkResource(msgspec.Struct):
    properties: _LinkResourceProperties = msgspec.field(default_factory=_LinkResourceProperties)


class LinkResourcesBody(msgspec.Struct, rename="camel"):
    """One page of what endpoints may lead to."""

    value: tuple[_LinkResource, ...] = ()
    next_link: str | None = None

    @property
    def groups(self) -> list[PrivateLinkGroup]:
        inside = [resource.properties for resource in self.value]
        return [PrivateLinkGroup(i.group_id, i.required_zone_names or ()) for i in inside if i.group_id]


class _ConnectionProperties(msgspec.Struct, rename="camel"):
    private_endpoint: _Reference | None = None
    private_link_service_connection_state: _State = msgspec.field(default_factory=_State)


class _Connection(msgspec.Struct):
    id: str
    properties: _ConnectionProperties = msgspec.field(default_factory=_ConnectionProperties)


class ConnectionsBody(msgspec.Struct, rename="camel"):
    """One page of the connections of a target."""

    value: tuple[_Connection, ...] = ()
    next_link: str | None = None

    @property
    def connections(self) -> list[PrivateEndpointConnection]:
        return [_connection(one) for one in self.value]


def _connection(found: _Connection) -> PrivateEndpointConnection:
    inside = found.properties
    other = inside.private_endpoint.id if inside.private_endpoint else ""
    return PrivateEndpointConnection(found.id, other, inside.private_link_service_connection_state.status)


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
