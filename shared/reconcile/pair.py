"""The pair of peerings between a node's network and its hub: what there is, and the writes that mend it."""

import msgspec

from shared.domain.ids import NodeKey
from shared.domain.naming import hub_peering_name, spoke_peering_name
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


class Side(msgspec.Struct, frozen=True):
    """One side of the pair that connects a node's network with the hub."""

    actual: Peering | None
    id: str
    remote_network: str
    flags: PeeringFlags
    on_hub: str
    owned: bool

    @property
    def disconnected(self) -> bool:
        return self.actual is not None and self.actual.state == "Disconnected"


def sides_of(
    mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork, network: VirtualNetwork
) -> tuple[Side, Side]:
    """The hub's side and the node's, as they are and as they are to be."""
    hub_side = _side(hub_network, network, hub_peering_name(mesh, key, network.id), hub_flags(hub), hub.id)
    flags = spoke_flags(hub)
    if refuses_transit(hub_side):
        flags = msgspec.structs.replace(flags, use_remote_gateways=False)
    return hub_side, _side(network, hub_network, spoke_peering_name(mesh, hub.network), flags, "")


def connected(sides: tuple[Side, Side]) -> bool:
    """Whether traffic passes."""
    return all(s.actual is not None and s.actual.state == "Connected" for s in sides)


def refuses_transit(hub_side: Side) -> bool:
    """Azure refuses a spoke that uses the hub's gateway over somebody else's peering that does not allow it."""
    actual = hub_side.actual
    return actual is not None and not hub_side.owned and not actual.flags.allow_gateway_transit


def _side(local: VirtualNetwork, remote: VirtualNetwork, name: str, flags: PeeringFlags, on_hub: str) -> Side:
    actual = local.peering_to(remote.id)
    owned = actual is None or actual.name.lower() == name.lower()
    peering_id = actual.id if actual else f"{local.id}/virtualNetworkPeerings/{name}"
    return Side(actual, peering_id, remote.id, flags, on_hub, owned)


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


def give_up_addresses(sides: tuple[Side, Side]) -> list[NetworkStep]:
    """What is left of a pair that cannot be made again would go on blocking its addresses on the hub."""
    why = "the network that it led to has another address space by now, which cannot be attached"
    return [
        DeletePeering(s.id, why, s.on_hub)
        for s in sides
        if s.actual and s.owned and s.actual.state != "Connected"
    ]
