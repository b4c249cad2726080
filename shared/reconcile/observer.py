"""Looking at a key: what Azure and the mesh's records hold, and what to do about it. Writes nothing to Azure."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Protocol

import msgspec

from shared.domain.errors import MeshError
from shared.domain.governance import NO_POLICIES, Policies
from shared.domain.ids import NodeKey, normal_id
from shared.domain.mesh import Mesh, Timing
from shared.domain.naming import hub_peering_prefix
from shared.domain.node import Coverage, NodeRecord
from shared.domain.plan import Plan
from shared.domain.steps import DeleteNetwork, DeleteSecurityGroup, PutNetwork, PutSecurityGroup
from shared.domain.tags import NodeTags, is_ours, read_tags
from shared.ports import Clock, Group, Resource
from shared.ports.network import Azure
from shared.reconcile.connection import edges_matter, rights_needed
from shared.reconcile.decision import Decision, decide, inside_to_list, to_look_at
from shared.reconcile.diagnostics_children import ChildLook, Inside, children_of
from shared.reconcile.former import elsewhere, network_of
from shared.reconcile.governing import exposures_to_read
from shared.reconcile.hub_choice import hubs_to_try, is_member
from shared.reconcile.observation import (
    CategoryCache,
    Look,
    Observation,
    Wish,
    observe_children,
    observe_diagnostics,
    observe_exposures,
    observe_former,
    observe_group,
    observe_partners,
    observe_zones,
    throttled,
)
from shared.reconcile.options import OPTIONS
from shared.reconcile.options.full_mesh import ROSTER, to_read
from shared.reconcile.options.scene import Scene
from shared.reconcile.options.zones import to_list, zones_to_read
from shared.reconcile.rights import Rights
from shared.reconcile.surroundings import Surroundings

MOST_RECENT = 1000
SEEN_LIMIT = 16_384  # characters of a row; what is longer is asked for again
_LISTED = (PutSecurityGroup, DeleteSecurityGroup, PutNetwork, DeleteNetwork)
CONCURRENT_READS = 8  # resources whose settings are read at once, and before the lease is looked at


class Hold(Protocol):
    """The record of the key that is looked at, while this run holds its lease."""

    async def keep(self) -> None:
        """Makes sure that the lease lasts. Raises LeaseLost."""
        ...

    async def note(self, record: NodeRecord) -> NodeRecord:
        """Saves the record as it is to be by now. Raises LeaseLost."""
        ...


class _Recent(msgspec.Struct, frozen=True):
    """What a group held; of an observation nothing else is taken as it was."""

    at: datetime
    generation: int
    group: Group | None
    resources: tuple[Resource, ...]
    all_tags: bool = True


class Observer:
    """Observes and decides; one for each process, since categories are kept."""

    def __init__(
        self,
        mesh: Mesh,
        arm: Azure,
        surroundings: Surroundings,
        clock: Clock,
        timing: Timing,
        policies: Callable[[], Policies] = lambda: NO_POLICIES,
    ) -> None:
        self._policies = policies
        self._mesh = mesh
        self._arm = arm
        self._surroundings = surroundings
        self._clock = clock
        self._timing = timing
        self._categories = CategoryCache(arm, clock)
        self._rights = Rights(arm, clock)
        self._recent: dict[NodeKey, _Recent] = {}

    async def look(self, record: NodeRecord, hold: Hold | None, *, read_back: bool = False) -> Decision:
        """What to do about a key now. Raises what Azure answers, and what `hold` raises meanwhile.

        Without `hold` it is a dry run: nothing is recorded, joined, allocated or told to others. To `read_back` what
        was written, the group and its resources are taken as they were when that was planned.
        """
        known = self._known(record) if read_back else None
        seen = await observe_group(
            self._arm,
            record.key,
            lambda group: self._wish(record, group),
            lambda g: _concerns_us(record, g),
            known,
            leaving=self._mesh.leaving,
        )
        if known is None:
            self._remember(record, seen)
        if not _concerns_us(record, seen.group):
            return decide(self._mesh, record, seen, self._clock.now())
        tags = read_tags(seen.group.tags)[0] if seen.group and is_member(seen.group) else None
        seen = await self._surroundings.with_addresses(record, seen, tags, dry=hold is None)
        if tags and tags.network == ROSTER and tags.product is not None and seen.hub:
            note = hold.note if hold else _nowhere
            record, seen = await self._surroundings.with_roster(record, seen, note, dry=hold is None)
        if seen.hub:
            seen = await self._connections(Scene(self._mesh, record, seen, seen.hub), tags)
        policies, keep = self._policies(), hold.keep if hold else _no_lease
        seen = await self._observed(record, seen, keep)
        if types := exposures_to_read(policies, record, seen, self._clock.now(), self._timing):
            await keep()
            seen = msgspec.structs.replace(
                seen, exposures=await observe_exposures(self._arm, record.key, types)
            )
        decision = decide(self._mesh, record, seen, self._clock.now(), policies)
        if hold:
            await self._tell(record, decision)
        return decision

    def _known(self, record: NodeRecord) -> Observation | None:
        """What was seen since the last event; None where that is long ago, or was seen by another process.

        Nor where the plan makes or removes something that the group's list shows.
        """
        recent = self._recent.pop(record.key, None)
        if recent is None and record.seen:
            recent = _noted(record.seen)
        if recent is None or recent.generation != record.generation:
            return None
        if record.plan and any(isinstance(step, _LISTED) for step in record.plan.network):
            return None
        fresh = self._clock.now() - recent.at < self._recently
        known = Observation(recent.group, recent.resources, all_tags=recent.all_tags)
        return known if fresh else None

    def noted(self, record: NodeRecord, plan: Plan) -> NodeRecord:
        """The record with what its group held, where the steps of its plan wait for a turn at a hub: another process
        may have to read back what they wrote. Tags may hold addresses of people, which are not recorded.
        """
        recent = self._recent.get(record.key) if plan.hub else None
        seen = _text(recent) if recent else ""
        return msgspec.structs.replace(record, seen=seen if len(seen) <= SEEN_LIMIT else "")

    def _remember(self, record: NodeRecord, seen: Observation) -> None:
        now = self._clock.now()
        if len(self._recent) >= MOST_RECENT:
            self._recent = {k: r for k, r in self._recent.items() if now - r.at < self._recently}
        if is_member(seen.group) and len(self._recent) < MOST_RECENT:
            self._recent[record.key] = _Recent(now, record.generation, seen.group, seen.resources)

    @property
    def _recently(self) -> timedelta:
        return timedelta(seconds=self._timing.plan_age)

    def _wish(self, record: NodeRecord, group: Group | None) -> Wish:
        hubs, prefix = hubs_to_try(self._mesh, record, group), hub_peering_prefix(self._mesh.name, record.key)
        if not is_member(group) or group is None:
            return Wish(hubs, prefix)
        network = read_tags(group.tags)[0].network
        return Wish(hubs, prefix, read=network is None or OPTIONS[network].attaches)

    async def _connections(self, scene: Scene, tags: NodeTags | None) -> Observation:
        """With what else lies outside the group: partners, what may be left elsewhere, edges, and links of zones."""
        option = OPTIONS[tags.network] if tags and tags.network else None
        seen = scene.seen
        if option and seen.members:
            seen = await observe_partners(self._arm, seen, to_read(scene))
            scene = msgspec.structs.replace(scene, seen=seen)
        pairs = option.wants(scene).pairs if option else ()
        others = elsewhere(self._mesh, scene.record, seen, [w.remote for w in pairs])
        seen = await observe_former(self._arm, seen, others)
        scene = msgspec.structs.replace(scene, seen=seen)
        if edges_matter(scene, option) if option else _leaves(scene):
            seen = await self._surroundings.with_edges(scene.record, seen)
            scene = msgspec.structs.replace(scene, seen=seen)
        if option and tags and seen.group:
            wanted = rights_needed(scene, option, tags, seen.group.location)
            seen = msgspec.structs.replace(seen, permissions=await self._rights.known(wanted))
        zones = zones_to_read(option, scene) if option else to_list(scene.record.zone_links, ())
        return await observe_zones(self._arm, seen, zones)

    async def _tell(self, record: NodeRecord, decision: Decision) -> None:
        if decision.connection.leaves:
            await self._surroundings.leave(record)
        if makes_room(self._mesh, record, decision):
            await self._surroundings.made_room()
        await self._surroundings.ask(decision.connection.asked)

    async def _observed(
        self, record: NodeRecord, seen: Observation, keep_lease: Callable[[], Awaitable[None]]
    ) -> Observation:
        """With what is inside the group's resources, and the diagnostics of what has to be looked at."""
        now, timing = self._clock.now(), self._timing
        children, unlisted = await self._children(
            record.coverage,
            seen,
            inside_to_list(record, seen, now, timing),
            keep_lease,
        )
        seen = msgspec.structs.replace(seen, children=children)
        wanted = [
            r for r in to_look_at(self._mesh, record, seen, now, timing) if normal_id(r.id) not in unlisted
        ]
        looks = await self._diagnostics(wanted, keep_lease)
        return msgspec.structs.replace(seen, diagnostics={**looks, **unlisted})

    async def _children(
        self,
        coverage: Sequence[Coverage],
        seen: Observation,
        wanted: Sequence[Inside],
        keep_lease: Callable[[], Awaitable[None]],
    ) -> tuple[tuple[Resource, ...], dict[str, MeshError]]:
        """The children of the group's resources, and the collections that could not be listed.

        Of those, and of those that need not be listed again, what the record knows.
        """
        lists: dict[str, ChildLook] = {}
        for some in batched(wanted, CONCURRENT_READS, strict=False):
            await keep_lease()
            lists |= await observe_children(self._arm, some)
            if error := throttled(lists):
                lists = {one.id: error for one in wanted} | lists
                break
        return children_of(seen.resources, coverage, lists)

    async def _diagnostics(
        self, wanted: Sequence[Resource], keep_lease: Callable[[], Awaitable[None]]
    ) -> dict[str, Look]:
        """What came of looking at the resources; once Azure throttles, what is left is not asked for."""
        looks: dict[str, Look] = {}
        for some in batched(wanted, CONCURRENT_READS, strict=False):
            await keep_lease()
            looks |= await observe_diagnostics(self._arm, self._categories, some)
            if error := throttled(looks):
                return {normal_id(r.id): error for r in wanted} | looks
        return looks


