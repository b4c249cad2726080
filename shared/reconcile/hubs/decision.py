"""What to do about a hub: a pure function of what was observed."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from shared.domain.conditions import CONNECTED, Condition, Finding, conditions_from
from shared.domain.hub import HEADROOM, TIDY, ComingEndpoint, HubRecord
from shared.domain.ids import NodeKey, normal_id
from shared.domain.mesh import Mesh
from shared.domain.naming import is_hub_pair_name
from shared.domain.network import Hub, Peering, VirtualNetwork
from shared.domain.node import PeeringStatus
from shared.domain.permissions import Known
from shared.domain.plan import DeletePeering, NetworkStep, Plan, PutPeering
from shared.reconcile.healer import heal, left_alone, waits
from shared.reconcile.hubs.observation import HubObservation, PeerHub, is_ours, node_behind, peers_of
from shared.reconcile.pair import Pair, hubs_pair
from shared.reconcile.preflight import Party, preflight, too_many_endpoints
from shared.reconcile.rights import Need, missing, needs_of

CONDITIONS = [CONNECTED, HEADROOM, TIDY]
NEARLY = 0.9  # so much of a hub's capacity taken is worth a word

type Decided = tuple[list[NetworkStep], list[Finding]]


class HubDecision(msgspec.Struct, frozen=True):
    """The plan, and what the record is to say of the hub.

    `out_of_step` are nodes whose peerings on the hub are neither Connected nor in sync, so that somebody has to look
    at them.
    """

    plan: Plan
    network: VirtualNetwork | None = None
    pairs: tuple[PeeringStatus, ...] = ()
    out_of_step: tuple[NodeKey, ...] = ()
    endpoints: int = 0
    coming: tuple[ComingEndpoint, ...] = ()


def decide(mesh: Mesh, hub: Hub, seen: HubObservation, record: HubRecord, now: datetime) -> HubDecision:
    """The plan for a hub: what is left of others goes first, which makes room for the pairs with other hubs."""
    network = seen.network
    if network is None:
        message = f"The hub's network {hub.network} is not there: create it, or correct MESH_HUBS."
        return HubDecision(Plan(findings=(Finding(CONNECTED, "HubMissing", message),), made_at=now))
    former = _former(mesh, hub, network)
    steps: list[NetworkStep] = _left_over(hub, former, seen.abandoned)
    leaving = {normal_id(step.id) for step in steps}
    crowded = too_many_endpoints(
        HEADROOM, seen.endpoints, f"hub {hub.id} and the nodes that are peered with it"
    )
    findings = [
        *_unknown_peers(mesh, hub),
        *crowded,
        *_headroom(hub, network, leaving),
        *_foreign(mesh, network),
    ]
    pairs = [_status(p, owned=True) for p in former]  # until they are read back as gone
    for peer in seen.peers:
        pair = hubs_pair(mesh.name, hub, peer.hub, network, peer.network)
        more, found = _paired(pair, hub, network, peer, leaving, seen.permissions)
        steps += more
        findings += found
        pairs += [_status(side.actual, owned=side.owned) for side in pair[:1] if side.actual]
    plan = Plan(tuple(steps), findings=tuple(findings), made_at=now, generation=record.generation)
    behind = {key for p in network.peerings if (key := _behind(mesh.name, p, leaving))}
    return HubDecision(plan, network, tuple(pairs), tuple(sorted(behind)), seen.endpoints, seen.coming)


def needs(mesh: Mesh, hub: Hub, seen: HubObservation) -> list[Need]:
    """The rights to what is to be written of a hub's pairs; none where nothing is."""
    network = seen.network
    if network is None:
        return []
    pairs = [hubs_pair(mesh.name, hub, p.hub, network, p.network) for p in seen.peers if p.network]
    return [n for pair in pairs for n in needs_of(heal(pair))]


def conditions_of(decision: HubDecision, more: Sequence[Finding]) -> tuple[Condition, ...]:
    """The hub's conditions, with what a run met."""
    undecided = [HEADROOM, TIDY] if decision.network is None else []
    return conditions_from([*decision.plan.findings, *more], CONDITIONS, undecided)


