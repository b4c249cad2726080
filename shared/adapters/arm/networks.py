"""Virtual networks read from the body itself.

A hub holds up to 500 peerings and every reconcile reads it. Measured with 500: the SDK's models take a quarter of a
second of processor time for one answer, this takes 2 ms, and a sweep that writes nothing need not import the SDK.
"""

from urllib.parse import quote

import msgspec

from shared.adapters.arm.connection import decoded
from shared.domain.network import Peering, PeeringFlags, Subnet, VirtualNetwork

API_VERSION = "2024-05-01"


class _Space(msgspec.Struct, rename="camel"):
    address_prefixes: tuple[str, ...] | None = None


class _Reference(msgspec.Struct):
    id: str | None = None


class _PeeringProperties(msgspec.Struct, rename="camel"):
    peering_state: str | None = None
    peering_sync_level: str | None = None
    provisioning_state: str | None = None
    remote_virtual_network: _Reference | None = None
    remote_address_space: _Space | None = None
    allow_virtual_network_access: bool | None = None
    allow_forwarded_traffic: bool | None = None
    allow_gateway_transit: bool | None = None
    use_remote_gateways: bool | None = None


class _Peering(msgspec.Struct):
    id: str
    name: str
    properties: _PeeringProperties = msgspec.field(default_factory=_PeeringProperties)


class _ServiceEndpoint(msgspec.Struct):
    service: str | None = None


class _SubnetProperties(msgspec.Struct, rename="camel"):
    address_prefix: str | None = None
    address_prefixes: tuple[str, ...] | None = None
    network_security_group: _Reference | None = None
    delegations: tuple[_Reference, ...] | None = None
    service_endpoints: tuple[_ServiceEndpoint, ...] | None = None
    private_endpoints: tuple[_Reference, ...] | None = None
    ip_configurations: tuple[_Reference, ...] | None = None


class _Subnet(msgspec.Struct):
    id: str
    name: str
    properties: _SubnetProperties = msgspec.field(default_factory=_SubnetProperties)


class _NetworkProperties(msgspec.Struct, rename="camel"):
    address_space: _Space | None = None
    provisioning_state: str | None = None
    virtual_network_peerings: tuple[_Peering, ...] | None = None
    subnets: tuple[_Subnet, ...] | None = None


class _Network(msgspec.Struct):
    id: str
    name: str
    location: str = ""
    properties: _NetworkProperties = msgspec.field(default_factory=_NetworkProperties)


class _Networks(msgspec.Struct, rename="camel"):
    value: tuple[_Network, ...] = ()
    next_link: str | None = None


def networks_path(subscription: str, group: str, network: str = "") -> str:
    """The path and query of one network, or of all in a group."""
    group_path = f"/subscriptions/{subscription}/resourceGroups/{quote(group, safe='')}"
    path = f"{group_path}/providers/Microsoft.Network/virtualNetworks"
    return f"{path}{'/' if network else ''}{quote(network, safe='')}?api-version={API_VERSION}"


def read_network(body: bytes, target: str) -> VirtualNetwork:
    """The network that an answer shows. Raises Transient where the body is cut off or no network."""
    return _network(decoded(body, _Network, target))


def read_networks(body: bytes, target: str) -> tuple[list[VirtualNetwork], str]:
    """One page of networks, and the link to the next or an empty text."""
    page = decoded(body, _Networks, target)
    return [_network(found) for found in page.value], page.next_link or ""


def _network(found: _Network) -> VirtualNetwork:
    inside = found.properties
    return VirtualNetwork(
        id=found.id,
        name=found.name,
        location=found.location,
        address_prefixes=_prefixes(inside.address_space),
        provisioning_state=inside.provisioning_state or "",
        peerings=tuple(map(_peering, inside.virtual_network_peerings or ())),
        subnets=tuple(map(_subnet, inside.subnets or ())),
    )


def _subnet(found: _Subnet) -> Subnet:
    inside = found.properties
    group = inside.network_security_group
    single = (inside.address_prefix,) if inside.address_prefix else ()
    return Subnet(
        id=found.id,
        name=found.name,
        address_prefixes=inside.address_prefixes or single,
        security_group=(group.id if group else "") or "",
        delegated=bool(inside.delegations),
        service_endpoints=tuple(e.service for e in inside.service_endpoints or () if e.service),
        private_endpoints=len(inside.private_endpoints or ()),
        ip_configurations=len(inside.ip_configurations or ()),
    )


def _peering(found: _Peering) -> Peering:
    inside = found.properties
    remote = inside.remote_virtual_network
    return Peering(
        id=found.id,
        name=found.name,
        remote_network=(remote.id if remote else "") or "",
        state=inside.peering_state or "",
        sync_level=inside.peering_sync_level or "",
        provisioning_state=inside.provisioning_state or "",
        remote_address_prefixes=_prefixes(inside.remote_address_space),
        flags=PeeringFlags(
            allow_virtual_network_access=bool(inside.allow_virtual_network_access),
            allow_forwarded_traffic=bool(inside.allow_forwarded_traffic),
            allow_gateway_transit=bool(inside.allow_gateway_transit),
            use_remote_gateways=bool(inside.use_remote_gateways),
        ),
    )


def _prefixes(space: _Space | None) -> tuple[str, ...]:
    return (space.address_prefixes if space else None) or ()
