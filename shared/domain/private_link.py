"""Private endpoints, what they lead to, and the private DNS zones that name them.

Field meanings are those of the Private Endpoints REST API, 2023-09-01 and later, and of Private DNS, 2020-06-01.
"""

import msgspec


class PrivateLinkGroup(msgspec.Struct, frozen=True):
    """A part of a resource that private endpoints may lead to, and the zones (`privatelink.…`) that name it."""

    name: str
    zones: tuple[str, ...]


class ZoneRecord(msgspec.Struct, frozen=True):
    """The name of a record set that a zone group keeps in a zone (an id)."""

    zone: str
    name: str


class PrivateEndpoint(msgspec.Struct, frozen=True):
    """A private endpoint. `connection_state` is Pending, Approved, Rejected or Disconnected; `addresses` are of its
    network interface, `names` the public names that they stand for; `zones` are the ids in its zone groups, and
    `records` what these say that they keep there, which somebody else may have overwritten.
    """

    id: str
    location: str
    subnet: str
    target: str
    group: str
    provisioning_state: str
    connection_state: str
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    records: tuple[ZoneRecord, ...] = ()


class PrivateEndpointConnection(msgspec.Struct, frozen=True):
    """The target's side of a private endpoint."""

    id: str
    endpoint: str
    state: str


class PrivateZone(msgspec.Struct, frozen=True):
    """A private DNS zone. `mesh` is the name of the mesh that made it, as its tag says."""

    id: str
    mesh: str = ""


class ZoneLink(msgspec.Struct, frozen=True):
    """A virtual network's link to a private DNS zone."""

    id: str
    network: str
    provisioning_state: str
    state: str


class NetworkRules(msgspec.Struct, frozen=True):
    """Which subnets a resource's own firewall lets through; `open` where it lets everybody, `closed` where public
    access is switched off, so that whatever the rules say only private endpoints get through."""

    subnets: tuple[str, ...]
    open: bool
    closed: bool = False