def _former(mesh: Mesh, hub: Hub, network: VirtualNetwork) -> list[Peering]:
    """Sides of pairs with hubs that are not to be peers any more."""
    peers = {normal_id(other.network) for other in peers_of(mesh, hub)}
    return [
        p
        for p in network.peerings
        if is_hub_pair_name(mesh.name, p.name, p.remote_network) and normal_id(p.remote_network) not in peers
    ]


def _left_over(hub: Hub, former: Sequence[Peering], abandoned: Sequence[Peering]) -> list[NetworkStep]:
    why = "it leads to a node that is gone, and goes on blocking its addresses"
    return [
        *(DeletePeering(p.id, why, hub.id) for p in abandoned),
        *(DeletePeering(p.id, "the two hubs are not to be peers any more", hub.id) for p in former),
    ]


def _paired(
    pair: Pair,
    hub: Hub,
    network: VirtualNetwork,
    peer: PeerHub,
    leaving: Collection[str],
    known: Known,
) -> Decided:
    if peer.network is None:
        message = f"The network {peer.hub.network} of hub {peer.hub.id} is not there: create it, or correct MESH_HUBS."
        return heal(pair), [Finding(CONNECTED, "PeerHubMissing", message), *_left_alone(pair)]
    if busy := waits(pair):
        message = f"Azure is still working on {busy[0].id}."
        return [], [Finding(CONNECTED, "Updating", message, "info", waiting=True)]
    steps = heal(pair)
    if not any(isinstance(step, PutPeering) for step in steps):
        return steps, _left_alone(pair)
    parties = Party(network, hub.capacity), Party(peer.network, peer.hub.capacity)
    found = [*preflight(pair, *parties, leaving=leaving), *missing(needs_of(steps), known)]
    refused = any(f.severity == "error" for f in found)
    return [] if refused else steps, [*found, *_left_alone(pair)]


def _left_alone(pair: Pair) -> list[Finding]:
    sides = [side.id for side in left_alone(pair)]
    if not sides:
        return []
    message = (
        f"{', '.join(sides)} needs repair, but Meshplane did not make it and leaves it alone. Repair it, or delete"
        " it so that Meshplane can make its own: Azure allows one peering between two networks."
    )
    return [Finding(CONNECTED, "ForeignPeering", message)]


def _unknown_peers(mesh: Mesh, hub: Hub) -> list[Finding]:
    unknown = sorted(peer for peer in hub.peers if mesh.hub(peer) is None)
    if not unknown:
        return []
    message = f"MESH_HUBS names {', '.join(unknown)} as peers of {hub.id}, but no such hub: correct it."
    return [Finding(CONNECTED, "PeerHubUnknown", message)]


def _headroom(hub: Hub, network: VirtualNetwork, leaving: Collection[str]) -> list[Finding]:
    used = len(network.peerings) - len(leaving)
    if used < hub.capacity * NEARLY:
        return []
    remedy = "Add a hub for the region, or have Virtual Network Manager raise the limit and set the hub's capacity."
    message = f"{network.id} has {used} peerings of the {hub.capacity} that it takes. {remedy}"
    return [Finding(HEADROOM, "HubFull" if used >= hub.capacity else "HubNearlyFull", message, "warning")]


def _foreign(mesh: Mesh, network: VirtualNetwork) -> list[Finding]:
    """Peerings of others whose far end was deleted: Azure goes on refusing the addresses that they led to."""
    stale = [p for p in network.peerings if p.state == "Disconnected" and not is_ours(mesh.name, p)]
    return [
        Finding(
            TIDY,
            "StaleForeignPeering",
            f"{p.id}, which Meshplane did not make, is Disconnected from {p.remote_network} and goes on blocking"
            f" {', '.join(p.remote_address_prefixes) or 'its addresses'}: delete it, or have its far side made again.",
            "warning",
        )
        for p in stale
    ]


def _behind(mesh: str, peering: Peering, leaving: Collection[str]) -> NodeKey | None:
    """The node whose peering needs another look; what waits for its other side is being made just now."""
    well = peering.state == "Connected" and peering.sync_level in ("FullyInSync", "")
    if well or peering.state == "Initiated" or normal_id(peering.id) in leaving:
        return None
    return node_behind(mesh, peering)


def _status(peering: Peering, *, owned: bool) -> PeeringStatus:
    return PeeringStatus(peering.id, peering.state, peering.sync_level, peering.provisioning_state, owned)
