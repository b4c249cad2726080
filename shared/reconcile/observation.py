"""What Azure holds for one key, read in as few calls as it takes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.addresses import Allocation
from shared.domain.diagnostics import Category, DiagnosticSetting
from shared.domain.edge import EdgeRecord
from shared.domain.errors import MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.exposure import EXPOSED, Access
from shared.domain.ids import NodeKey, normal_id
from shared.domain.network import Hub, VirtualNetwork
from shared.domain.permissions import Known
from shared.domain.private_link import ZoneLink
from shared.domain.roster import Member
from shared.ports import Clock, Group, Resource, ResourceManager
from shared.ports.network import PrivateDns
from shared.reconcile.diagnostics_children import ChildLook, Inside

KEPT = timedelta(hours=1)

type _Kind = tuple[str, str]


GROUP_GONE = "ResourceGroupNotFound"


class Diagnostics(msgspec.Struct, frozen=True):
    """What one resource offers, and the settings it has."""

    categories: tuple[Category, ...]
    settings: tuple[DiagnosticSetting, ...]


type Look = Diagnostics | MeshError
"""What came of looking at one resource: an error says nothing of what it has, not even that it is gone."""


type ZoneLook = tuple[ZoneLink, ...] | MeshError
"""The links of a private DNS zone, or why they could not be read."""


type ExposureLook = Mapping[str, Access] | MeshError
"""The access to the group's resources of one type, by normal id, or why it could not be read."""


class FullHub(msgspec.Struct, frozen=True):
    """A hub that has no room for one more node."""

    hub: str
    peerings: int
    capacity: int


class Observation(msgspec.Struct, frozen=True):
    """What was found, as far as the node's option makes it matter.

    `group` is None where it is gone; `children` are resources inside resources that the group's list does not show.
    `diagnostics` holds only the resources that were looked at, by normal id.
    `hub` is the one that the node is to have, None where none serves it; `hub_network` is read for the options that
    stand on it; `full` are the hubs that were looked at in vain. `former` are networks on which something of ours may
    be left, `unread` the ids of those that Azure does not show us. `members` is the roster of the full mesh, which
    `refused` the node where it is full, `partners` those of their networks that had to be read. `edges` are the
    node's live edges, `zones` the links of private DNS zones by the zone's normal id. `allocation` is what the node
    has from an address pool, `no_address` why it has nothing though it needs it. `holding` says that live edges still
    run over a connection that is to go. `permissions` are read where something is to be made. `exposures` are the
    types, in lower case, whose access was read. Without `all_tags` the group's are the mesh's own alone.
    """

    group: Group | None
    resources: tuple[Resource, ...] = ()
    networks: tuple[VirtualNetwork, ...] = ()
    hub: Hub | None = None
    hub_network: VirtualNetwork | None = None
    full: tuple[FullHub, ...] = ()
    former: tuple[VirtualNetwork, ...] = ()
    unread: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    refused: bool = False
    partners: tuple[VirtualNetwork, ...] = ()
    edges: tuple[EdgeRecord, ...] = ()
    holding: bool = False
    zones: Mapping[str, ZoneLook] = {}
    allocation: Allocation | None = None
    no_address: MeshError | None = None
    children: tuple[Resource, ...] = ()
    diagnostics: Mapping[str, Look] = {}
    permissions: Known = {}
    exposures: Mapping[str, ExposureLook] = {}
    all_tags: bool = True

    @property
    def observed(self) -> tuple[Resource, ...]:
        """Everything in the group that may have diagnostics."""
        return (*self.resources, *self.children)


