"""Making a route, and taking away what is left of one: the writes that are missing, and whether it is there. Pure."""

from collections.abc import Callable

import msgspec

from shared.domain.artefacts import (
    as_rule,
    as_service_endpoint,
    contains,
    is_endpoint,
    is_zone,
    network_of,
    service_endpoint_id,
    together,
    zone_group_id,
)
from shared.domain.conditions import CONNECTED, Finding
from shared.domain.edge import Route
from shared.domain.edge_request import service_of
from shared.domain.ids import NodeKey, name_of, normal_id
from shared.domain.network import VirtualNetwork
from shared.domain.plan import DeletePeering, NetworkStep
from shared.domain.private_link import PrivateEndpoint
from shared.domain.steps import (
    AddNetworkRule,
    AddServiceEndpoint,
    ApproveConnection,
    DeletePrivateEndpoint,
    DeleteZoneGroup,
    PutPrivateEndpoint,
    PutZoneGroup,
    RemoveNetworkRule,
    RemoveServiceEndpoint,
)
from shared.reconcile.edges.foreign import foreign, leads_elsewhere
from shared.reconcile.edges.names import lost, unanswered, zone_removal, zone_steps, zones_of_ours
from shared.reconcile.edges.observe import Sights
from shared.reconcile.edges.scene import Scene
from shared.reconcile.edges.ways import ends_of
from shared.reconcile.healer import heal, left_alone, waits
from shared.reconcile.pair import connected, edge_pair

NOT_CONNECTED = "NotConnectedYet"
WORKING = ("Updating", "Deleting", "Creating")


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing of a route. It is `ready` once nothing is; `owned` are its artefacts that are ours.

    `named` are the zones that answer with its addresses. `refused` is what the target's owner decided against it, in
    Azure.
    """

    steps: tuple[NetworkStep, ...] = ()
    findings: tuple[Finding, ...] = ()
    owned: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    refused: str = ""

    @property
    def ready(self) -> bool:
        return not (self.steps or self.findings or self.refused)


def make(scene: Scene, route: Route) -> Making:
    """What is missing of a route."""
    ways: dict[str, Callable[[Scene, Route], Making]] = {
        "private-endpoint": _endpoint,
        "service-endpoint": _service,
        "hub": _hub,
        "peering": _peering,
    }
    return ways[route.exposure](scene, route)


def _endpoint(scene: Scene, route: Route) -> Making:
    endpoint = scene.seen.endpoint(route.artefact)
    owned = (route.artefact, *zones_of_ours(scene, route))
    if endpoint is None:
        return Making(steps=(*zone_steps(scene, route), *_put(scene, route, "missing")), owned=owned)
    if leads_elsewhere(scene.record, route, endpoint):
        return Making(findings=(foreign(endpoint),))
    if endpoint.provisioning_state in WORKING:
        return Making(findings=(_waiting(endpoint.id),), owned=owned)
    if endpoint.connection_state == "Rejected":
        return Making(owned=owned, refused=f"the connection was rejected on {endpoint.target}")
    if endpoint.connection_state == "Disconnected":
        why = "its target was deleted, and created again"
        return Making(steps=(DeletePrivateEndpoint(endpoint.id, why), *_put(scene, route, why)), owned=owned)
    steps: list[NetworkStep] = [*zone_steps(scene, route)]
    if endpoint.provisioning_state != "Succeeded":
        steps += _put(scene, route, f"its last write ended {endpoint.provisioning_state}")[:1]
    steps += _names(scene, route, endpoint)
    findings = unanswered(scene, route)
    if endpoint.connection_state != "Approved":
        if scene.seen.connection:
            message = _message(scene)
            steps.append(ApproveConnection(scene.seen.connection, message, "the edge is approved"))
        else:
            findings = (*findings, _waiting(endpoint.id))
    ours = set(endpoint.addresses)
    return Making(
        steps=tuple(steps),
        findings=findings,
        owned=owned,
        addresses=endpoint.addresses,
        names=endpoint.names,
        named=tuple(z for z in route.zones if scene.seen.answer(z) & ours),
    )


def _put(scene: Scene, route: Route, why: str) -> list[NetworkStep]:
    target = service_of(scene.record.request.target)
    network = scene.seen.network(network_of(route.subnet))
    consumer = scene.parties.consumer
    location = network.location if network else consumer.location if consumer else ""
    put = PutPrivateEndpoint(
        route.artefact,
        location,
        route.subnet,
        target,
        route.group,
        why,
        route.manual,
        _message(scene),
    )
    return [put, PutZoneGroup(zone_group_id(scene.mesh.name, route.artefact), route.zones, why)]


def _names(scene: Scene, route: Route, endpoint: PrivateEndpoint) -> list[NetworkStep]:
    has = {normal_id(z) for z in endpoint.zones}
    missing = [z for z in route.zones if normal_id(z) not in has]
    group = zone_group_id(scene.mesh.name, route.artefact)
    if missing:
        differences = tuple(f"zone {zone}: absent -> present" for zone in missing)
        return [PutZoneGroup(group, route.zones, "names are missing", differences)]
    gone = lost(scene, route, endpoint)
    if not gone:
        return []
    # A zone group that is put without a change does nothing: it has to be made anew to write its records again.
    why = f"{', '.join(gone)} does not answer with the endpoint's address"
    return [DeleteZoneGroup(group, why), PutZoneGroup(group, route.zones, why)]


def _message(scene: Scene) -> str:
    """What the target's owner reads; Azure takes 140 characters."""
    request = scene.record.request
    return f"{scene.mesh.name}: {scene.record.key} for {request.consumer.group}"[:140]


