"""What a hub's run sees: its network, those of the hubs whose pairs it leads, and which nodes have gone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from itertools import batched

import msgspec

from shared.domain.errors import NotFound
from shared.domain.hub import ComingEndpoint, HubRecord
from shared.domain.ids import Key, NodeKey, normal_id, same_id
from shared.domain.mesh import Mesh
from shared.domain.naming import edge_peering_prefix, hub_peering_name, is_hub_pair_name, node_peering_prefix
from shared.domain.network import Hub, Peering, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.permissions import Known
from shared.ports import NodeStore, ResourceManager
from shared.ports.mesh import EdgeStore
from shared.reconcile.hubs.coming import still_coming

MOST_READS = 25
"""Peerings whose far end is read in one run: the others wait for the next."""


class PeerHub(msgspec.Struct, frozen=True):
    """A hub whose pair with this one it leads, and its network; None where that is gone."""

    hub: Hub
    network: VirtualNetwork | None


class HubObservation(msgspec.Struct, frozen=True):
    """`network` is None where the hub's own is gone; `abandoned` are owned peerings whose node does not want them.

    `endpoints` are the private endpoints in the hub's network and, as the records say, in those of its nodes.
    `coming` are those that edges make and that these do not show yet. `permissions` are read where a pair is to be
    written.
    """

    network: VirtualNetwork | None
    peers: tuple[PeerHub, ...] = ()
    abandoned: tuple[Peering, ...] = ()
    endpoints: int = 0
    coming: tuple[ComingEndpoint, ...] = ()
    permissions: Known = {}


def peers_of(mesh: Mesh, hub: Hub) -> list[Hub]:
    """The hubs that a hub peers with: either of the two may name the other. None where the mesh is leaving."""
    if mesh.leaving:
        return []
    return [
        other
        for other in mesh.hubs
        if other.id != hub.id
        and (other.id in hub.peers or hub.id in other.peers)
        and not same_id(other.network, hub.network)
    ]


def led_by(mesh: Mesh, hub: Hub) -> list[Hub]:
    """The hubs whose pair with this one it writes, both sides of it."""
    return [other for other in peers_of(mesh, hub) if hub.id < other.id]


def node_behind(mesh: str, peering: Peering) -> NodeKey | None:
    """The node that a peering on a hub leads to, where it is ours by its name."""
    key = NodeKey.containing(peering.remote_network)
    if key is None or peering.name.lower() != hub_peering_name(mesh, key, peering.remote_network).lower():
        return None
    return key


def is_ours(mesh: str, peering: Peering) -> bool:
    """Whether a peering on a hub carries a name of ours, whoever leads it."""
    if node_behind(mesh, peering) or is_hub_pair_name(mesh, peering.name, peering.remote_network):
        return True
    key = NodeKey.containing(peering.remote_network)
    prefixes = [edge_peering_prefix(mesh), *([node_peering_prefix(mesh, key)] if key else [])]
    return peering.name.lower().startswith(tuple(p.lower() for p in prefixes))


async def observe(
    arm: ResourceManager,
    nodes: NodeStore,
    edges: EdgeStore,
    mesh: Mesh,
    hub: Hub,
    record: HubRecord,
    now: datetime,
) -> HubObservation:
    """One read, one more for each pair that the hub leads, and a few where something is left of a node.

    Raises what Azure and the stores answer.
    """
    network = await _network(arm, hub.network)
    if network is None:
        return HubObservation(None, coming=record.coming)
    peers = [PeerHub(other, await _network(arm, other.network)) for other in led_by(mesh, hub)]
    abandoned = await _abandoned(arm, nodes, mesh, network)
    # An edge that ends while nodes' rows are read is not taken for counted.
    makers = await _records(edges.get, [c.edge for c in record.coming])
    behind = await _records(nodes.get, [k for p in network.peerings if (k := node_behind(mesh.name, p))])
    endpoints = network.private_endpoints + sum(node.private_endpoints for node in behind.values())
    coming = tuple(c for c in record.coming if still_coming(c, makers, behind, now))
    return HubObservation(network, tuple(peers), tuple(abandoned), endpoints, coming)


async def _records[K: Key, R](get: Callable[[K], Awaitable[R | None]], keys: Iterable[K]) -> dict[K, R]:
    """Rows by their keys: of nodes the networks are not read."""
    found: dict[K, R] = {}
    for some in batched(sorted(set(keys), key=str), MOST_READS, strict=False):
        records = await asyncio.gather(*map(get, some))
        found |= {key: record for key, record in zip(some, records, strict=True) if record}
    return found


async def _abandoned(
    arm: ResourceManager, nodes: NodeStore, mesh: Mesh, network: VirtualNetwork
) -> Sequence[Peering]:
    found: list[Peering] = []
    reads = 0
    for peering in network.peerings:
        key = node_behind(mesh.name, peering)
        if (
            key is None
            or peering.state == "Connected"
            or peering.provisioning_state in ("Updating", "Deleting")
        ):
            continue
        record = await nodes.get(key)
        if record is None or record.state == "Offboarded":
            found.append(peering)
        elif _without(record, peering) and reads < MOST_READS:
            reads += 1
            if await _network(arm, peering.remote_network) is None:
                found.append(peering)
    return found


def _without(record: NodeRecord, peering: Peering) -> bool:
    """Whether a node that is looked after has other networks by now, or an event alone made its row."""
    if record.state == "Seen":
        return True
    return bool(record.networks) and normal_id(peering.remote_network) not in map(normal_id, record.networks)


async def _network(arm: ResourceManager, network_id: str) -> VirtualNetwork | None:
    try:
        return await arm.get_network(network_id)
    except NotFound:
        return None
