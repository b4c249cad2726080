"""Which peerings a node's networks need: a pure function of what was observed."""

from collections.abc import Sequence

import msgspec

from shared.domain.address_space import overlaps
from shared.domain.conditions import CONNECTED, Finding
from shared.domain.ids import NodeKey, normal_id, same_id
from shared.domain.naming import hub_peering_name, hub_peering_prefix, spoke_peering_name
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

type Decided = tuple[list[NetworkStep], list[Finding]]


class _Side(msgspec.Struct, frozen=True):
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


def attach(
    mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork, networks: Sequence[VirtualNetwork]
) -> Decided:
    """The steps that connect every network of a node with its hub, and what stands in the way."""
    own = [n for n in networks if not same_id(n.id, hub_network.id)]
    stale = _stale(mesh, key, hub, hub_network, own)
    steps: list[NetworkStep] = list(stale)
    findings = _absences(networks, own)
    for network in own:
        more, found = _attach_one(mesh, key, hub, hub_network, network, {normal_id(s.id) for s in stale})
        steps += more
        findings += found
    return steps, findings


def detach(
    mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork | None, networks: Sequence[VirtualNetwork]
) -> list[NetworkStep]:
    """The steps that remove what Meshplane owns between a node and its hub, the node's side first."""
    why = "the group is no longer a node"
    spokes = [DeletePeering(p.id, why) for p in _owned_on_spokes(mesh, hub, networks)]
    return [*spokes, *(DeletePeering(p.id, why, hub.id) for p in _owned_on_hub(mesh, key, hub_network))]


def owned_peerings(
    mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork | None, networks: Sequence[VirtualNetwork]
) -> list[Peering]:
    """The peerings between a node and its hub that carry our names."""
    return [*_owned_on_spokes(mesh, hub, networks), *_owned_on_hub(mesh, key, hub_network)]


def _absences(networks: Sequence[VirtualNetwork], own: Sequence[VirtualNetwork]) -> list[Finding]:
    if own:
        return []
    if networks:
        message = "The group holds the hub's own network, which cannot be attached to itself."
        return [Finding(CONNECTED, "IsHub", message)]
    message = "The group has no virtual network: create one in it to connect it to the hub."
    return [Finding(CONNECTED, "NoVirtualNetwork", message, "warning")]


def _attach_one(
    mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork, network: VirtualNetwork, leaving: set[str]
) -> Decided:
    sides = _sides(mesh, key, hub, hub_network, network)
    updating = [s.id for s in sides if s.actual and s.actual.provisioning_state in ("Updating", "Deleting")]
    if updating or network.provisioning_state == "Updating":
        what = updating[0] if updating else network.id
        message = f"Azure is still working on {what}."
        return [], [Finding(CONNECTED, "Updating", message, "info", waiting=True)]
    wanted = _repair(sides)
    transit = _transit(hub, sides[0])
    if not wanted:
        return [], transit
    if meeting := _overlap(hub_network, network, leaving):
        return _give_up_addresses(sides), meeting
    foreign = {s.id for s in sides if not s.owned}
    # Azure refuses to write the one side while the other is Disconnected.
    stuck = any(s.disconnected and not s.owned for s in sides)
    ours = [] if stuck else [step for step in wanted if step.id not in foreign]
    return ours, [*transit, *_foreign([step.id for step in wanted if step.id in foreign])]


def _sides(
    mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork, network: VirtualNetwork
) -> tuple[_Side, _Side]:
    hub_side = _side(hub_network, network, hub_peering_name(mesh, key, network.id), hub_flags(hub), hub.id)
    flags = spoke_flags(hub)
    if _refuses_transit(hub_side):
        flags = msgspec.structs.replace(flags, use_remote_gateways=False)
    return hub_side, _side(network, hub_network, spoke_peering_name(mesh, hub.network), flags, "")


def _give_up_addresses(sides: tuple[_Side, _Side]) -> list[NetworkStep]:
    """What is left of a pair that cannot be made again would go on blocking its addresses on the hub."""
    why = "the network that it led to has another address space by now, which cannot be attached"
    return [
        DeletePeering(s.id, why, s.on_hub)
        for s in sides
        if s.actual and s.owned and s.actual.state != "Connected"
    ]