class CategoryCache:
    """The categories of a resource type, kept for an hour.

    They belong to the type and kind, so a group of a hundred vaults costs one read. Only answers are shared: an
    error, or an absence, is that of one resource.
    """

    def __init__(self, arm: ResourceManager, clock: Clock) -> None:
        self._arm = arm
        self._clock = clock
        self._kept: dict[_Kind, tuple[datetime, tuple[Category, ...]]] = {}
        self._reading: dict[_Kind, asyncio.Task[tuple[Category, ...]]] = {}

    async def of(self, resource: Resource) -> tuple[Category, ...]:
        """The categories that resources like this one offer; empty where the type supports none."""
        kind = (resource.type.lower(), resource.kind.lower())
        if (kept := self._fresh(kind)) is not None:
            return kept
        if reading := self._reading.get(kind):
            await asyncio.wait([reading])
            if (kept := self._fresh(kind)) is not None:
                return kept
            return await self._read(kind, resource.id)
        task = self._reading[kind] = asyncio.create_task(self._read(kind, resource.id))
        task.add_done_callback(lambda done: self._ended(kind, done))
        # Others wait for it too: it goes on when this run is cancelled.
        return await asyncio.shield(task)

    def _ended(self, kind: _Kind, task: asyncio.Task[tuple[Category, ...]]) -> None:
        self._reading.pop(kind, None)
        if not task.cancelled():
            task.exception()  # whoever began it may be gone: asyncio logs an error that nobody looked at

    def _fresh(self, kind: _Kind) -> tuple[Category, ...] | None:
        read_at, categories = self._kept.get(kind, (None, ()))
        return categories if read_at and self._clock.now() - read_at < KEPT else None

    async def _read(self, kind: _Kind, resource: str) -> tuple[Category, ...]:
        categories = tuple(await self._arm.list_diagnostic_categories(resource))
        self._kept[kind] = (self._clock.now(), categories)
        return categories


class Wish(msgspec.Struct, frozen=True):
    """Which hub's network is to be read: the first of `hubs` with room for one peering more, or on which one whose
    name starts with `prefix` is there; none where `read` is false.
    """

    hubs: tuple[Hub, ...] = ()
    prefix: str = ""
    read: bool = True


async def observe_group(
    arm: ResourceManager,
    key: NodeKey,
    wish: Callable[[Group | None], Wish],
    concerns_us: Callable[[Group | None], bool],
    known: Observation | None = None,
    *,
    leaving: bool = False,
) -> Observation:
    """The group, its resources and networks, and the hub's network: four reads, however much is in the group.

    With the group and its resources as they are `known`: two. Where the mesh is `leaving`, a group is seen untagged.

    Only the group where it does not concern the mesh. A group that vanishes between the reads is gone, once it is
    asked itself: what is taken for gone is taken down. Raises Transient on any other 404, which tells of something
    else.
    """
    group = known.group if known else await _group(arm, key)
    if group and leaving:
        group = msgspec.structs.replace(group, tags={})
    if not concerns_us(group):
        return Observation(group)
    seen = _hub(arm, Observation(group), wish(group))
    if group is None:
        return await seen
    try:
        resources, networks, seen_hub = await asyncio.gather(
            _resources(arm, key, known), arm.list_networks(key), seen
        )
    except NotFound as error:
        if error.reason != GROUP_GONE or await _group(arm, key) is not None:
            raise _doubtful(error, key) from error
        return await _hub(arm, Observation(None), wish(None))
    return msgspec.structs.replace(seen_hub, resources=tuple(resources), networks=tuple(networks))


async def _resources(arm: ResourceManager, key: NodeKey, known: Observation | None) -> Sequence[Resource]:
    return known.resources if known else await arm.list_resources(key)


async def _hub(arm: ResourceManager, seen: Observation, wish: Wish) -> Observation:
    """With the hub, and its network where that is wished for; the next one is read only where the first is full."""
    if not (wish.read and wish.hubs):
        return msgspec.structs.replace(seen, hub=next(iter(wish.hubs), None))
    full: list[FullHub] = []
    for hub in wish.hubs:
        network = await _network(arm, hub.network)
        if network is None or has_room(hub, network, wish.prefix):
            return msgspec.structs.replace(seen, hub=hub, hub_network=network)
        full.append(FullHub(hub.id, len(network.peerings), hub.capacity))
    return msgspec.structs.replace(seen, hub=wish.hubs[0], full=tuple(full))


