"""What the decisions need from the outside world; adapters and the tests' fakes implement it.

Every method raises only errors of `shared.domain.errors`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from shared.domain.alert import SEVERITIES as SEVERITIES
from shared.domain.alert import Severity as Severity
from shared.domain.coverage import NodeCoverage
from shared.domain.diagnostics import Category, DiagnosticSetting
from shared.domain.exposure import Access, ExposedType
from shared.domain.governance import Verdict
from shared.domain.governance_report import NodeFindings, NodeGovernance
from shared.domain.ids import NodeKey
from shared.domain.network import PeeringFlags, VirtualNetwork
from shared.domain.node import HistoryEntry, MeshEvent, NodeRecord, NodeSummary
from shared.domain.permissions import Permission
from shared.domain.plan import Accepted, OperationStatus
from shared.domain.turn import Next


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, in UTC with its zone."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns when so much time has passed."""
        ...


# --- Resource Manager


class Group(msgspec.Struct, frozen=True):
    """A resource group."""

    id: str
    location: str
    tags: Mapping[str, str]
    deleting: bool = False


class Resource(msgspec.Struct, frozen=True):
    """A resource as a group's list shows it; `kind` tells flavours of one type apart (a function app, a web app)."""

    id: str
    type: str
    location: str
    kind: str = ""


class ResourceManager(Protocol):
    """Resource Manager; each page it reads and each write it sends is counted in `shared.domain.calls`."""

    async def get_group(self, key: NodeKey) -> Group:
        """Raises NotFound where the group is gone."""
        ...

    async def list_groups_with_tag(self, subscription: str, tag: str) -> Sequence[Group]: ...

    async def list_resources(self, key: NodeKey) -> Sequence[Resource]:
        """The group's resources. Raises NotFound where the group is gone."""
        ...

    async def list_networks(self, key: NodeKey) -> Sequence[VirtualNetwork]:
        """The group's virtual networks with their peerings."""
        ...

    async def get_network(self, network_id: str) -> VirtualNetwork:
        """Raises NotFound where it is gone."""
        ...

    async def put_peering(
        self, peering_id: str, remote_network: str, flags: PeeringFlags, *, sync: bool
    ) -> Accepted: ...

    async def delete_peering(self, peering_id: str) -> Accepted:
        """A peering that is not there is deleted."""
        ...

    async def list_permissions(self, scope: str) -> Sequence[Permission]:
        """What the caller may do in a group, or at a resource; what is inherited counts. Raises NotFound."""
        ...

    async def get_operation(self, url: str) -> OperationStatus:
        """What has become of a long operation. Raises NotFound where Resource Manager has forgotten it."""
        ...

    async def list_diagnostic_categories(self, resource: str) -> Sequence[Category]:
        """Empty where the type supports no diagnostic settings. Raises NotFound where the resource is gone."""
        ...

    async def list_diagnostic_settings(self, resource: str) -> Sequence[DiagnosticSetting]:
        """Raises NotFound where the resource is gone."""
        ...

    async def list_children(self, parent: str, collection: str, version: str) -> Sequence[Resource]:
        """What is in one collection (`databases`) of a resource, asked for in an api-version.

        A child without a region of its own has none here. Raises NotFound where the parent is gone.
        """
        ...

    async def list_access(self, key: NodeKey, kind: ExposedType) -> Mapping[str, Access]:
        """Whether the group's resources of a type are reachable from public networks, by normal id.

        Raises NotFound where the group is gone.
        """
        ...

    async def put_diagnostic_setting(self, resource: str, setting: DiagnosticSetting) -> DiagnosticSetting:
        """Creates or replaces the setting of that name; answers it as it is stored."""
        ...

    async def delete_diagnostic_setting(self, resource: str, name: str) -> None:
        """A setting that is not there is deleted."""
        ...


# --- records


class Page[T](msgspec.Struct, frozen=True):
    """One page of a list; `continuation` is empty on the last."""

    items: tuple[T, ...]
    continuation: str = ""