def _refuses_transit(hub_side: _Side) -> bool:
    """Azure refuses a spoke that uses the hub's gateway over somebody else's peering that does not allow it."""
    actual = hub_side.actual
    return actual is not None and not hub_side.owned and not actual.flags.allow_gateway_transit


def _transit(hub: Hub, hub_side: _Side) -> list[Finding]:
    if not (hub.gateway and _refuses_transit(hub_side)):
        return []
    message = f"{hub_side.id}, which Meshplane did not make, does not let the node use the hub's gateway."
    return [Finding(CONNECTED, "ForeignPeering", message, "warning")]


def _side(
    local: VirtualNetwork, remote: VirtualNetwork, name: str, flags: PeeringFlags, on_hub: str
) -> _Side:
    actual = local.peering_to(remote.id)
    owned = actual is None or actual.name.lower() == name.lower()
    peering_id = actual.id if actual else f"{local.id}/virtualNetworkPeerings/{name}"
    return _Side(actual, peering_id, remote.id, flags, on_hub, owned)


def _repair(sides: tuple[_Side, _Side]) -> list[NetworkStep]:
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


def _put(side: _Side, why: str, *, sync: bool = False, differences: tuple[str, ...] = ()) -> PutPeering:
    return PutPeering(side.id, side.remote_network, side.flags, why, side.on_hub, sync, differences)


def _write(side: _Side, other: _Side) -> PutPeering | None:
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


def _overlap(hub_network: VirtualNetwork, network: VirtualNetwork, leaving: set[str]) -> list[Finding]:
    """Azure checks both networks of a peering against the other one and every network already peered to that."""
    against = [
        (network, [(hub_network.id, hub_network.address_prefixes), *_taken(network, hub_network, leaving)]),
        (hub_network, _taken(hub_network, network, leaving)),
    ]
    meets = [
        f"{mine} of {local.name} overlaps {theirs} of {other}"
        for local, taken in against
        for other, prefixes in taken
        for mine, theirs in overlaps(local.address_prefixes, prefixes)
    ]
    if not meets:
        return []
    message = "; ".join(meets) + ". Give the node's network an address space of its own."
    return [Finding(CONNECTED, "AddressSpaceOverlap", message)]


def _taken(
    local: VirtualNetwork, remote: VirtualNetwork, leaving: set[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Which networks, apart from the one that is to be peered, are peered with the remote, and their addresses."""
    return [
        (p.remote_network, p.remote_address_prefixes)
        for p in remote.peerings
        if not same_id(p.remote_network, local.id) and normal_id(p.id) not in leaving
    ]


def _foreign(broken: Sequence[str]) -> list[Finding]:
    if not broken:
        return []
    message = (
        f"{', '.join(broken)} needs repair, but Meshplane did not make it and leaves it alone. Repair it, or delete"
        " it so that Meshplane can make its own: Azure allows one peering between two networks."
    )
    return [Finding(CONNECTED, "ForeignPeering", message)]


def _stale(
    mesh: str, key: NodeKey, hub: Hub, hub_network: VirtualNetwork, own: Sequence[VirtualNetwork]
) -> list[DeletePeering]:
    """Owned peerings of the hub to networks that the node no longer has: they would block their addresses for ever."""
    kept = {normal_id(n.id) for n in own}
    return [
        DeletePeering(p.id, f"its remote network {p.remote_network} is gone", hub.id)
        for p in _owned_on_hub(mesh, key, hub_network)
        if normal_id(p.remote_network) not in kept
    ]


def _owned_on_spokes(mesh: str, hub: Hub, networks: Sequence[VirtualNetwork]) -> list[Peering]:
    name = spoke_peering_name(mesh, hub.network).lower()
    found = (n.peering_to(hub.network) for n in networks)
    return [p for p in found if p and p.name.lower() == name]


def _owned_on_hub(mesh: str, key: NodeKey, hub_network: VirtualNetwork | None) -> list[Peering]:
    prefix = hub_peering_prefix(mesh, key).lower()
    return [p for p in (hub_network.peerings if hub_network else ()) if p.name.lower().startswith(prefix)]