def _service(scene: Scene, route: Route) -> Making:
    target, subnet = as_rule(route.artefact) or ("", route.subnet)
    network = scene.seen.network(network_of(subnet))
    if network is None or not any(normal_id(s.id) == normal_id(subnet) for s in network.subnets):
        message = f"{subnet} is gone."
        return Making(findings=(Finding(CONNECTED, "SubnetGone", message, waiting=True),))
    rules = scene.seen.rules.get(normal_id(target))
    if rules and rules.closed:
        message = f"Public access to {target} is switched off: its network rules let nobody through."
        return Making(findings=(Finding(CONNECTED, "PublicAccessDisabled", message),))
    service = service_endpoint_id(subnet, route.group)
    serves, admits = scene.seen.serves(subnet, route.group), scene.seen.admits(target, subnet)
    steps: list[NetworkStep] = []
    if not serves:
        steps.append(AddServiceEndpoint(subnet, route.group, "missing"))
    if not admits:
        steps.append(AddNetworkRule(target, subnet, "missing"))
    found = ((service, serves), (route.artefact, admits))
    owned = tuple(artefact for artefact, there in found if not there or _is_ours(scene, artefact))
    return Making(steps=tuple(steps), owned=owned)


def _is_ours(scene: Scene, artefact: str) -> bool:
    """Whether what is there was made by this edge or by another one."""
    return contains(scene.record.owned, artefact) or normal_id(artefact) in scene.others.owned


def _hub(scene: Scene, route: Route) -> Making:
    del route
    missing = [m for m in (_unattached(scene, k) for k in _keys(scene)) if m]
    consumer, provider = scene.parties.consumer, scene.parties.provider
    ours = scene.mesh.hub(consumer.hub) if consumer else None
    theirs = scene.mesh.hub(provider.hub) if provider else None
    if ours and theirs and ours.id != theirs.id:
        network = scene.seen.network(ours.network)
        between = network.peering_to(theirs.network) if network else None
        if between is None or between.state != "Connected":
            missing.append(f"Hubs {ours.id} and {theirs.id} are not connected.")
    if not missing:
        return Making()
    message = " ".join(missing) + " Meshplane connects them by itself: see the nodes' conditions."
    return Making(findings=(Finding(CONNECTED, NOT_CONNECTED, message, "info", waiting=True),))


def _keys(scene: Scene) -> tuple[NodeKey, NodeKey]:
    return scene.record.request.consumer, scene.record.request.provider


