"""The ways to carry an edge: what each needs, and what speaks against it. Pure.

What each way needs: "What is a private endpoint?", "Virtual Network service endpoints" and "Virtual network peering"
of Azure's documentation.
"""

from collections.abc import Callable, Sequence
from ipaddress import ip_network

import msgspec

from shared.domain.artefacts import endpoint_id, is_own_zone, network_of, own_zone_id, rule_id
from shared.domain.edge import EdgeRequest, Exposure, Route
from shared.domain.edge_request import service_of
from shared.domain.ids import NodeKey, name_of, normal_id, same_id, type_of
from shared.domain.mesh import Mesh
from shared.domain.naming import edge_peering_name
from shared.domain.network import Hub, Subnet, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.private_link import NetworkRules, PrivateLinkGroup
from shared.reconcile.pair import edge_pair
from shared.reconcile.preflight import ENDPOINTS_ACROSS, ENDPOINTS_CROWDED, Party, endpoint_room, preflight

SERVICES: dict[str, tuple[str, bool]] = {
    "microsoft.storage/storageaccounts": ("Microsoft.Storage", True),
    "microsoft.sql/servers": ("Microsoft.Sql", True),
    "microsoft.keyvault/vaults": ("Microsoft.KeyVault", False),
    "microsoft.eventhub/namespaces": ("Microsoft.EventHub", False),
}
"""By lower-case type, the service endpoint that its network rules ask of a subnet, and whether only in its region."""

