"""Virtual networks and peerings as observed, and as wanted.

Field meanings are those of the Virtual Network Peerings REST API, 2023-09-01 and later.
"""

import msgspec

from shared.domain.ids import same_id


class PeeringFlags(msgspec.Struct, frozen=True):
    """The flags of one side of a peering that Meshplane decides."""

    allow_virtual_network_access: bool = True
    allow_forwarded_traffic: bool = False
    allow_gateway_transit: bool = False
    use_remote_gateways: bool = False


class Peering(msgspec.Struct, frozen=True):
    """One side of a peering, as Azure answers it."""

    id: str
    name: str
    remote_network: str
    state: str
    sync_level: str
    provisioning_state: str
    remote_address_prefixes: tuple[str, ...]
    flags: PeeringFlags


class Subnet(msgspec.Struct, frozen=True):
    """A subnet. `service_endpoints` are service names such as `Microsoft.Storage`; the counts are of what is in it."""

    id: str
    name: str
    address_prefixes: tuple[str, ...]
    security_group: str = ""
    delegated: bool = False
    service_endpoints: tuple[str, ...] = ()
    private_endpoints: int = 0
    ip_configurations: int = 0


class VirtualNetwork(msgspec.Struct, frozen=True):
    """A virtual network with its subnets and peerings inline."""

    id: str
    name: str
    location: str
    address_prefixes: tuple[str, ...]
    provisioning_state: str
    peerings: tuple[Peering, ...] = ()
    subnets: tuple[Subnet, ...] = ()

    @property
    def private_endpoints(self) -> int:
        """How many private endpoints lie in it: Azure allows 1,000."""
        return sum(s.private_endpoints for s in self.subnets)

    def peering_to(self, network_id: str) -> Peering | None:
        """The peering that leads to a network: Azure allows one at most."""
        return next((p for p in self.peerings if same_id(p.remote_network, network_id)), None)


class Hub(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hub as the settings name it: `network` and `workspace` are resource ids; no `region` serves every region.

    `capacity` is how many peerings its network takes (500, or 1,000 where Virtual Network Manager manages it).
    `zones` are ids of private DNS zones (`privatelink.*`) that nodes with private endpoints are linked to, `pools`
    CIDR prefixes out of which nodes without a network get one, `peers` ids of hubs that it peers with.
    """

    id: str
    network: str
    workspace: str
    region: str = ""
    gateway: bool = False
    allow_forwarded_traffic: bool = True
    capacity: int = 500
    zones: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()


def spoke_flags(hub: Hub) -> PeeringFlags:
    """The flags of the node's side: it uses the hub's gateway only where the hub has one."""
    return PeeringFlags(allow_forwarded_traffic=hub.allow_forwarded_traffic, use_remote_gateways=hub.gateway)


def hub_flags(hub: Hub) -> PeeringFlags:
    """The flags of the hub's side."""
    return PeeringFlags(allow_gateway_transit=hub.gateway)


def flag_differences(actual: PeeringFlags, wanted: PeeringFlags) -> tuple[str, ...]:
    """The differing flags, each as `name: actual -> wanted`."""
    return tuple(
        f"{name}: {str(getattr(actual, name)).lower()} -> {str(getattr(wanted, name)).lower()}"
        for name in PeeringFlags.__struct_fields__
        if getattr(actual, name) != getattr(wanted, name)
    )
