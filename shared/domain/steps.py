"""The writes to Azure's network that a plan may hold, as data; `shared.domain.plan` puts them in order.

Every step names what it writes (`id`), how (`method`), and why. A step can be performed again: what is there
already stays as it is.
"""

from typing import ClassVar, Literal

import msgspec

type Method = Literal["PUT", "DELETE"]


class PutSecurityGroup(msgspec.Struct, frozen=True, tag="PutSecurityGroup"):
    """Create a network security group with Azure's default rules."""

    id: str
    location: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class DeleteSecurityGroup(msgspec.Struct, frozen=True, tag="DeleteSecurityGroup"):
    """Delete an owned network security group."""

    id: str
    why: str
    method: ClassVar[Method] = "DELETE"


class NewSubnet(msgspec.Struct, frozen=True, array_like=True):
    """A subnet of a network that is to be made; `delegation` is a service such as `Microsoft.Databricks/workspaces`."""

    name: str
    prefix: str
    delegation: str = ""


class PutNetwork(msgspec.Struct, frozen=True, tag="PutNetwork"):
    """Create a virtual network; never used on one that is there, since it would replace its subnets."""

    id: str
    location: str
    address_prefixes: tuple[str, ...]
    subnets: tuple[NewSubnet, ...]
    security_group: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class DeleteNetwork(msgspec.Struct, frozen=True, tag="DeleteNetwork"):
    """Delete an owned virtual network that nothing uses."""

    id: str
    why: str
    method: ClassVar[Method] = "DELETE"


class PutZone(msgspec.Struct, frozen=True, tag="PutZone"):
    """Create a private DNS zone and mark it as a mesh's; one that is there stays as it is."""

    id: str
    mesh: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class DeleteZone(msgspec.Struct, frozen=True, tag="DeleteZone"):
    """Delete an owned private DNS zone to which no network is linked any more."""

    id: str
    why: str
    method: ClassVar[Method] = "DELETE"


class PutZoneLink(msgspec.Struct, frozen=True, tag="PutZoneLink"):
    """Link a private DNS zone to a virtual network, without registration; `id` is the link's."""

    id: str
    network: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class DeleteZoneLink(msgspec.Struct, frozen=True, tag="DeleteZoneLink"):
    """Delete an owned link of a private DNS zone."""

    id: str
    why: str
    method: ClassVar[Method] = "DELETE"


class PutPrivateEndpoint(msgspec.Struct, frozen=True, tag="PutPrivateEndpoint"):
    """Create a private endpoint in a subnet to one part (`group`, such as `sqlServer` or `blob`) of a target.

    With `manual` the target's owner has to approve the connection; `message` is what they read.
    """

    id: str
    location: str
    subnet: str
    target: str
    group: str
    why: str
    manual: bool = False
    message: str = ""
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class DeletePrivateEndpoint(msgspec.Struct, frozen=True, tag="DeletePrivateEndpoint"):
    """Delete an owned private endpoint, with its zone group and its network interface."""

    id: str
    why: str
    method: ClassVar[Method] = "DELETE"


class PutZoneGroup(msgspec.Struct, frozen=True, tag="PutZoneGroup"):
    """Have an endpoint's names kept in private DNS zones; `id` is the zone group's, `zones` are zone ids."""

    id: str
    zones: tuple[str, ...]
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class DeleteZoneGroup(msgspec.Struct, frozen=True, tag="DeleteZoneGroup"):
    """Take an owned zone group off an endpoint, with the records that it keeps, so that it can be made anew."""

    id: str
    why: str
    method: ClassVar[Method] = "DELETE"


class ApproveConnection(msgspec.Struct, frozen=True, tag="ApproveConnection"):
    """Approve the connection of a private endpoint on its target; `id` is the privateEndpointConnection's."""

    id: str
    message: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class AddServiceEndpoint(msgspec.Struct, frozen=True, tag="AddServiceEndpoint"):
    """Add a service (`Microsoft.Storage`) to the service endpoints of a subnet; others' entries stay."""

    id: str
    service: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class RemoveServiceEndpoint(msgspec.Struct, frozen=True, tag="RemoveServiceEndpoint"):
    """Take an owned service out of the service endpoints of a subnet; others' entries stay."""

    id: str
    service: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class AddNetworkRule(msgspec.Struct, frozen=True, tag="AddNetworkRule"):
    """Let a subnet through the network rules of a target resource (`id`); others' rules stay."""

    id: str
    subnet: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


class RemoveNetworkRule(msgspec.Struct, frozen=True, tag="RemoveNetworkRule"):
    """Take an owned rule for a subnet out of the network rules of a target resource (`id`); others' stay."""

    id: str
    subnet: str
    why: str
    differences: tuple[str, ...] = ()
    method: ClassVar[Method] = "PUT"


type SecurityGroupStep = PutSecurityGroup | DeleteSecurityGroup
type VirtualNetworkStep = PutNetwork | DeleteNetwork
type ZoneStep = PutZone | DeleteZone | PutZoneLink | DeleteZoneLink
type EndpointStep = (
    PutPrivateEndpoint | DeletePrivateEndpoint | PutZoneGroup | DeleteZoneGroup | ApproveConnection
)
type RuleStep = AddServiceEndpoint | RemoveServiceEndpoint | AddNetworkRule | RemoveNetworkRule