USUAL_PARTS = {
    "microsoft.storage/storageaccounts": "blob",
    "microsoft.synapse/workspaces": "Sql",
}
ENDPOINTS_SUBNET = "private-endpoints"
RESERVED = 5  # addresses of a subnet that Azure keeps for itself
UNFIT = (
    "gatewaysubnet",
    "azurebastionsubnet",
    "azurefirewallsubnet",
    "azurefirewallmanagementsubnet",
    "routeserversubnet",
)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a route depends on. `groups` and `rules` are those of the target; `gone` says that there is none any more.

    `present` is the route that an edge has: it is kept where it still works. `taken` are the names of zones in which
    the hub's answers for the target with somebody else's endpoint. `across` are the private endpoints that are known in
    the networks that the consumer's are peered with through its hub, `standing` the ids of those to the target that
    the consumer's edges have (looked up where there may be no more): they are counted, also while one is made again.
    """

    request: EdgeRequest
    consumer: NodeRecord
    provider: NodeRecord
    networks: tuple[VirtualNetwork, ...]
    theirs: tuple[VirtualNetwork, ...]
    groups: tuple[PrivateLinkGroup, ...] = ()
    rules: NetworkRules | None = None
    gone: bool = False
    present: Route | None = None
    taken: frozenset[str] = frozenset()
    across: int = 0
    standing: frozenset[str] = frozenset()

    @property
    def apart(self) -> set[str]:
        """The names of zones that the consumer has by itself, or is to have."""
        present = self.present.zones if self.present else ()
        own = {name_of(z).lower() for z in present if is_own_zone(self.consumer.key, z)}
        return {*self.consumer.own_zones, *self.taken, *own}


class Objection(msgspec.Struct, frozen=True):
    """What speaks against a way, and what would help."""

    reason: str
    message: str


def way(exposure: Exposure, mesh: Mesh, seen: Situation) -> Route | list[Objection]:
    """The route of an exposure, or what speaks against it."""
    return _WAYS[exposure](mesh, seen)


# --- private endpoint


def _private_endpoint(mesh: Mesh, seen: Situation) -> Route | list[Objection]:
    if seen.request.interface == "peering":
        return [Objection("JoinsNetworks", "it leads to one resource, and whole networks are to be joined.")]
    target = service_of(seen.request.target)
    if not seen.groups:
        message = f"{type_of(target)} takes no private endpoints."
        return [Objection("NoPrivateLink", message)]
    against = against_endpoint(seen.consumer)
    group = _part(seen, target)
    if group is None:
        offered = ", ".join(g.name for g in seen.groups)
        against.append(Objection("PartUnknown", f"name one of its parts in `part`: {offered}."))
    room = [n for n in seen.networks if not endpoint_room(n) or _has_its_endpoint(seen, n)]
    if seen.networks and not room:
        against += [Objection(f.reason, f.message) for f in endpoint_room(seen.networks[0])]
    subnet = _endpoint_subnet(room, seen.present)
    if subnet is None and (room or not seen.networks):
        against.append(_no_subnet(seen))
    if against or group is None or subnet is None:
        return against
    artefact = endpoint_id(mesh.name, network_of(subnet.id), target, group.name)
    if against := _crowded(seen, artefact):
        return against
    manual = seen.present is not None and seen.present.manual and same_id(seen.present.artefact, artefact)
    return Route(
        exposure="private-endpoint",
        why="",
        artefact=artefact,
        subnet=subnet.id,
        group=group.name,
        zones=_zones(mesh, seen, group),
        manual=manual,
    )


def _crowded(seen: Situation, artefact: str) -> list[Objection]:
    """One that an edge has already adds nothing."""
    if seen.across < ENDPOINTS_ACROSS or normal_id(artefact) in seen.standing:
        return []
    message = (
        f"{seen.across} private endpoints are known in hub {seen.consumer.hub} and the nodes that are peered with it:"
        f" beyond {ENDPOINTS_ACROSS} Azure drops packets without a word. Set the tag of {seen.consumer.key} to"
        " endpoints, which needs no peering, move it to another hub, or ask for service-endpoint where the target has"
        " one."
    )
    return [Objection(ENDPOINTS_CROWDED, message)]


def _part(seen: Situation, target: str) -> PrivateLinkGroup | None:
    """The part that was asked for; else the usual one of the type, or the only one."""
    by_name = {g.name.lower(): g for g in seen.groups}
    usual = USUAL_PARTS.get(type_of(target), "") if len(seen.groups) > 1 else seen.groups[0].name
    return by_name.get((seen.request.part or usual).lower())


def hub_of(mesh: Mesh, consumer: NodeRecord) -> Hub | None:
    """The hub whose zones name what a node connects to: also that of a node that is not attached to it."""
    return mesh.hub_for(consumer.hub, consumer.location)


def _zones(mesh: Mesh, seen: Situation, group: PrivateLinkGroup) -> tuple[str, ...]:
    """The hub's zones; where it has none of a name, or another endpoint has the target's name in it, the consumer's."""
    hub = hub_of(mesh, seen.consumer)
    shared = {name_of(z).lower(): z for z in (hub.zones if hub else ())}
    own = {n: own_zone_id(seen.consumer.key, n) for n in map(str.lower, group.zones)}
    return tuple(zone if n in seen.apart else shared.get(n, zone) for n, zone in own.items())


def own_zone(mesh: Mesh, consumer: NodeKey, zone: str) -> bool:
    """Whether a private zone is one that a consumer has by itself, and no hub's that lies in its group."""
    shared = any(same_id(zone, z) for hub in mesh.hubs for z in hub.zones)
    return is_own_zone(consumer, zone) and not shared


def _has_its_endpoint(seen: Situation, network: VirtualNetwork) -> bool:
    present = seen.present
    return (
        present is not None
        and present.exposure == "private-endpoint"
        and in_one(present.subnet, (network.id,))
    )


def in_one(subnet: str, networks: Sequence[str]) -> bool:
    """Whether a subnet lies in one of some networks."""
    return any(same_id(network_of(subnet), network) for network in networks)


def _endpoint_subnet(networks: Sequence[VirtualNetwork], present: Route | None) -> Subnet | None:
    """The one that it has; the one named for it; else the one with the most free addresses."""
    usable = [s for n in networks for s in n.subnets if not s.delegated and s.name.lower() not in UNFIT]
    if present and present.exposure == "private-endpoint":
        kept = next((s for s in usable if same_id(s.id, present.subnet)), None)
        if kept:
            return kept
    free = [s for s in usable if free_addresses(s) > 0]
    return max(free, key=lambda s: (s.name.lower() == ENDPOINTS_SUBNET, free_addresses(s)), default=None)


