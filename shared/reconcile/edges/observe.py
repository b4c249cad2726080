"""Looking at an edge: both nodes, what a route depends on, what stands for it in Azure, and who else needs that."""

from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from shared.domain.artefacts import (
    as_rule,
    as_service_endpoint,
    contains,
    is_endpoint,
    is_peering,
    is_zone,
    network_of,
)
from shared.domain.edge import GRANTED, EdgeRecord, Route, keeps
from shared.domain.edge_request import service_of
from shared.domain.errors import NotFound
from shared.domain.ids import NodeKey, name_of, normal_id, same_id, type_of
from shared.domain.mesh import Mesh
from shared.domain.network import VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.private_link import NetworkRules, PrivateEndpoint, PrivateLinkGroup, ZoneLink
from shared.ports import NodeStore
from shared.ports.mesh import EdgeStore
from shared.ports.network import Azure
from shared.reconcile.edges.room import Room
from shared.reconcile.edges.ways import SERVICES, Situation, own_zone
from shared.reconcile.preflight import ENDPOINTS_ACROSS

MEMBERS = ("Ready", "Pending", "NotReady")
"""States of a node that may have edges."""


class Parties(msgspec.Struct, frozen=True):
    """Both nodes of an edge; None where one is no node any more, or is on its way out."""

    consumer: NodeRecord | None
    provider: NodeRecord | None


class ZoneSight(msgspec.Struct, frozen=True):
    """A private zone that a consumer has by itself: who made it, as far as that had to be read, and its links."""

    mesh: str
    links: tuple[ZoneLink, ...]

    def serves(self, network: str) -> bool:
        """Whether a network asks this zone."""
        return any(same_id(k.network, network) and k.state == "Completed" for k in self.links)


class Sights(msgspec.Struct, frozen=True):
    """What was looked at, by normal id; what is not there is gone. `connection` is the target's side of an endpoint
    that waits for approval. `answers` are the addresses that a zone has for the name of the target."""

    endpoints: dict[str, PrivateEndpoint] = {}
    networks: dict[str, VirtualNetwork] = {}
    rules: dict[str, NetworkRules] = {}
    zones: dict[str, ZoneSight] = {}
    answers: dict[str, tuple[str, ...]] = {}
    connection: str = ""

    def zone(self, zone: str) -> ZoneSight | None:
        return self.zones.get(normal_id(zone))

    def answer(self, zone: str) -> set[str]:
        return set(self.answers.get(normal_id(zone), ()))

    def endpoint(self, artefact: str) -> PrivateEndpoint | None:
        return self.endpoints.get(normal_id(artefact))

    def network(self, network: str) -> VirtualNetwork | None:
        return self.networks.get(normal_id(network))

    def admits(self, target: str, subnet: str) -> bool:
        """Whether the network rules of a target let a subnet through."""
        rules = self.rules.get(normal_id(target))
        return rules is not None and any(same_id(s, subnet) for s in rules.subnets)

    def serves(self, subnet: str, service: str) -> bool:
        """Whether a subnet has a service endpoint."""
        network = self.network(network_of(subnet))
        found = next((s for s in network.subnets if same_id(s.id, subnet)), None) if network else None
        return found is not None and service.lower() in {s.lower() for s in found.service_endpoints}


class Others(msgspec.Struct, frozen=True):
    """Artefacts that other live edges of the consumer have, and those among them that they still need."""

    owned: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()


