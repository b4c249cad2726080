"""What speaks against a connection between two networks: all of it at once, before anything is written. Pure.

Limits are those of "Azure subscription and service limits" and of "Private endpoint limits", read in 2025.
"""

import re
from collections.abc import Collection, Sequence

import msgspec

from shared.domain.address_space import overlaps
from shared.domain.conditions import CONNECTED, Finding
from shared.domain.errors import MeshError
from shared.domain.ids import normal_id, same_id
from shared.domain.network import VirtualNetwork
from shared.reconcile.pair import Pair, Side

PEERINGS = 500
ENDPOINTS = 1_000
ENDPOINTS_ACROSS = 4_000
ENDPOINTS_CROWDED = "PrivateEndpointsAcrossPeerings"
RIGHTS_MISSING = "RightsMissing"
GATEWAY_SUBNETS = ("gatewaysubnet", "routeserversubnet")  # a peering lends a Route Server like a gateway
LINKED = "peer/action"  # how a refusal on the other network names the right

_REFUSED = re.compile(r"does not have (?:authorization|permission) to perform action\(?s?\)? '([^']+)'")
_SCOPE = re.compile(r"(?:over|on the linked) scope(?:\(s\))? '([^']+)'")


class Party(msgspec.Struct, frozen=True):
    """One network of a connection, and how many peerings it takes."""

    network: VirtualNetwork
    capacity: int = PEERINGS


def preflight(
    pair: Pair,
    first: Party,
    second: Party,
    *,
    leaving: Collection[str] = (),
    peered: Sequence[VirtualNetwork] = (),
) -> list[Finding]:
    """Everything that speaks against writing a pair; those of severity `error` say that Azure would refuse it.

    `leaving` are ids of peerings that go before it is made, `peered` what is known of the networks that either is
    peered with. A right that is missing shows only when it is tried: `rights_finding`.
    """
    parties = ((pair[0], first, second), (pair[1], second, first))
    gone = {normal_id(i) for i in leaving}
    findings = overlap(first.network, second.network, gone)
    for side, local, remote in parties:
        findings += _state(side, local.network)
        findings += _headroom(side, local, gone)
        findings += _gateway(side, local.network, remote.network, gone)
    return [*findings, *endpoints_across([first.network, second.network, *peered])]


def overlap(first: VirtualNetwork, second: VirtualNetwork, leaving: Collection[str] = ()) -> list[Finding]:
    """Azure checks both networks of a peering against the other one and every network already peered to that."""
    against = [
        (second, [(first.id, first.address_prefixes), *_taken(second, first, leaving)]),
        (first, _taken(first, second, leaving)),
    ]
    meets = [
        f"{mine} of {local.name} overlaps {theirs} of {other}"
        for local, taken in against
        for other, prefixes in taken
        for mine, theirs in overlaps(local.address_prefixes, prefixes)
    ]
    if not meets:
        return []
    message = "; ".join(meets) + f". Give {second.name} an address space of its own."
    return [Finding(CONNECTED, "AddressSpaceOverlap", message)]


def endpoint_room(network: VirtualNetwork, adding: int = 1) -> list[Finding]:
    """Whether a network takes so many private endpoints more."""
    if network.private_endpoints + adding <= ENDPOINTS:
        return []
    message = (
        f"{network.id} has {network.private_endpoints} private endpoints of the {ENDPOINTS} that Azure allows in one"
        " network: remove some, or use another network."
    )
    return [Finding(CONNECTED, "PrivateEndpointLimit", message)]


def endpoints_across(networks: Sequence[VirtualNetwork]) -> list[Finding]:
    """Beyond some 4,000 private endpoints in networks that are peered with each other, Azure drops packets."""
    known = {normal_id(n.id): n.private_endpoints for n in networks}
    return too_many_endpoints(
        CONNECTED, sum(known.values()), f"the {len(known)} networks that would be peered"
    )