def has_room(hub: Hub, network: VirtualNetwork, prefix: str) -> bool:
    """Whether a hub takes a node, or has it already: the names of the node's peerings on it start with `prefix`."""
    attached = any(p.name.lower().startswith(prefix.lower()) for p in network.peerings)
    return attached or len(network.peerings) < hub.capacity


async def observe_former(arm: ResourceManager, seen: Observation, network_ids: Iterable[str]) -> Observation:
    """With the networks on which something of ours may be left; `unread` are those that Azure does not show us."""
    former: list[VirtualNetwork] = []
    unread: list[str] = []
    for network_id in network_ids:
        try:
            network = await _network(arm, network_id)
        except Terminal:
            unread.append(network_id)
        else:
            former += [network] if network else []
    return msgspec.structs.replace(seen, former=tuple(former), unread=tuple(unread))


async def observe_partners(arm: ResourceManager, seen: Observation, ids: Iterable[str]) -> Observation:
    """With the networks of other nodes that the node is to be peered with. Raises what Azure answers."""
    found = await asyncio.gather(*(_network(arm, i) for i in ids))
    return msgspec.structs.replace(seen, partners=tuple(n for n in found if n))


async def observe_zones(arm: PrivateDns, seen: Observation, zones: Iterable[str]) -> Observation:
    """With the links of private DNS zones, one read for each; what cannot be read says why."""

    async def look(zone: str) -> tuple[str, ZoneLook]:
        try:
            return normal_id(zone), tuple(await arm.list_zone_links(zone))
        except (NotFound, Terminal) as error:
            return normal_id(zone), error

    return msgspec.structs.replace(seen, zones=dict(await asyncio.gather(*map(look, zones))))


async def _group(arm: ResourceManager, key: NodeKey) -> Group | None:
    try:
        return await arm.get_group(key)
    except NotFound as error:
        if error.reason != GROUP_GONE:
            raise _doubtful(error, key) from error
        return None


def _doubtful(error: NotFound, key: NodeKey) -> Transient:
    return Transient(error.reason, error.message, target=error.target or key.group_id)


async def _network(arm: ResourceManager, network_id: str) -> VirtualNetwork | None:
    if not network_id:
        return None
    try:
        return await arm.get_network(network_id)
    except NotFound:
        return None


async def observe_diagnostics(
    arm: ResourceManager, categories: CategoryCache, resources: Iterable[Resource]
) -> dict[str, Look]:
    """What came of looking at each of the given resources, by normal id. Raises nothing that Azure answers."""

    async def look(resource: Resource) -> tuple[str, Look]:
        try:
            offered = await categories.of(resource)
            settings = await arm.list_diagnostic_settings(resource.id) if offered else ()
        except MeshError as error:
            return normal_id(resource.id), error
        return normal_id(resource.id), Diagnostics(offered, tuple(settings))

    return dict(await asyncio.gather(*map(look, resources)))


async def observe_children(arm: ResourceManager, inside: Iterable[Inside]) -> dict[str, ChildLook]:
    """What is in each collection, by its id; one whose parent is gone is empty. Raises nothing that Azure answers."""

    async def look(one: Inside) -> tuple[str, ChildLook]:
        try:
            found = await arm.list_children(one.parent.id, one.collection.name, one.collection.version)
        except NotFound:
            return one.id, ()
        except MeshError as error:
            return one.id, error
        return one.id, tuple(one.child(r) for r in found)

    return dict(await asyncio.gather(*map(look, inside)))


async def observe_exposures(
    arm: ResourceManager, key: NodeKey, types: Iterable[str]
) -> dict[str, ExposureLook]:
    """The access to the group's resources of each type: one read for each, however many there are."""

    async def look(kind: str) -> tuple[str, ExposureLook]:
        try:
            return kind, await arm.list_access(key, EXPOSED[kind])
        except MeshError as error:
            return kind, error

    return dict(await asyncio.gather(*map(look, types)))


def throttled(looks: Mapping[str, Look | ChildLook]) -> Waiting | None:
    """The answer by which Azure asked to be left alone for a while, if there is one."""
    return next((e for e in looks.values() if isinstance(e, Waiting) and e.retry_after), None)