class EdgeObserver:
    """Reads; writes nothing. Raises what Azure and the stores answer."""

    def __init__(self, mesh: Mesh, arm: Azure, nodes: NodeStore, edges: EdgeStore, room: Room) -> None:
        self._mesh = mesh
        self._arm = arm
        self._nodes = nodes
        self._edges = edges
        self._room = room

    async def parties(self, record: EdgeRecord) -> Parties:
        return Parties(
            await self._member(record.request.consumer), await self._member(record.request.provider)
        )

    async def others(self, record: EdgeRecord) -> Others:
        """Every artefact lies in the consumer's networks or names them, so that only its edges can share one."""
        edges = [e for e in await self._edges.of_node(record.request.consumer) if e.key != record.key]
        return Others(
            frozenset(normal_id(a) for e in edges for a in e.owned),
            frozenset(normal_id(a) for e in edges if _needs(e) for a in e.owned),
        )

    async def situation(self, record: EdgeRecord, consumer: NodeRecord, provider: NodeRecord) -> Situation:
        """What a route depends on: three or four reads."""
        request = record.request
        target = service_of(request.target)
        networks, theirs = await self.networks(consumer.key), await self.networks(provider.key)
        groups: Sequence[PrivateLinkGroup] = ()
        rules: NetworkRules | None = None
        gone = False
        if request.interface != "peering":
            try:
                groups = await self._arm.list_private_link_groups(target)
                if type_of(target) in SERVICES:
                    rules = await self._arm.get_network_rules(target)
            except NotFound:
                gone = True
        across = await self._room.across(record, consumer)
        return Situation(
            request=request,
            consumer=consumer,
            provider=provider,
            networks=networks,
            theirs=theirs,
            groups=tuple(groups),
            rules=rules,
            gone=gone,
            present=record.route,
            across=across,
            standing=await self._standing(consumer.key, target)
            if across >= ENDPOINTS_ACROSS
            else frozenset(),
        )

    async def crowded(self, record: EdgeRecord, consumer: NodeRecord) -> bool:
        """Whether there may be no more private endpoints where a route that was planned before is to make one."""
        route = record.route
        if route is None or not is_endpoint(route.artefact) or contains(record.owned, route.artefact):
            return False
        return await self._room.across(record, consumer) >= ENDPOINTS_ACROSS

    async def makes_room(self, record: EdgeRecord, route: Route | None, consumer: NodeRecord) -> bool:
        """Whether the endpoint of a route, where there is to be one, has a place among all that there may be."""
        if await self._room.taken(record, route, consumer):
            return True
        standing = await self._standing(consumer.key, service_of(record.request.target))
        return route is not None and normal_id(route.artefact) in standing

    async def _standing(self, consumer: NodeKey, target: str) -> frozenset[str]:
        edges = [
            e for e in await self._edges.of_node(consumer) if same_id(service_of(e.request.target), target)
        ]
        return frozenset(
            normal_id(a) for e in edges if e.request.consumer == consumer for a in e.owned if is_endpoint(a)
        )

    async def networks(self, node: NodeKey) -> tuple[VirtualNetwork, ...]:
        """A node's networks; none where its group is gone."""
        try:
            return tuple(await self._arm.list_networks(node))
        except NotFound:
            return ()

    async def sights(self, artefacts: Sequence[str], route: Route | None, parties: Parties) -> Sights:
        """What there is of some artefacts, and of what else a route needs to be looked at."""
        zones = {a for a in artefacts if is_zone(a)}
        endpoints = {a for a in artefacts if is_endpoint(a)}
        rules = {r[0] for a in artefacts if (r := as_rule(a))}
        networks = {network_of(s[0]) for a in artefacts if (s := as_service_endpoint(a))}
        networks |= {network_of(a) for a in artefacts if is_peering(a)}
        if route and route.exposure == "service-endpoint":
            networks.add(network_of(route.subnet))
        seen = Sights(
            await _those_there(endpoints, self._arm.get_private_endpoint),
            await _those_there(networks, self._arm.get_network),
            await _those_there(rules, self._arm.get_network_rules),
            await _those_there(zones, self._owned_zone),
        )
        if route and route.exposure == "private-endpoint" and seen.endpoint(route.artefact) is None:
            home = await _those_there([network_of(route.subnet)], self._arm.get_network)
            seen = msgspec.structs.replace(seen, networks=seen.networks | home)
        if route and route.exposure in ("hub", "peering"):
            seen = msgspec.structs.replace(seen, networks=seen.networks | await self._between(route, parties))
        return msgspec.structs.replace(seen, connection=await self._connection(route, seen))

    async def names(self, record: EdgeRecord, route: Route | None, seen: Sights) -> Sights:
        """With what the zones of a route answer, and with those that the consumer has by itself.

        One read for a zone of the hub; of an own one its links besides, and who made it where that is not recorded.
        """
        if route is None or route.exposure != "private-endpoint":
            return seen
        endpoint, target = seen.endpoint(route.artefact), service_of(record.request.target)
        kept = {normal_id(r.zone): r.name for r in (endpoint.records if endpoint else ())}
        answers: dict[str, tuple[str, ...]] = {}
        for zone in route.zones:
            name = kept.get(normal_id(zone), name_of(target).lower())
            answers[normal_id(zone)] = tuple(await self._arm.get_addresses(zone, name))
        own = [z for z in route.zones if self._own(record, z) and seen.zone(z) is None]
        unknown = [z for z in own if not contains(record.owned, z)]
        zones = seen.zones | await _those_there(unknown, self._zone)
        return msgspec.structs.replace(seen, zones=zones, answers=answers)

    async def taken(self, record: EdgeRecord, route: Route | None, seen: Sights) -> frozenset[str]:
        """The names of the hub's zones of a route in which the target's name is somebody else's.

        That of another consumer's edge, as the records say; or of whoever wrote it, as the zone itself answers. And
        those that another edge with the same endpoint keeps in the consumer's own zone: an endpoint has one zone group.
        """
        if route is None or route.exposure != "private-endpoint":
            return frozenset()
        endpoint, target = seen.endpoint(route.artefact), service_of(record.request.target)
        ours = set(endpoint.addresses) if endpoint else set[str]()
        shared = [z for z in route.zones if not self._own(record, z)]
        found: set[str] = set()
        for zone in shared:
            answer = seen.answer(zone)
            others = await self._edges.naming(zone, target)
            if (answer and not answer & ours) or any(_first(e, record, zone) for e in others):
                found.add(name_of(zone).lower())
        return frozenset(found | await self._led_apart(record, route) & {name_of(z).lower() for z in shared})

    async def _led_apart(self, record: EdgeRecord, route: Route) -> set[str]:
        """The names of the consumer's own zones to which edges with the same endpoint are led."""
        edges = await self._edges.of_node(record.request.consumer)
        routes = [e.route for e in edges if e.key != record.key and e.route and _needs(e)]
        same = [r for r in routes if same_id(r.artefact, route.artefact)]
        return {name_of(z).lower() for r in same for z in r.zones if self._own(record, z)}

    def _own(self, record: EdgeRecord, zone: str) -> bool:
        return own_zone(self._mesh, record.request.consumer, zone)

    async def _zone(self, zone: str) -> ZoneSight:
        return ZoneSight((await self._arm.get_zone(zone)).mesh, tuple(await self._arm.list_zone_links(zone)))

    async def _owned_zone(self, zone: str) -> ZoneSight:
        return ZoneSight(self._mesh.name, tuple(await self._arm.list_zone_links(zone)))

    async def _between(self, route: Route, parties: Parties) -> dict[str, VirtualNetwork]:
        """The networks of both nodes; and the consumer's hub's, where the provider has another one."""
        nodes = [n for n in (parties.consumer, parties.provider) if n]
        found = [v for n in nodes for v in await self.networks(n.key)]
        hubs = [h for n in nodes if (h := self._mesh.hub(n.hub))]
        if route.exposure == "hub" and len({h.id for h in hubs}) > 1:
            network = await _if_there(self._arm.get_network(hubs[0].network))
            found += [network] if network else []
        return {normal_id(v.id): v for v in found}

    async def _connection(self, route: Route | None, seen: Sights) -> str:
        endpoint = seen.endpoint(route.artefact) if route else None
        if endpoint is None or endpoint.connection_state != "Pending":
            return ""
        connections = await _if_there(self._arm.list_private_endpoint_connections(endpoint.target)) or ()
        return next((c.id for c in connections if same_id(c.endpoint, endpoint.id)), "")

    async def _member(self, key: NodeKey) -> NodeRecord | None:
        record = await self._nodes.get(key)
        return record if record and record.state in MEMBERS else None


async def _those_there[T](names: Collection[str], read: Callable[[str], Awaitable[T | None]]) -> dict[str, T]:
    """What is there of some ids, by normal id."""
    found = {normal_id(name): await _if_there(read(name)) for name in sorted(names)}
    return {name: value for name, value in found.items() if value is not None}


async def _if_there[T](reading: Awaitable[T]) -> T | None:
    try:
        return await reading
    except NotFound:
        return None


def _first(edge: EdgeRecord, record: EdgeRecord, zone: str) -> bool:
    """Whether an edge has more of a right to the target's name in a zone than the edge of a record.

    Whoever was seen to have it keeps it, also while it is revoked: it goes with the endpoint. Of two that are being
    made the one whose key sorts first has it; both see the other, since each is recorded before it looks.
    """
    if edge.request.consumer == record.request.consumer or contains(record.named, zone):
        return False
    if edge.state not in GRANTED:
        return bool(edge.owned)
    return record.state not in GRANTED or contains(edge.named, zone) or edge.key < record.key


def _needs(edge: EdgeRecord) -> bool:
    """One that Failed for want of a route needs nothing; one that Failed on the way may still get there."""
    return keeps(edge) or (edge.state == "Failed" and edge.route is not None)
