"""A connection between two networks: a pair of peerings, as it is and as it is to be, whoever leads it. Pure."""

import msgspec

from shared.domain.ids import NodeKey
from shared.domain.naming import (
    edge_peering_name,
    hub_pair_name,
    hub_peering_name,
    node_peering_name,
    spoke_peering_name,
)
from shared.domain.network import (
    Hub,
    Peering,
    PeeringFlags,
    VirtualNetwork,
    hub_flags,
    spoke_flags,
)
from shared.domain.plan import DeletePeering, NetworkStep

OPEN = PeeringFlags()
HUBS = PeeringFlags(allow_forwarded_traffic=True)
"""Between hubs traffic of their nodes is forwarded; each uses its own gateway."""


class End(msgspec.Struct, frozen=True):
    """One network of a pair: `network` is None where it is gone, `name` what its peering is called if it is ours.

    `flags` are those wanted for the side that lies on it; `hub` is the hub's id where it is a hub's network.
    """

    id: str
    network: VirtualNetwork | None
    name: str
    flags: PeeringFlags
    hub: str = ""

    @classmethod
    def on(cls, network: VirtualNetwork, name: str, flags: PeeringFlags, hub: str = "") -> "End":
        """The end on a network that is there."""
        return cls(network.id, network, name, flags, hub)


class Side(msgspec.Struct, frozen=True):
    """One side of a pair. `owned` is one that is ours by its name, or that is yet to be made.

    `gone` says that the network which it lies on is not there any more.
    """

    actual: Peering | None
    id: str
    remote_network: str
    flags: PeeringFlags
    on_hub: str
    owned: bool
    gone: bool = False


type Pair = tuple[Side, Side]
"""A side that lets the other one use its gateway comes first."""


def pair_of(first: End, second: End) -> Pair:
    """Both sides of the connection between two networks.

    Beside a side that somebody else made, a gateway is used or offered as that one allows: Azure refuses to borrow
    one that is not lent (`RemotePeeringDoesNotAllowGatewayTransit`), and to take back one that is in use.
    """
    sides = _side(first, second), _side(second, first)
    return _beside(sides[0], sides[1]), _beside(sides[1], sides[0])


def sides_of(mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork, network: VirtualNetwork) -> Pair:
    """The hub's side and the node's, as they are and as they are to be."""
    return pair_of(
        End.on(hub_network, hub_peering_name(mesh, key, network.id), hub_flags(hub), hub.id),
        End.on(network, spoke_peering_name(mesh, hub.network), spoke_flags(hub)),
    )


def nodes_pair(mesh: str, leader: NodeKey, own: VirtualNetwork, other: VirtualNetwork) -> Pair:
    """The pair between a network of the node that leads it and one of another node."""
    return pair_of(
        End.on(own, node_peering_name(mesh, leader, other.id), OPEN),
        End.on(other, node_peering_name(mesh, leader, own.id), OPEN),
    )


def hubs_pair(
    mesh: str, leader: Hub, other: Hub, own: VirtualNetwork | None, theirs: VirtualNetwork | None
) -> Pair:
    """The pair between the networks of two hubs; None is a network that is gone."""
    return pair_of(
        End(leader.network, own, hub_pair_name(mesh, leader.id, other.network), HUBS, leader.id),
        End(other.network, theirs, hub_pair_name(mesh, leader.id, leader.network), HUBS, other.id),
    )


def edge_pair(
    mesh: str, consumer: VirtualNetwork, provider: VirtualNetwork, flags: PeeringFlags = OPEN
) -> Pair:
    """The pair that edges between two networks share, the consumer's side first."""
    return pair_of(
        End.on(consumer, edge_peering_name(mesh, provider.id), flags),
        End.on(provider, edge_peering_name(mesh, consumer.id), flags),
    )


def connected(sides: Pair) -> bool:
    """Whether traffic passes."""
    return all(s.actual is not None and s.actual.state == "Connected" for s in sides)


def refuses_transit(hub_side: Side) -> bool:
    """Azure refuses a spoke that uses the hub's gateway over somebody else's peering that does not allow it."""
    actual = hub_side.actual
    return actual is not None and not hub_side.owned and not actual.flags.allow_gateway_transit


def _beside(side: Side, other: Side) -> Side:
    flags = side.flags
    if other.actual is None or other.owned:
        return side
    if flags.use_remote_gateways and refuses_transit(other):
        flags = msgspec.structs.replace(flags, use_remote_gateways=False)
    if other.actual.flags.use_remote_gateways:
        flags = msgspec.structs.replace(flags, allow_gateway_transit=True)
    return msgspec.structs.replace(side, flags=flags)


def _side(local: End, remote: End) -> Side:
    actual = local.network.peering_to(remote.id) if local.network else None
    owned = actual is None or actual.name.lower() == local.name.lower()
    peering_id = actual.id if actual else f"{local.id}/virtualNetworkPeerings/{local.name}"
    return Side(actual, peering_id, remote.id, local.flags, local.hub, owned, local.network is None)


def give_up_addresses(sides: Pair) -> list[NetworkStep]:
    """What is left of a pair that cannot be made again would go on blocking its addresses on the hub."""
    why = "the network that it led to has another address space by now, which cannot be attached"
    return [
        DeletePeering(s.id, why, s.on_hub)
        for s in sides
        if s.actual and s.owned and s.actual.state != "Connected"
    ]
