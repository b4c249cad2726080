"""The links of private DNS zones to the networks of a node that has to resolve private names. Pure.

Those zones are the hub's; but where an edge of the node keeps its name in a zone that the node has by itself, that one
takes the place of the hub's zone of its name (docs/adr/0016-zones-of-consumers.md).
"""

from collections.abc import Iterable, Sequence

import msgspec

from shared.domain.artefacts import contains, is_own_zone
from shared.domain.conditions import NAMES_RESOLVE, Finding
from shared.domain.edge import GRANTED, EdgeRecord, keeps
from shared.domain.errors import MeshError, NotFound
from shared.domain.ids import name_of, normal_id, same_id
from shared.domain.naming import zone_link_name
from shared.domain.plan import NetworkStep
from shared.domain.private_link import ZoneLink
from shared.domain.steps import DeleteZoneLink, PutZoneLink
from shared.reconcile.options import Option
from shared.reconcile.options.scene import Scene

BUSY = ("inprogress", "updating", "creating", "deleting")


class Names(msgspec.Struct, frozen=True):
    """The steps to the links that are wanted (`puts`), the removal of those that are not, and which are ours."""

    puts: tuple[NetworkStep, ...] = ()
    removals: tuple[NetworkStep, ...] = ()
    owned: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Zones(msgspec.Struct, frozen=True):
    """The zones to link (`wanted`), those whose links stay as they are for now (`held`), and the names of its own."""

    wanted: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


def resolves(option: Option, scene: Scene) -> bool:
    """Whether the node's networks have to resolve private names."""
    if not scene.hub.zones or not scene.own or option.zones == "never":
        return False
    if option.zones == "always" or any(n.private_endpoints for n in scene.own):
        return True
    return any(keeps(e) for e in _endpoints(scene))


def zones_for(option: Option, scene: Scene) -> Zones:
    """The zones that a node's networks are to be linked to.

    A zone of the node's own takes the place of the hub's once every endpoint that was found by name before has its
    name there: the hub's stays linked until then.
    """
    shared = {name_of(z).lower(): z for z in (scene.hub.zones if resolves(option, scene) else ())}
    own = {} if option.zones == "never" or not scene.own else own_zones(scene)
    ready = {name for name, zone in own.items() if _linked(scene, zone) or _written(scene, zone)}
    wanted = (*(z for n, z in shared.items() if n not in own), *(z for n, z in own.items() if n in ready))
    held = tuple(z for n, z in shared.items() if n in own and n not in ready)
    return Zones(wanted, held, tuple(sorted(own_zones(scene))))


def zones_to_read(option: Option, scene: Scene) -> list[str]:
    """The zones whose links have to be known before that is decided."""
    shared = scene.hub.zones if resolves(option, scene) else ()
    own = () if option.zones == "never" else own_zones(scene).values()
    return to_list(scene.record.zone_links, (*shared, *own))


def own_zones(scene: Scene) -> dict[str, str]:
    """The zones that the node has by itself, by lower-case name, as its edges tell."""
    shared = {normal_id(z) for hub in scene.mesh.hubs for z in hub.zones}
    found = (z for e in _endpoints(scene) if e.route for z in e.route.zones)
    own = (z for z in found if is_own_zone(scene.key, z) and normal_id(z) not in shared)
    return {name_of(z).lower(): z for z in own}


def _endpoints(scene: Scene) -> list[EdgeRecord]:
    """The edges of the node that have a private endpoint, or may still get there."""
    return [
        e
        for e in scene.seen.edges
        if e.request.consumer == scene.key
        and (keeps(e) or e.state == "Failed")
        and e.route is not None
        and e.route.exposure == "private-endpoint"
    ]


def _written(scene: Scene, zone: str) -> bool:
    """Whether a zone answers for one endpoint at least, and for each that was Active in a zone of its name."""
    name = name_of(zone).lower()
    edges = [e for e in _endpoints(scene) if e.route and name in {name_of(z).lower() for z in e.route.zones}]
    there = [e for e in edges if contains(e.named, zone)]
    return bool(there) and all(e in there for e in edges if e.state in GRANTED and e.active_at is not None)


def _linked(scene: Scene, zone: str) -> bool:
    look = scene.seen.zones.get(normal_id(zone), ())
    own = {normal_id(n.id) for n in scene.own}
    return not isinstance(look, MeshError) and any(normal_id(link.network) in own for link in look)


def zone_of(link_id: str) -> str:
    """The zone that a link belongs to."""
    return link_id.rsplit("/", 2)[0]


