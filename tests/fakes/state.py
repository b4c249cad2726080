"""What the pretended cloud holds: networks and what connects them, as mutable values."""

from dataclasses import dataclass, field

from shared.domain.ids import name_of, normal_id, same_id
from shared.domain.network import PeeringFlags


@dataclass
class Side:
    """One side of a peering, with the address space of the remote as it was last synchronised."""

    id: str
    remote: str
    remote_prefixes: tuple[str, ...]
    flags: PeeringFlags
    state: str = "Initiated"
    provisioning: str = "Succeeded"


@dataclass
class SubnetState:
    """A subnet; `ip_configurations` counts what other services put into it, private endpoints apart."""

    id: str
    prefixes: tuple[str, ...]
    security_group: str = ""
    delegation: str = ""
    service_endpoints: list[str] = field(default_factory=list)
    ip_configurations: int = 0


@dataclass
class Network:
    id: str
    location: str
    prefixes: tuple[str, ...]
    gateway: bool = False
    sides: dict[str, Side] = field(default_factory=dict)
    subnets: dict[str, SubnetState] = field(default_factory=dict)
    provisioning: str = "Succeeded"

    def side_to(self, network_id: str) -> Side | None:
        return next((s for s in self.sides.values() if same_id(s.remote, network_id)), None)


@dataclass
class Endpoint:
    """A private endpoint with its zone groups by lower-case name."""

    id: str
    location: str
    subnet: str
    target: str
    group: str
    message: str
    state: str
    address: str
    provisioning: str = "Succeeded"
    known: bool = (
        False  # it was approved once: its records stay, whatever the target's owner thinks of it later
    )
    zone_groups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def connection(self) -> str:
        """The id of the target's side."""
        return f"{self.target}/privateEndpointConnections/{name_of(self.id)}.connection"

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(zone for zones in self.zone_groups.values() for zone in zones)


@dataclass
class Link:
    """A network's link to a private DNS zone."""

    id: str
    network: str
    provisioning: str = "Succeeded"
    state: str = "Completed"


@dataclass
class Zone:
    """A private DNS zone: links and A records by lower-case name; a record is of the endpoint that wrote it last.

    `mesh` is what its tag says of who made it.
    """

    id: str
    mesh: str = ""
    links: dict[str, Link] = field(default_factory=dict)
    records: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return name_of(self.id).lower()


@dataclass
class Firewall:
    """The network rules of a resource: subnets by their normal id; `open` lets everybody through."""

    open: bool = True
    subnets: dict[str, str] = field(default_factory=dict)


def network_part(resource_id: str) -> str:
    """The normal id of the network that a subnet, a peering or the network itself is of."""
    normal = normal_id(resource_id)
    return normal.partition("/subnets/")[0].partition("/virtualnetworkpeerings/")[0]
