"""What is ours of a node's peerings, and what of it no longer belongs to its connection. Pure."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from shared.domain.address_space import overlaps
from shared.domain.ids import NodeKey, normal_id, same_id
from shared.domain.mesh import Mesh
from shared.domain.naming import hub_peering_prefix, node_peering_name, spoke_peering_name
from shared.domain.network import Peering, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.plan import DeletePeering
from shared.reconcile.observation import Observation
from shared.reconcile.options.full_mesh import TURN, leader_of
from shared.reconcile.options.scene import WantedPair

WHY = "it is ours and does not belong to the node's present connection"


class Ours(msgspec.Struct, frozen=True):
    """A peering that is ours: it connects `spoke`, a network of the node, with `other`, and lies on either of them.

    `turn` is what has to be waited for before it is written.
    """

    peering: Peering
    spoke: str
    other: str
    turn: str = ""

    @property
    def far(self) -> bool:
        """Whether it lies on the other network."""
        return not same_id(network_of(self.peering.id), self.spoke)

    @property
    def between(self) -> tuple[str, str]:
        return self.spoke, self.other

    def deleted(self, why: str) -> DeletePeering:
        return DeletePeering(self.peering.id, why, self.turn)


def network_of(peering_id: str) -> str:
    """The id of the network that a peering lies on."""
    return peering_id.rsplit("/", 2)[0]


def elsewhere(mesh: Mesh, record: NodeRecord, seen: Observation, connected: Iterable[str]) -> list[str]:
    """The networks outside the group on which something of ours may lie and that were not read: hardly ever any.

    `connected` are the networks that the node is to be connected with.
    """
    named = [o.other for o in _near(mesh, record, seen.networks)]
    ids = {normal_id(i): i for i in [*map(network_of, record.owned), *named]}
    known = {normal_id(i) for i in connected} | {normal_id(n.id) for n in _read(seen)}
    return [i for n, i in ids.items() if n not in known and NodeKey.containing(i) != record.key]


def ours(mesh: Mesh, record: NodeRecord, seen: Observation) -> list[Ours]:
    """The peerings of the node's connections that are ours by their name or by the record, the node's sides first."""
    return [*_near(mesh, record, seen.networks), *_far(mesh, record, seen)]


def former(found: Iterable[Ours], wanted: Iterable[WantedPair]) -> list[Ours]:
    """Those that are not part of a connection that is wanted, under whatever name: there can be only one."""
    present = {w.between for w in wanted}
    return [o for o in found if o.between not in present]


def in_the_way(leaving: Sequence[Ours], wanted: Sequence[WantedPair]) -> str:
    """Why Azure would refuse the new connection as long as the former one is there; empty where it takes both.

    A network uses one remote gateway at most, and the networks it is peered with may not overlap each other.
    """
    near = [o for o in leaving if not o.far]
    gateway = any(s.flags.use_remote_gateways for w in wanted if w.pair for s in w.pair)
    for one in near:
        if gateway and one.peering.flags.use_remote_gateways:
            return f"Azure lets a network use one remote gateway, and it uses that of {one.other}"
        for pair in wanted:
            if pair.parties and _meets(one, pair):
                return (
                    f"{one.other} overlaps {pair.remote}, and Azure lets a network be peered with one of them"
                )
    return ""


def unread(record: NodeRecord, seen: Observation, skipped: Collection[str]) -> list[str]:
    """What was recorded as ours and lies on a network that was not looked at: ours until it was seen to be gone."""
    unseen = {normal_id(i) for i in (*seen.unread, *skipped)}
    return [i for i in record.owned if normal_id(network_of(i)) in unseen]


def _meets(one: Ours, pair: WantedPair) -> bool:
    remote = [p.network for p in pair.parties or () if same_id(p.network.id, pair.remote)]
    return any(overlaps(one.peering.remote_address_prefixes, n.address_prefixes) for n in remote)


def _read(seen: Observation) -> list[VirtualNetwork]:
    hub = [seen.hub_network] if seen.hub_network else []
    return [*hub, *seen.former, *seen.partners]


def _near(mesh: Mesh, record: NodeRecord, networks: Sequence[VirtualNetwork]) -> list[Ours]:
    """A hub's network that lies in the group carries sides of others: of those only what is recorded is the node's."""
    recorded = {normal_id(i) for i in record.owned}
    hubs = {normal_id(h.network) for h in mesh.hubs}
    return [
        Ours(p, normal_id(n.id), normal_id(p.remote_network), _turn(mesh, record, p, far=False))
        for n in networks
        for p in n.peerings
        if normal_id(p.id) in recorded or (normal_id(n.id) not in hubs and _named(mesh, record.key, p))
    ]


def _far(mesh: Mesh, record: NodeRecord, seen: Observation) -> list[Ours]:
    recorded = {normal_id(i) for i in record.owned}
    return [
        Ours(p, normal_id(p.remote_network), normal_id(n.id), _turn(mesh, record, p, far=True))
        for n in _read(seen)
        if NodeKey.containing(n.id) != record.key or mesh.hub_of_network(n.id)
        for p in n.peerings
        if normal_id(p.id) in recorded or _named_for(mesh, record.key, p)
    ]


def _named(mesh: Mesh, key: NodeKey, peering: Peering) -> bool:
    """Whether a peering on the node's own network carries the name that we give to one that leads there."""
    names = {spoke_peering_name(mesh.name, peering.remote_network), *_between_nodes(mesh, key, peering)}
    return peering.name.lower() in {n.lower() for n in names}


def _named_for(mesh: Mesh, key: NodeKey, peering: Peering) -> bool:
    """Whether a peering on another network carries the name that we give to one that leads to the node."""
    if peering.name.lower().startswith(hub_peering_prefix(mesh.name, key).lower()):
        return True
    if NodeKey.containing(peering.remote_network) != key:
        return False
    return peering.name.lower() in {n.lower() for n in _between_nodes(mesh, key, peering)}


def _between_nodes(mesh: Mesh, key: NodeKey, peering: Peering) -> set[str]:
    sides = (NodeKey.containing(network_of(peering.id)), NodeKey.containing(peering.remote_network))
    partner = next((k for k in sides if k and k != key), None)
    if partner is None:
        return set()
    return {node_peering_name(mesh.name, leader_of(key, partner), peering.remote_network)}


def _turn(mesh: Mesh, record: NodeRecord, peering: Peering, *, far: bool) -> str:
    if ".node-" in peering.name:
        return TURN
    if not far:
        return ""
    hub = mesh.hub_of_network(network_of(peering.id))
    return hub.id if hub else record.hub