def to_list(recorded: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The zones whose links have to be read."""
    return list({normal_id(z): z for z in (*wanted, *map(zone_of, recorded))}.values())


def link_zones(scene: Scene, zones: Zones) -> Names:
    """What to do about the links of each zone that was read; somebody else's link serves as well as ours."""
    networks = [n.id for n in scene.own]
    keep = {(normal_id(z), normal_id(n)) for z in (*zones.wanted, *zones.held) for n in networks}
    there = _ours(scene)
    leaving = [(z, link) for z, link in there if (normal_id(z), normal_id(link.network)) not in keep]
    puts: list[NetworkStep] = []
    findings: list[Finding] = []
    for zone in zones.wanted:
        look = scene.seen.zones.get(normal_id(zone))
        if isinstance(look, MeshError):
            findings.append(_unread(zone, look))
        elif look is not None:
            blocking = [link for z, link in leaving if name_of(z).lower() == name_of(zone).lower()]
            for network in networks:
                if theirs := _in_the_way(scene, zone, network, blocking):
                    findings.append(_foreign(zone, theirs))
                    continue
                steps, found = _link(scene.mesh.name, zone, network, look, blocking)
                puts += steps
                findings += found
    first = {s.id for s in puts}
    removals = [_delete(link) for _, link in leaving if link.id not in first]
    owned = [link.id for _, link in there] + [s.id for s in puts if isinstance(s, PutZoneLink)]
    unseen = [i for i in scene.record.zone_links if _unseen(scene, i)]
    ids = {normal_id(i): i for i in (*owned, *unseen)}
    return Names(tuple(puts), tuple(removals), tuple(ids.values()), tuple(findings))


def _link(
    mesh: str, zone: str, network: str, links: Sequence[ZoneLink], blocking: Sequence[ZoneLink]
) -> tuple[list[NetworkStep], list[Finding]]:
    found = next((link for link in links if same_id(link.network, network)), None)
    if found and found.provisioning_state.lower() in BUSY:
        message = f"Azure is still working on {found.id}."
        return [], [Finding(NAMES_RESOLVE, "Updating", message, "info", waiting=True)]
    if found:
        return [], []
    # A network may be linked to one zone of a name: our link to the former zone goes first.
    why = f"Azure links a network to one zone of a name, and {zone} is wanted"
    first: list[NetworkStep] = [
        DeleteZoneLink(link.id, why) for link in blocking if same_id(link.network, network)
    ]
    link_id = f"{zone}/virtualNetworkLinks/{zone_link_name(mesh, network)}"
    return [*first, PutZoneLink(link_id, network, "missing: the network could not resolve its names")], []


def _in_the_way(scene: Scene, zone: str, network: str, ours: Sequence[ZoneLink]) -> ZoneLink | None:
    """A link of somebody else's to another zone of the name: Azure would refuse a second one."""
    going = {normal_id(link.id) for link in ours}
    others = {
        z: look
        for z, look in scene.seen.zones.items()
        if name_of(z) == name_of(zone).lower() and z != normal_id(zone) and not isinstance(look, MeshError)
    }
    links = [link for look in others.values() for link in look if normal_id(link.id) not in going]
    return next((link for link in links if same_id(link.network, network)), None)


def _foreign(zone: str, link: ZoneLink) -> Finding:
    message = (
        f"{link.id}, which Meshplane did not make, keeps the network from being linked to {zone}: delete it, so that"
        " the node finds its own endpoints."
    )
    return Finding(NAMES_RESOLVE, "ForeignZoneLink", message)


def _delete(link: ZoneLink) -> DeleteZoneLink:
    return DeleteZoneLink(link.id, "the network does not have to resolve its names any more")


def _ours(scene: Scene) -> list[tuple[str, ZoneLink]]:
    recorded = {normal_id(i) for i in scene.record.zone_links}
    mesh, own = scene.mesh.name, {normal_id(n.id) for n in scene.own}
    return [
        (zone, link)
        for zone, look in scene.seen.zones.items()
        if not isinstance(look, MeshError)
        for link in look
        if normal_id(link.id) in recorded
        or (
            normal_id(link.network) in own
            and name_of(link.id).lower() == zone_link_name(mesh, link.network).lower()
        )
    ]


def _unseen(scene: Scene, link_id: str) -> bool:
    """A link in a zone that could not be read stays ours; one in a zone that is gone is gone as well."""
    look = scene.seen.zones.get(normal_id(zone_of(link_id)))
    return look is None or (isinstance(look, MeshError) and not isinstance(look, NotFound))


def _unread(zone: str, error: MeshError) -> Finding:
    if isinstance(error, NotFound):
        message = f"The private DNS zone {zone} is not there. Correct the zones of the hub in MESH_HUBS."
        return Finding(NAMES_RESOLVE, "ZoneMissing", message)
    message = (
        f"The links of {zone} cannot be read: {error.reason}: {error.message.rstrip('.')}. Grant Meshplane the right"
        " to, then POST .../reconcile."
    )
    return Finding(NAMES_RESOLVE, "ZoneUnread", message)
