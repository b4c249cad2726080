"""The options `hub` and `sandbox`: one pair with the hub, open or closed."""

from collections.abc import Callable

import msgspec

from shared.domain.conditions import CONNECTED, Finding
from shared.domain.naming import hub_peering_name, spoke_peering_name
from shared.domain.network import Hub, PeeringFlags, VirtualNetwork
from shared.reconcile.options.scene import Scene, Wanted, WantedPair
from shared.reconcile.pair import End, Pair, pair_of, refuses_transit, sides_of
from shared.reconcile.preflight import Party

CLOSED = PeeringFlags(allow_virtual_network_access=False)
"""Nothing in the tag VirtualNetwork: what is to be reached over the peering has to be let through by name."""

type _Sides = Callable[[Scene, VirtualNetwork, VirtualNetwork], Pair]


def hub_pairs(scene: Scene) -> Wanted:
    """Traffic passes between the node and the hub, which may offer its gateway."""
    return _attached(scene, _open)


def sandbox_pairs(scene: Scene) -> Wanted:
    """The same pair, through which nothing passes that is not let through by name.

    While live edges are still routed over the open pair it stays open.
    """
    return _attached(scene, _open if scene.seen.holding else _closed)


def opens(wanted: Wanted) -> bool:
    """Whether a closed pair that is wanted is still open on a side of ours."""
    sides = [s for w in wanted.pairs if w.pair for s in w.pair]
    return any(
        s.actual and s.owned and s.flags == CLOSED and s.actual.flags.allow_virtual_network_access
        for s in sides
    )


def _open(scene: Scene, hub_network: VirtualNetwork, network: VirtualNetwork) -> Pair:
    return sides_of(scene.mesh.name, scene.key, scene.hub, hub_network, network)


def _closed(scene: Scene, hub_network: VirtualNetwork, network: VirtualNetwork) -> Pair:
    mesh, hub = scene.mesh.name, scene.hub
    return pair_of(
        End.on(hub_network, hub_peering_name(mesh, scene.key, network.id), CLOSED, hub.id),
        End.on(network, spoke_peering_name(mesh, hub.network), CLOSED),
    )


def _attached(scene: Scene, sides: _Sides) -> Wanted:
    hub_network = scene.seen.hub_network
    if scene.seen.full:
        return Wanted(findings=(_no_hub_free(scene),))
    if hub_network is None:
        return Wanted(findings=(hub_missing(scene.hub),))
    return Wanted(tuple(_pair(scene, hub_network, network, sides) for network in scene.own))


def _pair(scene: Scene, hub_network: VirtualNetwork, network: VirtualNetwork, sides: _Sides) -> WantedPair:
    pair = sides(scene, hub_network, network)
    parties = Party(hub_network, scene.hub.capacity), Party(network)
    notes = (*_transit(scene.hub, pair), *_ajar(pair))
    return WantedPair(network, hub_network.id, pair, parties, notes=notes)


def _transit(hub: Hub, pair: Pair) -> list[Finding]:
    if not (hub.gateway and pair[0].flags.allow_gateway_transit and refuses_transit(pair[0])):
        return []
    message = f"{pair[0].id}, which Meshplane did not make, does not let the node use the hub's gateway."
    return [Finding(CONNECTED, "ForeignPeering", message, "warning")]


def _ajar(pair: Pair) -> list[Finding]:
    """A sandbox is none where somebody else's side lets everything through."""
    wide = [
        s.id
        for s in pair
        if s.actual and not s.owned and s.flags == CLOSED and s.actual.flags.allow_virtual_network_access
    ]
    if not wide:
        return []
    message = (
        f"{', '.join(wide)}, which Meshplane did not make, lets every address through: the node is no sandbox on that"
        " side. Switch allowVirtualNetworkAccess off there, or delete it so that Meshplane can make its own."
    )
    return [Finding(CONNECTED, "SandboxOpen", message, "warning")]


def hub_missing(hub: Hub) -> Finding:
    """The hub's network is not there."""
    message = f"The network {hub.network} of hub {hub.id} is not there. Correct the hub in MESH_HUBS."
    return Finding(CONNECTED, "HubMissing", message)


def _no_hub_free(scene: Scene) -> Finding:
    named = [f"{f.hub} has {f.peerings} peerings of the {f.capacity} that it takes" for f in scene.seen.full]
    message = (
        f"No hub that serves the node has room: {'; '.join(named)}. Move nodes to a hub with room, add a hub to"
        " MESH_HUBS, or have Virtual Network Manager raise the limit and set the hub's capacity."
    )
    return Finding(CONNECTED, "NoHubFree", message)


def with_turn[T: msgspec.Struct](steps: list[T], turn: str) -> list[T]:
    """The steps, each waiting for a turn where it does not wait for a hub's."""
    return [
        s if getattr(s, "on_hub", "") or not turn else msgspec.structs.replace(s, on_hub=turn) for s in steps
    ]
