"""Looking at an edge: both nodes, what a route depends on, what stands for it in Azure, and who else needs that."""

from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from shared.domain.artefacts import as_rule, as_service_endpoint, is_endpoint, is_peering, network_of
from shared.domain.edge import GRANTED, EdgeRecord, Route
from shared.domain.edge_request import service_of
from shared.domain.errors import NotFound
from shared.domain.ids import NodeKey, normal_id, same_id, type_of
from shared.domain.mesh import Mesh
from shared.domain.network import VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.private_link import NetworkRules, PrivateEndpoint, PrivateLinkGroup
from shared.ports import NodeStore
from shared.ports.mesh import EdgeStore
from shared.ports.network import Azure
from shared.reconcile.edges.ways import SERVICES, Situation

MEMBERS = ("Ready", "Pending", "NotReady")
"""States of a node that may have edges."""


class Parties(msgspec.Struct, frozen=True):
    """Both nodes of an edge; None where one is no node any more, or is on its way out."""

    consumer: NodeRecord | None
    provider: NodeRecord | None


class Sights(msgspec.Struct, frozen=True):
    """What was looked at, by normal id; what is not there is gone. `connection` is the target's side of an endpoint
    that waits for approval."""

    endpoints: dict[str, PrivateEndpoint] = {}
    networks: dict[str, VirtualNetwork] = {}
    rules: dict[str, NetworkRules] = {}
    connection: str = ""

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

    def __init__(self, mesh: Mesh, arm: Azure, nodes: NodeStore, edges: EdgeStore) -> None:
        self._mesh = mesh
        self._arm = arm
        self._nodes = nodes
        self._edges = edges

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
        )

    async def networks(self, node: NodeKey) -> tuple[VirtualNetwork, ...]:
        """A node's networks; none where its group is gone."""
        try:
            return tuple(await self._arm.list_networks(node))
        except NotFound:
            return ()

    async def sights(self, artefacts: Sequence[str], route: Route | None, parties: Parties) -> Sights:
        """What there is of some artefacts, and of what else a route needs to be looked at."""
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
        )
        if route and route.exposure == "private-endpoint" and seen.endpoint(route.artefact) is None:
            home = await _those_there([network_of(route.subnet)], self._arm.get_network)
            seen = msgspec.structs.replace(seen, networks=seen.networks | home)
        if route and route.exposure in ("hub", "peering"):
            seen = msgspec.structs.replace(seen, networks=seen.networks | await self._between(route, parties))
        return msgspec.structs.replace(seen, connection=await self._connection(route, seen))

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


def _needs(edge: EdgeRecord) -> bool:
    """One that Failed for want of a route needs nothing; one that Failed on the way may still get there."""
    return edge.state in GRANTED or (edge.state == "Failed" and edge.route is not None)