def makes_room(mesh: Mesh, record: NodeRecord, decision: Decision) -> bool:
    """Whether a peering of the node's on a hub was read back as gone: its place and its addresses are free."""
    left = {normal_id(i) for i in record.owned} - {normal_id(i) for i in decision.connection.owned}
    return any(mesh.hub_of_network(network_of(i)) for i in left)


def _concerns_us(record: NodeRecord, group: Group | None) -> bool:
    return is_member(group) or bool(record.hub or record.coverage or record.roster or record.allocation)


def _leaves(scene: Scene) -> bool:
    """Whether a group that is no node any more still has something that edges may stand on."""
    record, group = scene.record, scene.seen.group
    return bool(record.owned or record.zone_links) and group is not None and not is_member(group)


def _text(recent: _Recent) -> str:
    """As JSON, with no tags but the mesh's own, which are all that is read; empty where these hold an address."""
    if recent.group:
        ours = {name: value for name, value in recent.group.tags.items() if is_ours(name)}
        if any("@" in value for value in ours.values()):
            return ""
        group = msgspec.structs.replace(recent.group, tags=ours)
        recent = msgspec.structs.replace(recent, group=group)
    return msgspec.json.encode(recent).decode()


def _noted(text: str) -> _Recent | None:
    """None where another version of the app wrote it, which takes what it holds for something else."""
    try:
        return msgspec.structs.replace(msgspec.json.decode(text, type=_Recent), all_tags=False)
    except msgspec.ValidationError:
        return None


async def _no_lease() -> None:
    """A dry run holds none."""


async def _nowhere(record: NodeRecord) -> NodeRecord:
    return record