def too_many_endpoints(condition: str, total: int, where: str) -> list[Finding]:
    """The warning that so many private endpoints are too many, where they are."""
    if total <= ENDPOINTS_ACROSS:
        return []
    message = (
        f"{total} private endpoints are known in {where}: beyond {ENDPOINTS_ACROSS} Azure drops packets without a"
        " word. Have nodes take mesh-network endpoints, which needs no peering, or move some to another hub."
    )
    return [Finding(condition, ENDPOINTS_CROWDED, message, "warning")]


def rights_finding(error: MeshError) -> Finding:
    """Which right is missing where, as far as Azure's answer says so; without whom it names."""
    action, scope = _REFUSED.search(error.message), _SCOPE.search(error.message)
    what = action[1] if action else "what was refused"
    if what == LINKED:
        what = f"Microsoft.Network/virtualNetworks/{LINKED}"
    where = scope[1] if scope else error.target or "the network"
    message = f"Meshplane's identity lacks a right on {where}, for {what}: assign it the mesh's role there."
    return Finding(CONNECTED, RIGHTS_MISSING, message)


def _taken(
    local: VirtualNetwork, remote: VirtualNetwork, leaving: Collection[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Which networks, apart from the one that is to be peered, are peered with the remote, and their addresses."""
    return [
        (p.remote_network, p.remote_address_prefixes)
        for p in remote.peerings
        if not same_id(p.remote_network, local.id) and normal_id(p.id) not in leaving
    ]


def _state(side: Side, network: VirtualNetwork) -> list[Finding]:
    """A hub's network is Updating whenever some node is being attached: whose turn it is, its lease says."""
    if network.provisioning_state == "Failed":
        message = f"The last write to {network.id} failed: if peerings are refused, mend the network first."
        return [Finding(CONNECTED, "NetworkFailed", message, "warning")]
    if network.provisioning_state == "Succeeded" or side.on_hub:
        return []
    message = f"Azure is still working on {network.id}."
    return [Finding(CONNECTED, "Updating", message, "info", waiting=True)]


def _headroom(side: Side, party: Party, leaving: Collection[str]) -> list[Finding]:
    present = sum(normal_id(p.id) not in leaving for p in party.network.peerings)
    if side.actual is not None or present < party.capacity:
        return []
    remedy = (
        "move nodes to another hub, or have Virtual Network Manager raise the limit and set the hub's capacity"
        if side.on_hub
        else "remove some of them"
    )
    message = f"{party.network.id} has {present} peerings of the {party.capacity} that it takes: {remedy}."
    return [Finding(CONNECTED, "HubFull" if side.on_hub else "PeeringLimit", message)]


def _gateway(
    side: Side, local: VirtualNetwork, remote: VirtualNetwork, leaving: Collection[str]
) -> list[Finding]:
    if not side.flags.use_remote_gateways:
        return []
    others = [
        p.id
        for p in local.peerings
        if p.flags.use_remote_gateways
        and not same_id(p.remote_network, remote.id)
        and normal_id(p.id) not in leaving
    ]
    reasons = [
        f"{other} uses a remote gateway already, and Azure allows one a network: switch useRemoteGateways off there"
        for other in others
    ]
    if has_gateway(local):
        reasons.append(f"{local.id} has a gateway of its own: remove it, or choose a hub without one")
    if has_gateway(remote) is False:
        reasons.append(f"{remote.id} has no gateway: create one there, or set the hub's gateway to false")
    if not reasons:
        return []
    return [Finding(CONNECTED, "GatewayConflict", ". ".join(r[0].upper() + r[1:] for r in reasons) + ".")]


def has_gateway(network: VirtualNetwork) -> bool | None:
    """Whether a network has something to lend, as its subnets show; None where they do not tell.

    A gateway or a Route Server lies in the subnet of that name, whose IP configurations name it; it may be empty.
    """
    if not network.subnets:
        return None
    own = [s for s in network.subnets if s.name.lower() in GATEWAY_SUBNETS]
    if not own:
        return False
    return True if any(s.ip_configurations for s in own) else None
