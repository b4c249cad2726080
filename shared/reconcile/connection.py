"""How a node is connected: its network, its pairs, and the names that it resolves. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from shared.domain.conditions import CONNECTED, Finding
from shared.domain.edge import EdgeRecord
from shared.domain.ids import NodeKey, normal_id
from shared.domain.network import Peering
from shared.domain.node import NodeRecord, PeeringStatus
from shared.domain.plan import DeletePeering, NetworkStep, PutPeering
from shared.domain.tags import DEFAULT_ADDRESS_SIZE, NodeTags
from shared.reconcile.former import Ours, former, ours, unread
from shared.reconcile.healer import heal
from shared.reconcile.network import connect, disconnect, needs, stands
from shared.reconcile.options import OPTIONS, Option
from shared.reconcile.options.attached import opens
from shared.reconcile.options.full_mesh import ROSTER, TURN, far_side
from shared.reconcile.options.holding import moving, revoking, routed_over
from shared.reconcile.options.made import Made, make, no_address, remove
from shared.reconcile.options.scene import Scene, Wanted, WantedPair
from shared.reconcile.options.zones import Zones, link_zones, zones_for
from shared.reconcile.preflight import RIGHTS_MISSING
from shared.reconcile.rights import Need, missing, needs_of

ASKED_EVERY = 10
"""A follower asks its leader when it finds a pair damaged, and at every tenth look that finds it so still."""


class Connection(msgspec.Struct, frozen=True):
    """The steps, what the record is to say is ours, and whom to ask.

    `leaves` says that the node is to be taken off the roster before the steps are performed. `asked` are peerings
    whose nodes have to look at them: their leaders where something is to be done, their followers once it is done.
    """

    steps: tuple[NetworkStep, ...] = ()
    findings: tuple[Finding, ...] = ()
    owned: tuple[str, ...] = ()
    peerings: tuple[PeeringStatus, ...] = ()
    networks: tuple[str, ...] = ()
    private_endpoints: int = 0
    made: tuple[str, ...] = ()
    allocation: str = ""
    zone_links: tuple[str, ...] = ()
    resolves: bool = False
    own_zones: tuple[str, ...] = ()
    leaves: bool = False
    asked: tuple[tuple[NodeKey, str], ...] = ()

    @classmethod
    def of(cls, record: NodeRecord) -> "Connection":
        """What was recorded, where nothing can be decided."""
        return cls(
            owned=record.owned,
            peerings=record.peerings,
            networks=record.networks,
            private_endpoints=record.private_endpoints,
            made=record.made,
            allocation=record.allocation,
            zone_links=record.zone_links,
            own_zones=record.own_zones,
        )


def connection(scene: Scene, tags: NodeTags, location: str, now: datetime) -> Connection:
    """What connects a node as its tags say; nothing changes where they do not say it."""
    if tags.network is None or tags.product is None:
        kept = Connection.of(scene.record)
        return msgspec.structs.replace(kept, owned=_owned(scene, ours_of(scene), (), ()))
    option = OPTIONS[tags.network]
    return _connection(scene, option, tags, location, now)


def _connection(scene: Scene, option: Option, tags: NodeTags, location: str, now: datetime) -> Connection:
    found = ours_of(scene)
    wanted = option.wants(scene)
    leaving = former(found, wanted.pairs)
    edges = _holding(scene, wanted, leaving, to_hub=tags.network == "hub")
    if edges:
        scene = msgspec.structs.replace(scene, seen=msgspec.structs.replace(scene.seen, holding=True))
        wanted = option.wants(scene)
    zones = zones_for(option, scene)
    names = link_zones(scene, zones)
    refused = any(f.severity == "error" for f in wanted.findings)
    ready = stands(wanted.pairs) and not refused and not names.puts
    steps, against = connect(
        scene.own,
        wanted.pairs,
        leaving,
        keep=refused or bool(edges) or bool(names.puts),
        known=scene.seen.permissions,
    )
    made = _permitted(scene, _made(scene, option, tags, location))
    network = made.steps or tuple(steps) or names.puts or (names.removals if ready and not edges else ())
    held = moving(edges, scene.record.conditions, now) if ready and not steps else []
    against = [*against, *_refused(scene, against), *held, *_absences(scene, option)]
    kept = Connection(
        network,
        (*wanted.findings, *against, *made.findings, *names.findings),
        _owned(scene, found, wanted.pairs, network),
        _statuses(found, wanted.pairs),
        made=made.owned,
        zone_links=names.owned,
        resolves=bool(zones.wanted or zones.held),
        own_zones=zones.own,
        leaves=scene.record.roster == ROSTER and tags.network != ROSTER and ready and not edges,
        asked=_asked(scene, wanted),
    )
    return _with_own(kept, scene)


def _with_own(kept: Connection, scene: Scene) -> Connection:
    """With what the node has by itself."""
    return msgspec.structs.replace(
        kept,
        networks=tuple(n.id for n in scene.own),
        private_endpoints=sum(n.private_endpoints for n in scene.own),
        allocation=_allocation(scene),
    )


def disconnection(scene: Scene, now: datetime) -> Connection:
    """What takes a node's connection away: its pairs and links, then the network that was made for it."""
    found = ours_of(scene)
    lives = scene.seen.group is not None and not scene.seen.group.deleting
    waiting = revoking(scene.seen.edges, scene.record.conditions, now) if lives else []
    names = link_zones(scene, Zones())
    made = remove(scene.record, scene.seen)
    steps: tuple[NetworkStep, ...] = ()
    if not waiting:
        steps = (*disconnect(found), *names.removals)
    connected = bool(found or names.owned)
    return Connection(
        steps if waiting or connected else made.steps,
        tuple(waiting) if waiting or connected else made.findings,
        _owned(scene, found, (), steps),
        made=made.owned,
        allocation=_allocation(scene),
        zone_links=names.owned,
        leaves=bool(scene.record.roster) and not waiting,
    )