def free_addresses(subnet: Subnet) -> int:
    """How many addresses of a subnet nothing has yet, as far as it shows."""
    size = sum(ip_network(p, strict=False).num_addresses for p in subnet.address_prefixes if ":" not in p)
    return size - RESERVED - max(subnet.ip_configurations, subnet.private_endpoints)


def _no_subnet(seen: Situation) -> Objection:
    if not seen.networks:
        return _no_network(seen.consumer)
    message = (
        f"no subnet of {seen.networks[0].id} is free for it: create one that is called {ENDPOINTS_SUBNET}."
    )
    return Objection("NoSubnet", message)


def _no_network(node: NodeRecord) -> Objection:
    return Objection("NoVirtualNetwork", f"{node.key} has no virtual network: create one in its group.")


# --- service endpoint


def _service_endpoint(mesh: Mesh, seen: Situation) -> Route | list[Objection]:
    del mesh
    if seen.request.interface == "peering":
        return [Objection("JoinsNetworks", "it leads to one resource, and whole networks are to be joined.")]
    target = service_of(seen.request.target)
    service, regional = SERVICES.get(type_of(target), ("", False))
    if not service:
        return [Objection("NoServiceEndpoint", f"{type_of(target)} has no service endpoints.")]
    against: list[Objection] = []
    if seen.rules is None:
        against.append(Objection("NoNetworkRules", f"{target} has no network rules."))
    elif seen.rules.closed:
        message = f"public access to {target} is switched off: its network rules let nobody through."
        against.append(Objection("PublicAccessDisabled", message))
    if regional and not _same_region(seen.consumer.location, seen.provider.location):
        message = f"{service} reaches resources of its own region only ({seen.consumer.location})."
        against.append(Objection("OtherRegion", message))
    subnet = _workload_subnet(seen)
    if subnet is None:
        against.append(_no_subnet(seen))
    if against or subnet is None:
        return against
    artefact = rule_id(target, subnet.id)
    return Route(exposure="service-endpoint", why="", artefact=artefact, subnet=subnet.id, group=service)


def _workload_subnet(seen: Situation) -> Subnet | None:
    """The one that it has; else the one in which the most is: that is where connections come from."""
    usable = [s for n in seen.networks for s in n.subnets if s.name.lower() not in (*UNFIT, ENDPOINTS_SUBNET)]
    if seen.present and seen.present.exposure == "service-endpoint":
        kept = next((s for s in usable if seen.present and same_id(s.id, seen.present.subnet)), None)
        if kept:
            return kept
    return max(usable, key=lambda s: (s.ip_configurations, free_addresses(s)), default=None)


def _same_region(left: str, right: str) -> bool:
    return left.replace(" ", "").lower() == right.replace(" ", "").lower()


# --- through networks


def _through_hub(mesh: Mesh, seen: Situation) -> Route | list[Objection]:
    against = [*_public(seen, "hub"), *against_hub(mesh, seen.consumer, seen.provider), *_lacking(seen)]
    return against or Route(exposure="hub", why="")


def _peering(mesh: Mesh, seen: Situation) -> Route | list[Objection]:
    against = [*_public(seen, "peering"), *against_peering(seen.consumer, seen.provider), *_lacking(seen)]
    ends = ends_of(mesh.name, seen.request, seen.present, seen.networks, seen.theirs)
    if against or ends is None:
        return against
    ours, theirs = ends
    pair = edge_pair(mesh.name, ours, theirs)
    findings = preflight(pair, Party(ours), Party(theirs))
    against = [Objection(f.reason, f.message) for f in findings if f.severity == "error"]
    if against and not all(side.actual for side in pair):
        return against
    artefact = f"{ours.id}/virtualNetworkPeerings/{edge_peering_name(mesh.name, theirs.id)}"
    return Route(exposure="peering", why="", artefact=artefact)


