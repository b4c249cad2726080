"""What a node shares with others: rosters, address pools and edges. Read, and changed, before its plan is made."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from shared.domain.addresses import Allocation
from shared.domain.errors import NotFound, Terminal
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.network import Hub, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.roster import Member
from shared.domain.tags import NodeTags
from shared.ports import Clock, ResourceManager
from shared.ports.mesh import AddressBook, EdgeStore, EdgeTouch, HubTouch, Rosters
from shared.reconcile.intake import OF_THE_HUB, Intake
from shared.reconcile.observation import Observation
from shared.reconcile.options import OPTIONS
from shared.reconcile.options.full_mesh import ROSTER
from shared.reconcile.options.made import gone, network_id, prefix_length
from shared.reconcile.options.scene import own_networks

type Note = Callable[[NodeRecord], Awaitable[NodeRecord]]
"""Saves a record before something is done that it tells of, and answers it as it is stored."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The ports to what belongs to more than one node."""

    rosters: Rosters
    addresses: AddressBook
    edges: EdgeStore
    edge_touch: EdgeTouch
    hub_touch: HubTouch


class Surroundings:
    """Everything about a node that lies in the mesh's own records; one for each process."""

    def __init__(
        self, mesh: Mesh, arm: ResourceManager, shared: Shared, intake: Intake, clock: Clock
    ) -> None:
        self._mesh = mesh
        self._arm = arm
        self._shared = shared
        self._intake = intake
        self._clock = clock

    # --- address pools

    async def with_addresses(
        self, record: NodeRecord, seen: Observation, tags: NodeTags | None, *, dry: bool
    ) -> Observation:
        """With the prefix that the node has from a pool, or gets now that it needs one.

        A prefix whose network was read as gone, and is not to be made again, is given back.
        """
        needed = tags is not None and _needs_network(seen, tags)
        hub = seen.hub
        if needed and tags and tags.address_size and hub and hub.pools:
            asked = prefix_length(tags.address_size), await self._occupied(record, seen, hub, tags)
            return await self._allocated(record, seen, hub, *asked, dry=dry)
        if not record.allocation:
            return seen
        if gone(self._mesh, record, seen) and not needed:
            if not dry:
                await self._shared.addresses.release(network_id(self._mesh, record))
            return seen
        kept = Allocation(
            record.allocation, "", network_id(self._mesh, record), record.key, self._clock.now()
        )
        return msgspec.structs.replace(seen, allocation=kept)

    async def _allocated(
        self,
        record: NodeRecord,
        seen: Observation,
        hub: Hub,
        size: int,
        occupied: Sequence[str],
        *,
        dry: bool,
    ) -> Observation:
        book, network = self._shared.addresses, network_id(self._mesh, record)
        ask = book.propose if dry else book.allocate
        try:
            found = await ask(hub.pools, size, network, record.key, occupied=occupied)
        except Terminal as error:
            return msgspec.structs.replace(seen, no_address=error)
        return msgspec.structs.replace(seen, allocation=found)

    async def _occupied(
        self, record: NodeRecord, seen: Observation, hub: Hub, tags: NodeTags
    ) -> Sequence[str]:
        """The addresses that the new network must keep clear of: those of its hub, also where it stands on none today,
        and of the full mesh; and of what is peered with them. Read once: what it has been given, it keeps.
        """
        if record.allocation:
            return ()
        members = await self._shared.rosters.members(ROSTER) if tags.network == ROSTER else ()
        others = [n for m in members if m.key != record.key for n in m.networks]
        ids = others if seen.hub_network else [hub.network, *others]
        read = await asyncio.gather(*map(self._network, ids))
        return [a for network in (seen.hub_network, *read) if network for a in _addresses(network)]

    async def _network(self, network: str) -> VirtualNetwork | None:
        try:
            return await self._arm.get_network(network)
        except NotFound:
            return None

    # --- the roster of the full mesh

    async def with_roster(
        self, record: NodeRecord, seen: Observation, note: Note, *, dry: bool
    ) -> tuple[NodeRecord, Observation]:
        """With the members of the full mesh, the node among them unless the roster is full.

        That it is about to join is recorded before, so that nobody stays on it unseen.
        """
        networks = tuple(n.id for n in own_networks(seen.networks, [h.network for h in self._mesh.hubs]))
        members = await self._shared.rosters.members(ROSTER)
        mine = next((m for m in members if m.key == record.key), None)
        if networks and (mine is None or mine.networks != networks):
            member = Member(record.key, networks)
            if dry:
                room = mine is not None or len(members) < self._mesh.full_mesh
                members = [*(m for m in members if m.key != record.key), *([member] if room else [])]
            else:
                record, members = await self._joined(record, member, note)
        refused = bool(networks) and all(m.key != record.key for m in members)
        return record, msgspec.structs.replace(seen, members=tuple(members), refused=refused)

    async def _joined(
        self, record: NodeRecord, member: Member, note: Note
    ) -> tuple[NodeRecord, Sequence[Member]]:
        if record.roster != ROSTER:
            record = await note(msgspec.structs.replace(record, roster=ROSTER))
        members = await self._shared.rosters.join(ROSTER, member, self._mesh.full_mesh)
        if any(m.key == member.key for m in members):
            await self._tell(member.key, members, "FullMeshJoined")
        return record, members

    async def leave(self, record: NodeRecord) -> None:
        """Takes the node off the roster; those on it, and those that it refused, are looked at again."""
        await self._shared.rosters.leave(ROSTER, record.key)
        await self._tell(record.key, await self._shared.rosters.members(ROSTER), "FullMeshLeft")
        await self._intake.bump_lacking(frozenset({"MeshFull"}), "FullMeshLeft")

    async def _tell(self, key: NodeKey, members: Sequence[Member], cause: str) -> None:
        for member in members:
            if member.key != key:
                await self._intake.bump(member.key, cause)

    async def ask(self, asked: Sequence[tuple[NodeKey, str]]) -> None:
        """Has other nodes look at their side of a pair."""
        for key, resource in asked:
            await self._intake.bump(key, "FullMeshPair", resource)

    # --- hubs

    async def made_room(self) -> None:
        """Has those looked at who found no place on a hub, or whose addresses were taken there.

        No event does: those of what Meshplane itself writes are not listened to.
        """
        await self._intake.bump_lacking(OF_THE_HUB, "HubFreed")

    # --- edges

    async def with_edges(self, record: NodeRecord, seen: Observation) -> Observation:
        """With the live edges that the node consumes or provides."""
        return msgspec.structs.replace(seen, edges=tuple(await self._shared.edges.of_node(record.key)))


def _needs_network(seen: Observation, tags: NodeTags) -> bool:
    if tags.network is None or tags.product is None or not OPTIONS[tags.network].networked:
        return False
    return not seen.networks


def _addresses(network: VirtualNetwork) -> list[str]:
    """Those of a network, and of what is peered with it."""
    return [*network.address_prefixes, *(a for p in network.peerings for a in p.remote_address_prefixes)]
