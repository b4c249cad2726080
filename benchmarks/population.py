"""A mesh of so many nodes and edges in its tables, written by the product's own stores."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.ordered import OrderedStorage
from shared.adapters.tables.addresses import TableAddressBook
from shared.adapters.tables.edges import TableEdgeStore
from shared.adapters.tables.nodes import TableNodeStore
from shared.domain.conditions import CONNECTED, OBSERVED, READY, TAGS_VALID, Condition
from shared.domain.edge import EdgeRecord, EdgeRequest, EdgeState, Route
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import Coverage, NodeRecord, PeeringStatus

POOL = "10.0.0.0/8"
RARE = 50
"""Nodes that are not Ready, edges that wait for approval, and of each what is due, however many there are in all."""
EDGES_A_NODE = 100
"""What a consumer has, and a provider: a list of one node's edges is as long in a small mesh as in a large one."""
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
_ZONE = "privatelink.database.windows.net"
_RESOURCES = 8
_SHARING = 4


@dataclass(frozen=True, slots=True)
class Population:
    nodes: int
    edges: int

    @property
    def consumers(self) -> int:
        return self.edges // EDGES_A_NODE

    def consumer(self, number: int) -> NodeKey:
        """Whose edge the one of a number is."""
        return node_key(number // EDGES_A_NODE)

    def provider(self, number: int) -> NodeKey:
        return node_key(self.nodes - 1 - number % self.consumers)


class FixedClock:
    """Clock that stands at NOW."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0 * seconds)


async def populated(population: Population) -> OrderedStorage:
    """Tables with every node, edge and address of a population."""
    storage = OrderedStorage()
    nodes, edges = TableNodeStore(storage), TableEdgeStore(storage)
    book = TableAddressBook(storage, FixedClock())
    await asyncio.gather(nodes.index(), edges.index())
    for number in range(population.nodes):
        record = node(population, number)
        await nodes.save(record)
        slab = f"10.{number // 1024}.0.0/16"  # one that has room, so that nobody searches the whole pool
        await book.allocate([slab], 26, record.networks[0], record.key)
    for number in range(population.edges):
        await edges.save(edge(population, number))
    return storage


def node_key(number: int) -> NodeKey:
    return NodeKey.of(_SUBSCRIPTION, f"rg-product-{number:05}")


def artefact(population: Population, number: int) -> str:
    """The endpoint that an edge shares with its neighbours."""
    group = population.consumer(number).group_id
    return f"{group}/providers/Microsoft.Network/privateEndpoints/mesh-{number // _SHARING}"


def node(population: Population, number: int) -> NodeRecord:
    """One that is attached to a hub, with a network and diagnostics on each of its resources."""
    key = node_key(number)
    network = f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net"
    ready = not _rare(number, population.nodes)
    return NodeRecord(
        key=key,
        generation=3,
        observed_generation=3,
        state="Ready" if ready else "NotReady",
        product=f"product-{number}",
        domain=f"domain-{number % 20}",
        network="hub",
        telemetry="standard",
        hub="hub",
        location="westeurope",
        conditions=_conditions(ready),
        networks=(network,),
        peerings=(
            PeeringStatus(
                f"{network}/virtualNetworkPeerings/mesh", "Connected", "FullyInSync", "Succeeded", True
            ),
        ),
        coverage=tuple(Coverage(f"{network}-{n}", "covered", NOW, owned=True) for n in range(_RESOURCES)),
        first_seen=NOW,
        ready_at=NOW,
        next_due=_due(number, population.nodes, timedelta(hours=6)),
    )


def edge(population: Population, number: int) -> EdgeRecord:
    """One of a database's consumers; one in four reaches it through an endpoint, which has its name in a zone."""
    consumer, provider = population.consumer(number), population.provider(number)
    target = f"{provider.group_id}/providers/Microsoft.Sql/servers/s"
    zone = f"{consumer.group_id}/providers/Microsoft.Network/privateDnsZones/{_ZONE}"
    state: EdgeState = "PendingApproval" if _rare(number, population.edges) else "Active"
    private = number // _SHARING % 4 == 0
    return EdgeRecord(
        key=EdgeKey(f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}"),  # scattered, as random ids are
        request=EdgeRequest(
            consumer=consumer, provider=provider, interface="sql", target=target, purpose="reports"
        ),
        state=state,
        requested_by="11111111-2222-3333-4444-555555555555",
        requested_at=NOW,
        route=Route(
            exposure="private-endpoint" if private else "service-endpoint",
            why="the least exposing that the target offers",
            artefact=artefact(population, number) if private else "",
            zones=(zone,) if private else (),
        ),
        expires_at=NOW + timedelta(days=90),
        conditions=_conditions(state == "Active"),
        next_due=_due(number, population.edges, timedelta(days=60)),
    )


def _rare(number: int, total: int) -> bool:
    """Whether it is one of the few, which lie evenly among all."""
    return number % (total // RARE) == 0


def _due(number: int, total: int, later: timedelta) -> datetime:
    """The neighbours of the rare are due."""
    return NOW - timedelta(hours=1) if _rare(number + 1, total) else NOW + later


def _conditions(ready: bool) -> tuple[Condition, ...]:
    head = Condition(READY, "True" if ready else "False", "Converged" if ready else "HubMissing", since=NOW)
    return (
        head,
        *(Condition(kind, "True", "AsWanted", since=NOW) for kind in (TAGS_VALID, CONNECTED, OBSERVED)),
    )
