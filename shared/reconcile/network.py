"""Which peerings a node's networks need: a pure function of what was observed."""

from collections.abc import Sequence

from shared.domain.address_space import overlaps
from shared.domain.conditions import CONNECTED, Finding
from shared.domain.ids import NodeKey, normal_id, same_id
from shared.domain.naming import hub_peering_prefix, spoke_peering_name
from shared.domain.network import Hub, Peering, VirtualNetwork
from shared.domain.plan import DeletePeering, NetworkStep
from shared.reconcile.former import Former, in_the_way
from shared.reconcile.pair import Side, connected, give_up_addresses, refuses_transit, repair, sides_of

type Decided = tuple[list[NetworkStep], list[Finding]]


def own_networks(networks: Sequence[VirtualNetwork], hub_networks: Sequence[str]) -> list[VirtualNetwork]:
    """The networks of a group that are to be attached: no hub's."""
    hubs = {normal_id(i) for i in hub_networks}
    return [n for n in networks if normal_id(n.id) not in hubs]


def attach(
    mesh: str,
    key: NodeKey,
    hub: Hub,
    hub_network: VirtualNetwork,
    networks: Sequence[VirtualNetwork],
    hub_networks: Sequence[str] = (),
    former: Sequence[Former] = (),
) -> Decided:
    """The steps that connect every network of a node with its hub, and what stands in the way.

    `hub_networks` are those of every hub. What is `former` goes once the network that it connects is Connected, or
    before where Azure takes one of the two only; at once where that network is not the node's to attach.
    """
    own = own_networks(networks, [hub_network.id, *hub_networks])
    kept = {normal_id(n.id) for n in own}
    stale = [
        *_stale(mesh, key, hub, hub_network, own),
        *(f.step for f in former if f.spoke not in kept),
    ]
    leaving = {normal_id(s.id) for s in stale}
    steps: list[NetworkStep] = list(stale)
    findings = _absences(networks, own)
    for network in own:
        before = [f for f in former if f.spoke == normal_id(network.id) and not _present(f, hub)]
        more, found = _replace_one(mesh, key, hub, hub_network, network, leaving, before)
        steps += more
        findings += found
    return steps, findings


def _present(former: Former, hub: Hub) -> bool:
    """Ours under another name, but still the connection with the hub: there can be only one."""
    network = former.peering.id.rsplit("/", 2)[0] if former.on_hub else former.peering.remote_network
    return same_id(network, hub.network)


def _replace_one(
    mesh: str,
    key: NodeKey,
    hub: Hub,
    hub_network: VirtualNetwork,
    network: VirtualNetwork,
    leaving: set[str],
    former: Sequence[Former],
) -> Decided:
    deletions = [f.step for f in former]
    if in_the_way(former, hub, hub_network):
        gone = leaving | {normal_id(s.id) for s in deletions}
        steps, findings = _attach_one(mesh, key, hub, hub_network, network, gone)
        refused = any(f.severity == "error" for f in findings)
        return (steps if refused else [*deletions, *steps]), findings
    steps, findings = _attach_one(mesh, key, hub, hub_network, network, leaving)
    if not steps and connected(sides_of(mesh, key, hub, hub_network, network)):
        return list(deletions), findings
    return steps, findings


def detach(
    mesh: str,
    key: NodeKey,
    hub: Hub,
    hub_network: VirtualNetwork | None,
    networks: Sequence[VirtualNetwork],
    former: Sequence[Former] = (),
) -> list[NetworkStep]:
    """The steps that remove what Meshplane owns of a node's connections, the node's side first."""
    why = "the group is no longer a node"
    spokes = [DeletePeering(p.id, why) for p in _owned_on_spokes(mesh, hub, networks)]
    spokes += [f.step for f in former if not f.on_hub]
    on_hub = [DeletePeering(p.id, why, hub.id) for p in _owned_on_hub(mesh, key, hub_network)]
    return [*spokes, *on_hub, *(f.step for f in former if f.on_hub)]


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
    sides = sides_of(mesh, key, hub, hub_network, network)
    updating = [s.id for s in sides if s.actual and s.actual.provisioning_state in ("Updating", "Deleting")]
    if updating or network.provisioning_state == "Updating":
        what = updating[0] if updating else network.id
        message = f"Azure is still working on {what}."
        return [], [Finding(CONNECTED, "Updating", message, "info", waiting=True)]
    wanted = repair(sides)
    transit = _transit(hub, sides[0])
    if not wanted:
        return [], transit
    if meeting := _overlap(hub_network, network, leaving):
        return give_up_addresses(sides), meeting
    foreign = {s.id for s in sides if not s.owned}
    # Azure refuses to write the one side while the other is Disconnected.
    stuck = any(s.disconnected and not s.owned for s in sides)
    ours = [] if stuck else [step for step in wanted if step.id not in foreign]
    return ours, [*transit, *_foreign([step.id for step in wanted if step.id in foreign])]


def _transit(hub: Hub, hub_side: Side) -> list[Finding]:
    if not (hub.gateway and refuses_transit(hub_side)):
        return []
    message = f"{hub_side.id}, which Meshplane did not make, does not let the node use the hub's gateway."
    return [Finding(CONNECTED, "ForeignPeering", message, "warning")]


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