class NodeStore(Protocol):
    async def get(self, key: NodeKey) -> NodeRecord | None: ...

    async def save(self, record: NodeRecord) -> NodeRecord:
        """Inserts where `etag` is None, else replaces the very version read; answers it with its new `etag`.

        Raises Conflict where somebody else wrote first.
        """
        ...

    async def list(self, *, state: str = "", size: int = 100, continuation: str = "") -> Page[NodeSummary]:
        """Nodes in the order of their keys, those that were only Seen left out unless asked for.

        Raises Terminal on a continuation that is not ours.
        """
        ...

    async def coverage(self, *, size: int = 100, continuation: str = "") -> Page[NodeCoverage]:
        """What is counted of the nodes' coverage, in the order of their keys; reads none of their rows in full.

        Those that were only Seen, or are Offboarded, are left out. Raises Terminal on a foreign continuation.
        """
        ...

    async def governance(self, *, size: int = 100, continuation: str = "") -> Page[NodeGovernance]:
        """The nodes' verdicts, in the order of their keys; reads none of their rows in full.

        Those that were only Seen, or are Offboarded, are left out. Raises Terminal on a foreign continuation.
        """
        ...

    async def findings(
        self,
        verdict: Verdict,
        *,
        policy: str = "",
        domain: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[NodeFindings]:
        """Nodes of which some policy, or this one, has come to a verdict, in the order of their keys.

        Of each only the standings with that verdict. Raises Terminal on a foreign continuation.
        """
        ...

    def due(self, before: datetime) -> AsyncIterator[NodeKey]:
        """The keys whose `next_due` lies before a time; reads nothing of the others."""
        ...

    def looked_after(self, subscription: str = "") -> AsyncIterator[NodeKey]:
        """The keys that are ever due, in one subscription or in all; reads all rows there."""
        ...

    async def index(self) -> int:
        """Has rows found by their state and by when they are due that a former version of the app wrote.

        Answers how many. Until it was asked for once, lists and `due` read every row.
        """
        ...

    async def delete(self, record: NodeRecord) -> None:
        """Removes the row of a group that never was a node. Raises Conflict where somebody else wrote first."""
        ...


class History(Protocol):
    async def append(self, entry: HistoryEntry) -> None: ...

    async def recent(self, key: str, *, size: int = 50, continuation: str = "") -> Page[HistoryEntry]:
        """The newest first."""
        ...


class Leases(Protocol):
    """Turns at what is not a node, such as writing to one hub's network: see `shared.domain.turn`."""

    async def acquire(self, name: str, owner: str, seconds: float) -> bool:
        """Whether it is the owner's turn, for so long: nobody else's, and the owner is the first in line.

        Whoever gets False is in line from then on.
        """
        ...

    async def release(self, name: str, owner: str, *, writes: int = 0, pause: float = 0.0) -> Next | None:
        """Gives a turn back, after so many writes, and answers who is to be called.

        `pause` is what Azure asked for, in seconds. A turn that somebody else has by now is left alone.
        """
        ...

    async def leave(self, name: str, owner: str) -> Next | None:
        """Takes an owner out of line that needs the turn no more; who is to be called where that one was.

        A turn that the owner has is left alone.
        """
        ...


TEXT_LIMIT = 1_000


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be handled, kept until somebody replays or deletes it.

    `source` says where it came from (`event-grid`, `event-hub/<partition>/<offset>`, `node/...`); `body` is what a
    replay handles again, without claims. Of `reason` and `source`, `TEXT_LIMIT` characters are kept. Of telemetry,
    `partition`, `offset` and `sequence` say where the event is read again, `index` which of its records it was, and
    `node` whose it was, where that can be told; `rules` those that failed on it, where the others counted it. `others`
    are further ones of the same event that share the letter. `pieces` is how many records and broken pieces the event
    had then, `read` how many of them were records.
    """

    id: str
    kind: Literal["event", "telemetry", "key", "delivery"]
    at: datetime
    reason: str
    source: str
    body: bytes = b""
    key: str = ""
    node: str = ""
    partition: str = ""
    offset: str = ""
    sequence: int | None = None
    index: int | None = None
    others: tuple[int, ...] = ()
    rules: tuple[str, ...] = ()
    pieces: int = 0
    read: int = 0


class DeadLetters(Protocol):
    async def add(self, letter: DeadLetter) -> None:
        """Keeps it, under an id of any length and characters; a later one of the same id replaces it."""
        ...

    async def get(self, letter_id: str) -> DeadLetter | None: ...

    async def list(
        self,
        *,
        kind: str = "",
        node: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        size: int = 100,
        continuation: str = "",
    ) -> Page[DeadLetter]:
        """The newest first, without their bodies: `get` answers one whole. `since` and `until` are included."""
        ...

    async def remove(self, letter_id: str) -> None: ...


# --- work and events


class WorkItem(msgspec.Struct, frozen=True):
    """A message on the queue: which key to look at, and what asked for it (for people, never for decisions)."""

    key: str
    cause: str = ""


class WorkQueue(Protocol):
    async def enqueue(self, item: WorkItem, *, delay: float = 0.0, expires: float | None = None) -> None:
        """Makes the item visible after `delay` seconds (at most seven days).

        Nobody needs it any more after `expires` seconds, from now; None where it must not get lost.
        """
        ...


class EventStream(Protocol):
    async def publish(self, events: Sequence[MeshEvent]) -> None: ...


class Probe(Protocol):
    """One dependency, as the health page asks it."""

    name: str

    async def check(self) -> str:
        """A short sentence about a dependency that answers; raises MeshError where it does not."""
        ...