def ends_of(
    mesh: str,
    request: EdgeRequest,
    present: Route | None,
    networks: Sequence[VirtualNetwork],
    theirs: Sequence[VirtualNetwork],
) -> tuple[VirtualNetwork, VirtualNetwork] | None:
    """The two networks that a peering joins: those of the present route, else the target's, else the first ones."""
    if present and present.exposure == "peering":
        for own in networks:
            for other in theirs:
                name = edge_peering_name(mesh, other.id)
                if same_id(present.artefact, f"{own.id}/virtualNetworkPeerings/{name}"):
                    return own, other
    named = _named_network(request)
    wanted = [n for n in theirs if same_id(n.id, named)]
    if named and not wanted:
        return None
    found = next(iter(wanted or theirs), None)
    return (networks[0], found) if networks and found else None


def _named_network(request: EdgeRequest) -> str:
    """The network that a target is, or is a part of; empty where its id does not tell."""
    outermost = service_of(request.target)
    return outermost if type_of(outermost) == "microsoft.network/virtualnetworks" else ""


def _public(seen: Situation, exposure: Exposure) -> list[Objection]:
    """A service that takes private endpoints has no address in its owner's network, unless the way is asked for."""
    if seen.request.interface == "peering" or exposure == seen.request.exposure:
        return []
    if not (seen.groups or seen.rules):
        return []
    message = f"{seen.request.target} has no address in the provider's network, as far as its type tells: ask for it"
    return [Objection("NotInNetwork", f"{message} by name if it has.")]


def _lacking(seen: Situation) -> list[Objection]:
    lacking = [(seen.consumer, seen.networks), (seen.provider, seen.theirs)]
    against = [_no_network(node) for node, networks in lacking if not networks]
    named = _named_network(seen.request)
    if named and not any(same_id(n.id, named) for n in seen.theirs):
        against.append(Objection("TargetNotFound", f"{named} is not there."))
    return against


def against_endpoint(consumer: NodeRecord) -> list[Objection]:
    """What the record of a node says against a private endpoint of its own."""
    if consumer.network != "none":
        return []
    message = (
        f"{consumer.key} has the network option none, with which no private name is resolved: set its tag to endpoints,"
        " or ask for service-endpoint where the target has one."
    )
    return [Objection("OptionForbids", message)]


def against_hub(mesh: Mesh, consumer: NodeRecord, provider: NodeRecord) -> list[Objection]:
    """What the records of two nodes say against leading an edge through the hub."""
    against = [_forbidden(n, "hub") for n in (consumer, provider) if n.network != "hub"]
    ours, theirs = mesh.hub(consumer.hub), mesh.hub(provider.hub)
    if against:
        return against
    if ours is None or theirs is None:
        missing = consumer if ours is None else provider
        return [Objection("NotAttached", f"{missing.key} is not attached to a hub yet.")]
    if ours != theirs and theirs.id not in ours.peers and ours.id not in theirs.peers:
        message = f"hubs {ours.id} and {theirs.id} are not peered: name one among the other's peers."
        return [Objection("HubsNotPeered", message)]
    closed = [h.id for h in (ours, theirs) if not h.allow_forwarded_traffic]
    if closed:
        return [Objection("HubDoesNotForward", f"hub {closed[0]} forwards no traffic between its nodes.")]
    return []


def against_peering(consumer: NodeRecord, provider: NodeRecord) -> list[Objection]:
    """What the records of two nodes say against peering their networks."""
    return [_forbidden(n, "peering") for n in (consumer, provider) if n.network not in ("hub", "mesh")]


def _forbidden(node: NodeRecord, way: str) -> Objection:
    needed = "hub" if way == "hub" else "hub or mesh"
    message = (
        f"{node.key} has the network option {node.network or 'unknown'}; it takes {needed}: change its tag."
    )
    return Objection("OptionForbids", message)


_WAYS: dict[Exposure, Callable[[Mesh, Situation], Route | list[Objection]]] = {
    "private-endpoint": _private_endpoint,
    "service-endpoint": _service_endpoint,
    "hub": _through_hub,
    "peering": _peering,
}
