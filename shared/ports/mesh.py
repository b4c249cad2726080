"""Records of what belongs to more than one node: edges, hubs, addresses out of pools, and rosters.

Every method raises only errors of `shared.domain.errors`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.addresses import Allocation, PoolUsage
from shared.domain.edge import EdgeRecord, EdgeSummary
from shared.domain.governance_report import Cell, Tally, Trend
from shared.domain.hub import HubRecord
from shared.domain.ids import EdgeKey, HubKey, NodeKey
from shared.domain.roster import Member
from shared.ports import Page


class EdgeStore(Protocol):
    """The `edges` table."""

    async def get(self, key: EdgeKey) -> EdgeRecord | None: ...

    async def save(self, record: EdgeRecord) -> EdgeRecord:
        """Inserts where `etag` is None, else replaces the very version read; answers it with its new `etag`.

        Raises Conflict where somebody else wrote first.
        """
        ...

    async def list(
        self,
        *,
        consumer: NodeKey | None = None,
        provider: NodeKey | None = None,
        state: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[EdgeSummary]:
        """A page may be short of its size and still not be the last one. Raises Terminal on a continuation that is not
        ours."""
        ...

    async def of_node(self, node: NodeKey) -> Sequence[EdgeRecord]:
        """The live edges that a node consumes or provides."""
        ...

    async def sharing(self, artefact: str) -> Sequence[EdgeRecord]:
        """The live edges whose route has this artefact."""
        ...

    async def naming(self, zone: str, target: str) -> Sequence[EdgeRecord]:
        """The live edges whose route keeps the name of a target (a service's id) in a private zone."""
        ...

    def due(self, before: datetime) -> AsyncIterator[EdgeKey]:
        """The keys whose `next_due` lies before a time; reads nothing of the others."""
        ...

    async def index(self) -> int:
        """As of NodeStore."""
        ...


class HubStore(Protocol):
    """The `hubs` table."""

    async def get(self, key: HubKey) -> HubRecord | None: ...

    async def save(self, record: HubRecord) -> HubRecord:
        """Inserts where `etag` is None, else replaces the very version read; answers it with its new `etag`.

        Raises Conflict where somebody else wrote first.
        """
        ...

    async def list(self) -> Sequence[HubRecord]:
        """All, in the order of their ids: a mesh has few."""
        ...


class AddressBook(Protocol):
    """What was given out of the pools: no two live allocations of one mesh overlap, whoever allocates at once."""

    async def allocate(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, *, occupied: Sequence[str] = ()
    ) -> Allocation:
        """A prefix of length `size` (16 to 29) for a network in the node's group, the same again where it has one.

        What it gives shares no address with the `occupied` prefixes: those that networks use which are peered, or
        are to be, with the network. What a network has already stays its own, occupied or not.
        Raises Terminal: `PoolExhausted` where no pool has room, naming the largest free block; `SizeNotOffered`;
        `NetworkOutsideNode`. Raises Waiting (`AddressesContended`) where too many allocate at once.
        """
        ...

    async def propose(
        self, pools: Sequence[str], size: int, network: str, node: NodeKey, *, occupied: Sequence[str] = ()
    ) -> Allocation:
        """What `allocate` would give now, for a dry run: nothing is recorded. Raises Terminal as that does."""
        ...

    async def of(self, node: NodeKey) -> Allocation | None:
        """What a network of the node has; the first by the network's id where several have something."""
        ...

    async def release(self, network: str) -> None:
        """Gives back what a network had; nothing where it had nothing. Call it once the network was read as gone."""
        ...

    async def usage(self, pool: str) -> PoolUsage: ...

    async def list(self, pool: str, *, size: int = 100, continuation: str = "") -> Page[Allocation]:
        """What lies in a pool, by address. Raises Terminal on a continuation that is not ours."""
        ...


class Rosters(Protocol):
    """Named lists of nodes with room for so many, such as those that are peered with each other."""

    async def members(self, name: str) -> Sequence[Member]:
        """In the order in which they joined."""
        ...

    async def join(self, name: str, member: Member, limit: int) -> Sequence[Member]:
        """The members, with this one unless the roster is full; a member's networks are brought up to date."""
        ...

    async def leave(self, name: str, key: NodeKey) -> None: ...


class Trends(Protocol):
    """The `governance` table: how many nodes complied with what on each day."""

    async def recorded_at(self) -> datetime | None:
        """When something was recorded last."""
        ...

    async def record(self, tallies: Mapping[Cell, Tally], now: datetime) -> None:
        """Makes the tallies those of today, all of them: a cell that has none has no day.

        Recording twice is the same as once. Days older than are kept go, and cells that have none left.
        """
        ...

    async def list(self, *, domain: str | None = None) -> Sequence[Trend]:
        """Every cell, or those of a domain (which may be the empty one), in their order."""
        ...


class EdgeTouch(Protocol):
    """Has edges looked at again."""

    async def node_changed(self, node: NodeKey, cause: str) -> None:
        """The edges that a node consumes or provides are due."""
        ...


class HubTouch(Protocol):
    """Has hubs looked at again."""

    async def hub_changed(self, hub: str) -> None:
        """A node was attached to a hub's network or taken from it: it is looked at within a minute or so."""
        ...
