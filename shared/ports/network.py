"""The parts of Resource Manager that connect: networks from a pool, private endpoints, names, and service rules.

Every method raises only errors of `shared.domain.errors`. A deletion of what is not there succeeds.
"""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.plan import Accepted
from shared.domain.private_link import (
    NetworkRules,
    PrivateEndpoint,
    PrivateEndpointConnection,
    PrivateLinkGroup,
    PrivateZone,
    ZoneLink,
)
from shared.domain.steps import NewSubnet
from shared.ports import ResourceManager


class Networks(Protocol):
    """Making and removing what a node without a network gets."""

    async def put_security_group(self, group_id: str, location: str) -> Accepted: ...

    async def delete_security_group(self, group_id: str) -> Accepted: ...

    async def put_network(
        self,
        network_id: str,
        location: str,
        address_prefixes: Sequence[str],
        subnets: Sequence[NewSubnet],
        security_group: str,
    ) -> Accepted:
        """Creates a network. Raises Conflict where one of that name is there: its subnets would be replaced."""
        ...

    async def delete_network(self, network_id: str) -> Accepted: ...


class PrivateDns(Protocol):
    """Private DNS zones, their links, and what they answer."""

    async def get_zone(self, zone_id: str) -> PrivateZone:
        """Raises NotFound."""
        ...

    async def put_zone(self, zone_id: str, mesh: str) -> Accepted:
        """Creates a zone that a tag shows to be a mesh's; one that is there stays as it is."""
        ...

    async def delete_zone(self, zone_id: str) -> Accepted:
        """Deletes it with its records. Raises Transient (`CannotDeleteResource`) while networks are linked to it."""
        ...

    async def get_addresses(self, zone_id: str, name: str) -> Sequence[str]:
        """The A records of a name; empty where there are none, or the zone is gone."""
        ...

    async def list_zone_links(self, zone_id: str) -> Sequence[ZoneLink]:
        """Raises NotFound where the zone is gone."""
        ...

    async def put_zone_link(self, link_id: str, network: str) -> Accepted: ...

    async def delete_zone_link(self, link_id: str) -> Accepted: ...


class PrivateLinks(Protocol):
    """Private endpoints and both ends of their connections."""

    async def list_private_link_groups(self, target: str) -> Sequence[PrivateLinkGroup]:
        """Empty where the type takes no private endpoints. Raises NotFound where the target is gone."""
        ...

    async def list_private_endpoint_connections(self, target: str) -> Sequence[PrivateEndpointConnection]:
        """Raises NotFound where the target is gone."""
        ...

    async def approve_connection(self, connection_id: str, message: str) -> Accepted: ...

    async def get_private_endpoint(self, endpoint_id: str) -> PrivateEndpoint:
        """The endpoint with its zone groups. Raises NotFound."""
        ...

    async def put_private_endpoint(
        self,
        endpoint_id: str,
        location: str,
        subnet: str,
        target: str,
        group: str,
        *,
        manual: bool,
        message: str,
    ) -> Accepted: ...

    async def delete_private_endpoint(self, endpoint_id: str) -> Accepted: ...

    async def put_zone_group(self, zone_group_id: str, zones: Sequence[str]) -> Accepted: ...

    async def delete_zone_group(self, zone_group_id: str) -> Accepted: ...


class ServiceRules(Protocol):
    """Service endpoints of subnets, and the network rules of the resources behind them.

    Each change reads first and writes on the condition that nobody else wrote meanwhile: raises Conflict.
    """

    async def add_service_endpoint(self, subnet: str, service: str) -> Accepted: ...

    async def remove_service_endpoint(self, subnet: str, service: str) -> Accepted: ...

    async def get_network_rules(self, target: str) -> NetworkRules | None:
        """None where the type has none. Raises NotFound where the target is gone."""
        ...

    async def add_network_rule(self, target: str, subnet: str) -> Accepted: ...

    async def remove_network_rule(self, target: str, subnet: str) -> Accepted: ...


class Azure(ResourceManager, Networks, PrivateDns, PrivateLinks, ServiceRules, Protocol):
    """All of Resource Manager that the product speaks to."""