def _unattached(scene: Scene, key: NodeKey) -> str:
    parties = scene.parties
    node = next((n for n in (parties.consumer, parties.provider) if n and n.key == key), None)
    hub = scene.mesh.hub(node.hub) if node else None
    for network in _networks_of(scene, key):
        peering = network.peering_to(hub.network) if hub else None
        if peering and peering.state == "Connected":
            return ""
    return f"{key} is not connected to its hub."


def _networks_of(scene: Scene, key: NodeKey) -> list[VirtualNetwork]:
    return [n for n in scene.seen.networks.values() if NodeKey.containing(n.id) == key]


def _peering(scene: Scene, route: Route) -> Making:
    ours, theirs = (_networks_of(scene, key) for key in _keys(scene))
    ends = ends_of(scene.mesh.name, scene.record.request, route, ours, theirs)
    if ends is None:
        message = "One of the two networks is gone."
        return Making(findings=(Finding(CONNECTED, "NetworkGone", message, waiting=True),))
    pair = edge_pair(scene.mesh.name, *ends)
    owned = tuple(side.id for side in pair if side.owned)
    steps = tuple(heal(pair))
    findings = [_waiting(side.id) for side in waits(pair)]
    foreign = [side.id for side in left_alone(pair)]
    if foreign and not connected(pair):
        message = (
            f"{', '.join(foreign)} needs repair, but Meshplane did not make it: repair it, or delete it."
        )
        findings.append(Finding(CONNECTED, "ForeignPeering", message))
    elif not steps and not findings and not connected(pair):
        findings.append(_waiting(pair[0].id))
    return Making(steps=steps, findings=tuple(findings), owned=owned)


def _waiting(what: str) -> Finding:
    return Finding(CONNECTED, "InProgress", f"Azure is working on {what}.", "info", waiting=True)


# --- taking away


class Leaving(msgspec.Struct, frozen=True):
    """What is still there of some artefacts: `steps` take it away, `findings` tell what has to be waited for."""

    there: tuple[str, ...]
    steps: tuple[NetworkStep, ...]
    findings: tuple[Finding, ...]


def take_away(mesh: str, seen: Sights, artefacts: tuple[str, ...], why: str) -> Leaving:
    """The writes that remove artefacts: rules before the service endpoints that they ask for, zones after endpoints."""
    there: list[str] = []
    steps: list[NetworkStep] = []
    findings: list[Finding] = []
    for artefact in sorted(together(artefacts), key=_rank):
        removal, found = _removal(mesh, seen, artefact, why)
        if removal or found:
            there.append(artefact)
        steps += removal
        findings += found
    return Leaving(tuple(there), tuple(steps), tuple(findings))


def _rank(artefact: str) -> bool:
    return as_service_endpoint(artefact) is not None or is_zone(artefact)


def _removal(mesh: str, seen: Sights, artefact: str, why: str) -> tuple[list[NetworkStep], list[Finding]]:
    """The writes that remove an artefact, if it is there; and what has to be waited for first."""
    step: NetworkStep | None = None
    if is_zone(artefact):
        zone = seen.zone(artefact)
        return zone_removal(mesh, artefact, zone, why) if zone else ([], [])
    if rule := as_rule(artefact):
        step = RemoveNetworkRule(*rule, why) if seen.admits(*rule) else None
    elif service := as_service_endpoint(artefact):
        step = RemoveServiceEndpoint(*service, why) if seen.serves(*service) else None
    elif is_endpoint(artefact):
        endpoint = seen.endpoint(artefact)
        if endpoint and endpoint.provisioning_state in WORKING:
            return [], [_waiting(artefact)]
        step = DeletePrivateEndpoint(artefact, why) if endpoint else None
    else:
        network = seen.network(network_of(artefact))
        name = name_of(artefact).lower()
        side = next((p for p in network.peerings if p.name.lower() == name), None) if network else None
        if side and side.provisioning_state in WORKING:
            return [], [_waiting(artefact)]
        step = DeletePeering(artefact, why) if side else None
    return [step] if step else [], []