def ours_of(scene: Scene) -> list[Ours]:
    """The peerings of the node's connections that are ours."""
    return ours(scene.mesh, scene.record, scene.seen)


def rights_needed(scene: Scene, option: Option, tags: NodeTags, location: str) -> list[Need]:
    """The rights to what is to be made of a node's connection; none where nothing is."""
    return [*needs(option.wants(scene).pairs), *needs_of(_made(scene, option, tags, location).steps)]


def edges_matter(scene: Scene, option: Option) -> bool:
    """Whether the node's edges have to be known before something can be decided."""
    wanted = option.wants(scene)
    if former(ours_of(scene), wanted.pairs) or opens(wanted):
        return True
    if option.zones == "never":
        return False
    if scene.record.own_zones or any(n.private_endpoints for n in scene.own):
        return True
    return option.zones == "with endpoints" and bool(scene.hub.zones)


def _holding(scene: Scene, wanted: Wanted, leaving: Sequence[Ours], *, to_hub: bool) -> list[EdgeRecord]:
    own = {normal_id(n.id) for n in scene.own}
    if not any(o.spoke in own for o in leaving) and not opens(wanted):
        return []
    return routed_over(scene.seen.edges, scene.mesh.name, scene.record.conditions, to_hub=to_hub)


def _made(scene: Scene, option: Option, tags: NodeTags, location: str) -> Made:
    if scene.own or not option.networked:
        return Made(owned=remove(scene.record, scene.seen).owned)
    return make(scene.mesh, scene.record, scene.seen, location, tags.address_size or DEFAULT_ADDRESS_SIZE)


def _permitted(scene: Scene, made: Made) -> Made:
    """Without the steps, where a right to one of them is missing."""
    lacking = missing(needs_of(made.steps), scene.seen.permissions)
    return Made(owned=scene.record.made, findings=tuple(lacking)) if lacking else made


def _allocation(scene: Scene) -> str:
    return scene.seen.allocation.prefix if scene.seen.allocation else ""


def _absences(scene: Scene, option: Option) -> list[Finding]:
    if scene.own or not option.networked or scene.seen.allocation:
        return []
    if scene.seen.no_address:
        return [no_address(scene.seen.no_address)]
    if scene.seen.networks:
        message = "The group holds the hub's own network, which cannot be attached to itself."
        return [Finding(CONNECTED, "IsHub", message)]
    message = "The group has no virtual network: create one in it to connect it to the hub."
    return [Finding(CONNECTED, "NoVirtualNetwork", message, "warning")]


def _refused(scene: Scene, against: Sequence[Finding]) -> list[Finding]:
    """The right that was missing at the last try, beside what keeps from trying again: all is put right at once."""
    if any(f.reason == RIGHTS_MISSING for f in against):
        return []  # what is read now is newer
    kept = any(f.severity == "error" and not f.waiting for f in against)
    return [Finding(CONNECTED, RIGHTS_MISSING, scene.record.refusal)] if kept and scene.record.refusal else []


def _asked(scene: Scene, wanted: Wanted) -> tuple[tuple[NodeKey, str], ...]:
    """Leaders of pairs that were damaged; followers whose pair stands since this look.

    A leader hears of those who join from the roster, not from here.
    """
    record = scene.record
    was_well = any(c.type == CONNECTED and c.status == "True" for c in record.conditions)
    asks = was_well or record.waits % ASKED_EVERY == ASKED_EVERY - 1
    stood = {normal_id(p.id) for p in record.peerings if p.state == "Connected"}
    asked: list[tuple[NodeKey, str]] = []
    for one in wanted.pairs:
        partner = NodeKey.containing(one.remote)
        if one.turn != TURN or partner is None:
            continue
        if one.leader and one.pair and heal(one.pair) and asks:
            asked.append((one.leader, one.local.id))
        elif not one.leader and stands([one]) and one.side and normal_id(one.side.id) not in stood:
            asked.append((partner, one.remote))
    return tuple(asked)


def _owned(
    scene: Scene, found: Iterable[Ours], wanted: Iterable[WantedPair], steps: Iterable[NetworkStep]
) -> tuple[str, ...]:
    """The peerings of ours that exist, and those about to be made: recorded before the first write.

    What was recorded stays so until it was read back as gone.
    """
    pairs = list(wanted)
    written = [s.id for s in steps if isinstance(s, PutPeering | DeletePeering)]
    far = [i for w in pairs if (i := far_side(scene, w))]
    kept = unread(scene.record, scene.seen, [w.remote for w in pairs if w.pair is None])
    ids = [*written, *(o.peering.id for o in found), *far, *kept]
    return tuple({normal_id(i): i for i in ids}.values())


def _statuses(found: Sequence[Ours], wanted: Sequence[WantedPair]) -> tuple[PeeringStatus, ...]:
    """Both sides of each connection as they were found, whoever made them."""
    near = [w.side for w in wanted]
    both = [s.actual for w in wanted if w.pair for s in w.pair]
    sides = {normal_id(p.id): p for p in (*near, *both, *(o.peering for o in found)) if p}
    ours_ids = {normal_id(o.peering.id) for o in found}
    return tuple(_status(p, owned=i in ours_ids) for i, p in sides.items())


def _status(peering: Peering, *, owned: bool) -> PeeringStatus:
    return PeeringStatus(peering.id, peering.state, peering.sync_level, peering.provisioning_state, owned)
