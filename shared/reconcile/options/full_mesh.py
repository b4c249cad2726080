"""The option `mesh`: a pair with every other node on the roster, led by the node whose key sorts first."""

from shared.domain.conditions import CONNECTED, Finding
from shared.domain.cost import full_mesh_peerings
from shared.domain.ids import NodeKey, normal_id
from shared.domain.naming import node_peering_name
from shared.domain.network import VirtualNetwork
from shared.domain.node import EVERYTHING
from shared.reconcile.options.scene import Scene, Wanted, WantedPair
from shared.reconcile.pair import OPEN, nodes_pair
from shared.reconcile.preflight import Party

ROSTER = "mesh"
TURN = "roster/mesh"
"""One pair of the full mesh is written at a time: two leaders may share a follower, whose network takes one write."""

PATIENCE = 40
"""So often, which is about half an hour, a follower looks whether its leader has written their pair."""


def mesh_pairs(scene: Scene) -> Wanted:
    """A pair between each of the node's networks and each of every other member's."""
    if scene.seen.refused:
        return Wanted(findings=(_full(scene),))
    return Wanted(
        tuple(
            _pair(scene, network, member.key, remote)
            for network in scene.own
            for member in scene.seen.members
            if member.key != scene.key
            for remote in member.networks
        )
    )


def leader_of(one: NodeKey, other: NodeKey) -> NodeKey:
    """The node that writes both sides of a pair."""
    return min(one, other)


def settled(scene: Scene, network: VirtualNetwork, partner: NodeKey, remote: str) -> bool:
    """Whether the node's own side tells that a pair is as it should be, so that nobody has to read the other's.

    It does not show the flags of the other side: whoever that lies on sees them, and asks its leader to look.
    """
    side = network.peering_to(remote)
    if side is None or (side.state, side.sync_level, side.provisioning_state) != (
        "Connected",
        "FullyInSync",
        "Succeeded",
    ):
        return False
    ours = side.name.lower() == _name(scene, partner, remote).lower()
    named = {*scene.record.taken, *scene.record.touched}
    touched = EVERYTHING in named or any(i.startswith(normal_id(remote)) for i in named)
    return (side.flags == OPEN or not ours) and not touched


def far_side(scene: Scene, wanted: WantedPair) -> str | None:
    """The id of the other side of a pair that was not read; None where it is not ours as far as can be told."""
    partner, side = NodeKey.containing(wanted.remote), wanted.side
    if partner is None or side is None or wanted.pair is not None:
        return None
    if side.name.lower() != _name(scene, partner, wanted.remote).lower():
        return None
    return f"{wanted.remote}/virtualNetworkPeerings/{_name(scene, partner, wanted.local.id)}"


def to_read(scene: Scene) -> list[str]:
    """The partners' networks that have to be looked at: none where all is well."""
    return [
        remote
        for member in scene.seen.members
        if member.key != scene.key
        for remote in member.networks
        if not all(settled(scene, network, member.key, remote) for network in scene.own)
    ]


def _pair(scene: Scene, network: VirtualNetwork, partner: NodeKey, remote: str) -> WantedPair:
    there = next((n for n in scene.seen.partners if normal_id(n.id) == normal_id(remote)), None)
    leader = leader_of(scene.key, partner)
    elsewhere = leader if leader != scene.key else None
    if there is None:
        notes = () if settled(scene, network, partner, remote) else (_gone(partner, remote),)
        return WantedPair(network, remote, leader=elsewhere, turn=TURN, notes=notes)
    first, second = (network, there) if leader == scene.key else (there, network)
    pair = nodes_pair(scene.mesh.name, leader, first, second)
    patient = scene.record.waits < PATIENCE
    return WantedPair(network, there.id, pair, (Party(first), Party(second)), elsewhere, TURN, patient)


def _name(scene: Scene, partner: NodeKey, remote: str) -> str:
    return node_peering_name(scene.mesh.name, leader_of(scene.key, partner), remote)


def _gone(partner: NodeKey, remote: str) -> Finding:
    message = (
        f"{remote} of {partner} is on the roster but not there: it is taken off once that node was looked at."
    )
    return Finding(CONNECTED, "PartnerGone", message, "warning")


def _full(scene: Scene) -> Finding:
    nodes, limit = len(scene.seen.members), scene.mesh.full_mesh
    now, then = full_mesh_peerings(nodes), full_mesh_peerings(nodes + 1)
    message = (
        f"Full mesh takes {limit} nodes, and {nodes} are on its roster. One more would add {then - now} peerings, to"
        f" {then} in all, since every node is peered with every other. Choose mesh-network hub, or"
        " have another node leave; this one is looked at again then."
    )
    return Finding(CONNECTED, "MeshFull", message)
