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
    flag_differences,
    hub_flags,
    spoke_flags,
)
from shared.domain.plan import DeletePeering, NetworkStep, PutPeering

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

    @property
    def disconnected(self) -> bool:
        return self.actual is not None and self.actual.state == "Disconnected"


type Pair = tuple[Side, Side]
"""A side that lets the other one use its gateway comes first."""


def pair_of(first: End, second: End) -> Pair:
    """Both sides of the connection between two networks."""
    return _side(first, second), _side(second, first)


def sides_of(mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork, network: VirtualNetwork) -> Pair:
    """The hub's side and the node's, as they are and as they are to be."""
    on_hub = End.on(hub_network, hub_peering_name(mesh, key, network.id), hub_flags(hub), hub.id)
    on_node = End.on(network, spoke_peering_name(mesh, hub.network), spoke_flags(hub))
    first, second = pair_of(on_hub, on_node)
    if refuses_transit(first):
        flags = msgspec.structs.replace(second.flags, use_remote_gateways=False)
        second = msgspec.structs.replace(second, flags=flags)
    return first, second


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


def _side(local: End, remote: End) -> Side:
    actual = local.network.peering_to(remote.id) if local.network else None
    owned = actual is None or actual.name.lower() == local.name.lower()
    peering_id = actual.id if actual else f"{local.id}/virtualNetworkPeerings/{local.name}"
    return Side(actual, peering_id, remote.id, local.flags, local.hub, owned, local.network is None)


def repair(sides: tuple[Side, Side]) -> list[NetworkStep]:
    """The writes that make a pair Connected and in sync.

    A Disconnected side goes first: Azure refuses the other (`RemotePeeringIsDisconnected`) until it has been
    written again. Then the hub's, since a node may use a gateway only once the hub allows its transit.
    """
    hub_side, spoke_side = sides
    if hub_side.disconnected and spoke_side.disconnected:
        why = "disconnected on both sides: Azure accepts neither until one is gone"
        writes = (_put(spoke_side, why), _put(hub_side, why))
        return [DeletePeering(hub_side.id, why, hub_side.on_hub), *writes]
    needed = [
        step
        for side, other in ((hub_side, spoke_side), (spoke_side, hub_side))
        if (step := _write(side, other)) is not None
    ]
    disconnected = {s.id for s in sides if s.disconnected}
    return sorted(needed, key=lambda step: step.id not in disconnected)


def _put(side: Side, why: str, *, sync: bool = False, differences: tuple[str, ...] = ()) -> PutPeering:
    return PutPeering(side.id, side.remote_network, side.flags, why, side.on_hub, sync, differences)


def _write(side: Side, other: Side) -> PutPeering | None:
    actual = side.actual
    if actual is None:
        return _put(side, "missing")
    if side.disconnected:
        return _put(
            side,
            "disconnected: the other side was deleted",
            differences=("state: Disconnected -> Connected",),
        )
    if actual.provisioning_state == "Failed":
        return _put(side, "its last write failed", differences=("provisioningState: Failed -> Succeeded",))
    changed = flag_differences(actual.flags, side.flags) if side.owned else ()
    if changed:
        return _put(side, "flags differ", differences=changed)
    if actual.state == "Connected" and actual.sync_level in ("LocalNotInSync", "LocalAndRemoteNotInSync"):
        return _put(side, "address space changed", sync=True, differences=_sync(actual))
    if actual.state == "Connected" and other.actual and actual.sync_level == "RemoteNotInSync":
        return None  # the other side is the one to write
    if actual.state == "Initiated" and other.actual and other.actual.state == "Initiated":
        return _put(side, "both sides wait for each other", differences=("state: Initiated -> Connected",))
    return None


def _sync(actual: Peering) -> tuple[str, ...]:
    return (f"peeringSyncLevel: {actual.sync_level} -> FullyInSync",)


def give_up_addresses(sides: Pair) -> list[NetworkStep]:
    """What is left of a pair that cannot be made again would go on blocking its addresses on the hub."""
    why = "the network that it led to has another address space by now, which cannot be attached"
    return [
        DeletePeering(s.id, why, s.on_hub)
        for s in sides
        if s.actual and s.owned and s.actual.state != "Connected"
    ]
