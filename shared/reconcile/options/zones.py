"""The links of the hub's private DNS zones to the networks of a node that has to resolve private names. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from shared.domain.conditions import NAMES_RESOLVE, Finding
from shared.domain.edge import GRANTED
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


def resolves(option: Option, scene: Scene) -> bool:
    """Whether the node's networks have to resolve private names."""
    if not scene.hub.zones or not scene.own or option.zones == "never":
        return False
    if option.zones == "always" or any(n.private_endpoints for n in scene.own):
        return True
    return any(
        e.state in GRANTED
        and e.request.consumer == scene.key
        and e.route is not None
        and e.route.exposure == "private-endpoint"
        for e in scene.seen.edges
    )


def zone_of(link_id: str) -> str:
    """The zone that a link belongs to."""
    return link_id.rsplit("/", 2)[0]


def to_list(recorded: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The zones whose links have to be read."""
    return list({normal_id(z): z for z in (*wanted, *map(zone_of, recorded))}.values())


def link_zones(scene: Scene, *, wanted: bool) -> Names:
    """What to do about the links of each zone that was read; somebody else's link serves as well as ours."""
    zones = scene.hub.zones if wanted else ()
    networks = [n.id for n in scene.own] if wanted else []
    keep = {(normal_id(z), normal_id(n)) for z in zones for n in networks}
    there = _ours(scene)
    leaving = [(z, link) for z, link in there if (normal_id(z), normal_id(link.network)) not in keep]
    puts: list[NetworkStep] = []
    findings: list[Finding] = []
    for zone in zones:
        look = scene.seen.zones.get(normal_id(zone))
        if isinstance(look, MeshError):
            findings.append(_unread(zone, look))
        elif look is not None:
            blocking = [link for z, link in leaving if name_of(z).lower() == name_of(zone).lower()]
            for network in networks:
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
    # A network may be linked to one zone of a name: our link to the former hub's zone goes first.
    why = "Azure links a network to one zone of a name, and another hub's zone is wanted"
    first: list[NetworkStep] = [
        DeleteZoneLink(link.id, why) for link in blocking if same_id(link.network, network)
    ]
    link_id = f"{zone}/virtualNetworkLinks/{zone_link_name(mesh, network)}"
    return [*first, PutZoneLink(link_id, network, "missing: the network could not resolve its names")], []


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
