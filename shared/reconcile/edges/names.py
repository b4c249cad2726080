"""The names of an endpoint: the zones that a consumer has by itself, and whether each zone answers as it should. Pure.

A private zone has one record set of a name, and a network may be linked to one zone of a name. So the second consumer
of a target cannot keep the target's name in the hub's zone: it gets a zone of that name in its own group
(docs/adr/0016-zones-of-consumers.md).
"""

from collections.abc import Sequence

from shared.domain.artefacts import contains, network_of
from shared.domain.conditions import CONNECTED, Finding
from shared.domain.edge import Route
from shared.domain.ids import name_of, normal_id
from shared.domain.naming import zone_link_name
from shared.domain.plan import NetworkStep
from shared.domain.private_link import PrivateEndpoint, ZoneLink
from shared.domain.steps import DeleteZone, DeleteZoneLink, PutZone
from shared.reconcile.edges.observe import ZoneSight
from shared.reconcile.edges.scene import Scene
from shared.reconcile.edges.ways import own_zone

NOT_LINKED = "NamesNotLinked"
BUSY = ("inprogress", "updating", "creating", "deleting")


def zones_of_ours(scene: Scene, route: Route) -> tuple[str, ...]:
    """The zones of a route that Meshplane made for the consumer, or is about to make; none that was there before."""
    return tuple(z for z in _own(scene, route) if _is_ours(scene, z))


def zone_steps(scene: Scene, route: Route) -> list[NetworkStep]:
    """The zones of the consumer that are missing."""
    return [
        PutZone(
            zone,
            scene.mesh.name,
            f"another endpoint has the name in the hub's {name_of(zone)}, or it has none",
        )
        for zone in _own(scene, route)
        if scene.seen.zone(zone) is None
    ]


def lost(scene: Scene, route: Route, endpoint: PrivateEndpoint) -> list[str]:
    """The zones in which the records that the zone group tells of are not there any more."""
    if endpoint.connection_state != "Approved":
        return []
    kept, ours = {normal_id(r.zone) for r in endpoint.records}, set(endpoint.addresses)
    own = _own(scene, route)
    return [
        zone
        for zone in route.zones
        if normal_id(zone) in kept
        and not scene.seen.answer(zone) & ours
        and (zone in own or not scene.seen.answer(zone))
    ]


def unanswered(scene: Scene, route: Route) -> tuple[Finding, ...]:
    """Why the consumer would not find the endpoint by name, although the zones hold what they should."""
    return (*_taken(scene, route), *_unlinked(scene, route))


def _taken(scene: Scene, route: Route) -> list[Finding]:
    endpoint, own = scene.seen.endpoint(route.artefact), _own(scene, route)
    ours = set(endpoint.addresses) if endpoint else set[str]()
    found: list[Finding] = []
    for zone in route.zones:
        answer = scene.seen.answer(zone)
        if zone not in own and answer and not answer & ours:
            message = (
                f"{zone} answers for the target with {', '.join(sorted(answer))}: somebody else's endpoint."
            )
            found.append(Finding(CONNECTED, "NameTaken", message, waiting=True))
    return found


def _unlinked(scene: Scene, route: Route) -> list[Finding]:
    consumer, network = scene.parties.consumer, network_of(route.subnet)
    if consumer is None:
        return []
    missing = [z for z in _own(scene, route) if (s := scene.seen.zone(z)) and not s.serves(network)]
    if not missing:
        return []
    message = f"{consumer.key} is yet to be linked to {', '.join(missing)}: see the node's conditions."
    return [Finding(CONNECTED, NOT_LINKED, message, "info", waiting=True)]


def _own(scene: Scene, route: Route) -> list[str]:
    return [z for z in route.zones if own_zone(scene.mesh, scene.record.request.consumer, z)]


def _is_ours(scene: Scene, zone: str) -> bool:
    found = scene.seen.zone(zone)
    recorded = contains(scene.record.owned, zone) or normal_id(zone) in scene.others.owned
    return found is None or recorded or found.mesh == scene.mesh.name


# --- taking a zone away


def zone_removal(mesh: str, zone: str, found: ZoneSight, why: str) -> tuple[list[NetworkStep], list[Finding]]:
    """The zone goes once nothing is linked to it; what others linked to it is theirs to remove."""
    ours = [k for k in found.links if name_of(k.id).lower() == zone_link_name(mesh, k.network).lower()]
    foreign = [k.id for k in found.links if k not in ours]
    if foreign:
        message = (
            f"{zone} cannot go while {', '.join(foreign)}, which Meshplane did not make, is there: delete it."
        )
        return [], [Finding(CONNECTED, "ZoneInUse", message)]
    if busy := _busy(ours):
        message = f"Azure is working on {busy}."
        return [], [Finding(CONNECTED, "InProgress", message, "info", waiting=True)]
    return [*(DeleteZoneLink(k.id, why) for k in ours), DeleteZone(zone, why)], []


def _busy(links: Sequence[ZoneLink]) -> str:
    return next((k.id for k in links if k.provisioning_state.lower() in BUSY), "")
