"""What connects networks in the pretended cloud: subnets, private endpoints, private zones and firewalls."""

from ipaddress import ip_network

from shared.domain.ids import name_of, normal_id, same_id, type_of
from shared.domain.private_link import ZoneRecord
from tests.fakes.services import PRIVATE_LINK_GROUPS, SERVICE_OF_TYPE
from tests.fakes.state import Endpoint, Firewall, Link, Network, SubnetState, Zone, network_part

RESERVED = 4
"""Azure keeps the first four addresses of a subnet, and the last."""


class Connections:
    """Its methods are what people do from outside; names and states are Azure's."""

    def __init__(self) -> None:
        self.networks: dict[str, Network] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.zones: dict[str, Zone] = {}
        self.firewalls: dict[str, Firewall] = {}

    # --- what people do

    def create_subnet(
        self, subnet_id: str, prefix: str, *, security_group: str = "", delegation: str = ""
    ) -> SubnetState:
        """A subnet of a network that is there."""
        subnet = SubnetState(subnet_id, (prefix,), security_group, delegation)
        self.networks[network_part(subnet_id)].subnets[name_of(subnet_id).lower()] = subnet
        return subnet

    def close_firewall(self, target: str) -> None:
        """From now on only who is named by a rule gets through."""
        self.firewall_of(target).open = False

    def admit(self, target: str, subnet: str) -> None:
        """A rule that somebody else made."""
        self.firewall_of(target).subnets[normal_id(subnet)] = subnet

    def answer_connection(self, endpoint_id: str, state: str) -> None:
        """The target's owner sets the connection to Approved, Rejected or Disconnected."""
        endpoint = self.endpoints[normal_id(endpoint_id)]
        endpoint.state = state
        endpoint.known = endpoint.known or state == "Approved"
        if state == "Approved":
            self.write_records(endpoint)

    # --- what is there

    def subnet_of(self, subnet_id: str) -> SubnetState | None:
        network = self.networks.get(network_part(subnet_id))
        return network.subnets.get(name_of(subnet_id).lower()) if network else None

    def firewall_of(self, target: str) -> Firewall:
        return self.firewalls.setdefault(normal_id(target), Firewall())

    def public_names(self, endpoint: Endpoint) -> tuple[str, ...]:
        """The names that lead to the endpoint where its zones are linked."""
        groups = PRIVATE_LINK_GROUPS.get(type_of(endpoint.target), ())
        zones = [z for g in groups if g.name.lower() == endpoint.group.lower() for z in g.zones]
        return tuple(f"{name_of(endpoint.target)}.{z.removeprefix('privatelink.')}".lower() for z in zones)

    def records(self, zone_id: str) -> dict[str, set[str]]:
        """The A records of a zone, by lower-case name."""
        zone = self.zones.get(normal_id(zone_id))
        return {name: {endpoint.address} for name, endpoint in zone.records.items()} if zone else {}

    def write_records(self, endpoint: Endpoint) -> None:
        """Keeps an endpoint's name in the zones of its groups: another endpoint's record of that name is replaced."""
        for zone in (self.zones.get(normal_id(zone)) for zone in endpoint.zones):
            if zone and endpoint.known:
                zone.records[name_of(endpoint.target).lower()] = endpoint

    def records_of(self, endpoint: Endpoint) -> tuple[ZoneRecord, ...]:
        """What its zone groups say that they keep; they do not look whether it is still so."""
        name = name_of(endpoint.target).lower()
        return tuple(ZoneRecord(zone, name) for zone in endpoint.zones if endpoint.known)

    def forget_records(self, endpoint: Endpoint) -> None:
        """Takes an endpoint's own records out of all zones."""
        for zone in self.zones.values():
            zone.records = {name: e for name, e in zone.records.items() if e is not endpoint}

    def resolve(self, network: str, name: str) -> str:
        """What a public name leads to inside a network, as Azure DNS answers there.

        An address; `public` where no linked zone answers for it, `nxdomain` where one does and has no record.
        """
        host, _, domain = name.lower().partition(".")
        wanted = {z for groups in PRIVATE_LINK_GROUPS.values() for g in groups for z in g.zones}
        aliases = {z for z in wanted if z.removeprefix("privatelink.") == domain}
        linked = [
            zone
            for zone in self.zones.values()
            if zone.name in aliases
            and any(same_id(k.network, network) and k.state == "Completed" for k in zone.links.values())
        ]
        if not linked:
            return "public"
        found = linked[0].records.get(host)
        return found.address if found else "nxdomain"

    def free_address(self, subnet: SubnetState) -> str | None:
        """The lowest address of a subnet that no private endpoint has."""
        taken = {e.address for e in self.endpoints.values() if same_id(e.subnet, subnet.id)}
        block = ip_network(subnet.prefixes[0])
        for number in range(RESERVED, block.num_addresses - 1):
            address = str(block[number])
            if address not in taken:
                return address
        return None

    def has_firewall(self, target: str) -> bool:
        return type_of(target) in SERVICE_OF_TYPE

    # --- what follows from a deletion

    def forget_connections(self, gone: str) -> None:
        """What goes with a resource: its firewall, links and records; endpoints to it are Disconnected."""
        self.firewalls.pop(gone, None)
        self.endpoints.pop(gone, None)
        self.zones.pop(gone, None)
        for endpoint in self.endpoints.values():
            if same_id(endpoint.target, gone):
                endpoint.state = "Disconnected"
        for zone in self.zones.values():
            zone.links = {name: link for name, link in zone.links.items() if not same_id(link.network, gone)}
            zone.records = {name: e for name, e in zone.records.items() if not same_id(e.id, gone)}

    # --- what two histories have to agree on

    def connection_snapshot(self) -> dict[str, object]:
        networks = self.networks.values()
        return {
            "networks": {normal_id(n.id): (n.prefixes, n.provisioning) for n in networks},
            "subnets": {normal_id(s.id): _subnet(s) for n in networks for s in n.subnets.values()},
            "endpoints": {normal_id(e.id): _endpoint(e) for e in self.endpoints.values()},
            "links": {normal_id(k.id): _link(k) for z in self.zones.values() for k in z.links.values()},
            "records": {
                normal_id(zone.id): {name: normal_id(e.id) for name, e in zone.records.items()}
                for zone in self.zones.values()
            },
            "rules": {
                target: sorted(firewall.subnets)
                for target, firewall in self.firewalls.items()
                if firewall.subnets
            },
        }


def _subnet(subnet: SubnetState) -> tuple[object, ...]:
    services = tuple(sorted(subnet.service_endpoints))
    return subnet.prefixes, normal_id(subnet.security_group), subnet.delegation, services


def _endpoint(endpoint: Endpoint) -> tuple[object, ...]:
    """Without the address: it depends on who came first."""
    zones = tuple(sorted(map(normal_id, endpoint.zones)))
    target = normal_id(endpoint.target)
    return normal_id(endpoint.subnet), target, endpoint.group, endpoint.state, endpoint.provisioning, zones


def _link(link: Link) -> tuple[object, ...]:
    return normal_id(link.network), link.provisioning
