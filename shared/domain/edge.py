"""An edge: a granted relation from a consumer node to a provider node, with an interface, an approval and a lease."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.conditions import Condition
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import HistoryEntry, LastRun, Lease, MeshEvent
from shared.domain.plan import Operation, Plan

type Interface = Literal["sql", "storage", "eventhub", "synapse", "resource", "peering"]
type Exposure = Literal["private-endpoint", "service-endpoint", "hub", "peering"]
"""How traffic reaches the target, the least exposing first."""
EXPOSURES: tuple[Exposure, ...] = ("private-endpoint", "service-endpoint", "hub", "peering")
type EdgeState = Literal[
    "Requested",
    "PendingApproval",
    "Approved",
    "Provisioning",
    "Active",
    "Expiring",
    "Revoking",
    "Revoked",
    "Rejected",
    "Failed",
]
LIVE: frozenset[EdgeState] = frozenset(
    {"Requested", "PendingApproval", "Approved", "Provisioning", "Active", "Expiring", "Revoking", "Failed"}
)
"""States of an edge that somebody still has to look after."""
GRANTED: frozenset[EdgeState] = frozenset({"Approved", "Provisioning", "Active", "Expiring"})
"""States in which what the edge needs may exist; in every other it is taken away (once Failed, if that is why)."""


WAITED_FOR: frozenset[EdgeState] = frozenset({"Requested", "Approved", "Provisioning", "Revoking"})
"""States in which somebody waits for what comes next; to look at an edge in another one has time."""


class EdgeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer's team asks for.

    `target` is the id of a resource in the provider's group; of a `peering` it may be empty. `gigabytes` is the
    volume expected in a month, `lease_days` how long the edge is wanted, down to a minute. Without `exposure` the
    planner chooses.
    """

    consumer: NodeKey
    provider: NodeKey
    interface: Interface
    target: str = ""
    purpose: str = ""
    gigabytes: float = 0.0
    lease_days: float = 90
    exposure: Exposure | None = None
    part: str = ""  # of a target that has several, such as `blob` or `dfs` of a storage account


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """How the planner carries an edge, and why; `monthly_cost` in US dollars for the volume expected.

    `artefact` is the id of what stands for the connection (an endpoint, a rule, a peering): edges that share one
    have the same.
    """

    exposure: Exposure
    why: str
    artefact: str = ""
    subnet: str = ""
    group: str = ""
    zones: tuple[str, ...] = ()
    manual: bool = False
    monthly_cost: float = 0.0
    alternatives: tuple[str, ...] = ()  # each other way with its cost, or what speaks against it


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Who decided about an edge, and why. `by` is an object id, or the name of an approval rule."""

    by: str
    at: datetime
    reason: str


class EdgeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The row of one edge. The fields of the reconcile mean what they mean in a node's row.

    `expires_at` is when the lease ends, `warned_at` when that was announced, `address` and `names` what consumers
    connect to once it is Active; `named` are the zones (ids) that were seen to answer with these. `granted` is the most
    exposing way that was approved; one that exposes more is `proposed` since `asked_at`, and waits for approval beside
    the present route. `owned` are ids of
    artefacts (`shared.domain.artefacts`), of the present route and of one that it takes the place of; `journal` is
    history that is still to be written, `told_at` the time of the last command in it. `etag` is None until stored.
    """

    key: EdgeKey
    request: EdgeRequest
    state: EdgeState
    requested_by: str
    requested_at: datetime
    verdict: Verdict | None = None
    route: Route | None = None
    granted: Exposure | None = None
    proposed: Route | None = None
    asked_at: datetime | None = None
    expires_at: datetime | None = None
    warned_at: datetime | None = None
    active_at: datetime | None = None
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    generation: int = 0
    observed_generation: int = -1
    next_due: datetime | None = None
    not_before: datetime | None = None
    cause: str = ""
    lease: Lease | None = None
    attempts: int = 0
    waits: int = 0
    lost: int = 0
    plan: Plan | None = None
    operation: Operation | None = None
    last_run: LastRun | None = None
    outbox: tuple[MeshEvent, ...] = ()
    journal: tuple[HistoryEntry, ...] = ()
    told_at: datetime | None = None
    letter: bool = False
    etag: str | None = None


def exceeds(record: EdgeRecord, route: Route) -> bool:
    """Whether a way exposes more than what was approved: where no way was named then, the first that was taken."""
    approved = record.granted or (record.route.exposure if record.route else None)
    return approved is not None and EXPOSURES.index(route.exposure) > EXPOSURES.index(approved)


def asked_anew(record: EdgeRecord) -> bool:
    """Whether an edge that was approved once waits for approval of a more exposing way: what it has stays meanwhile."""
    return record.state == "PendingApproval" and record.granted is not None


def keeps(record: EdgeRecord) -> bool:
    """Whether what an edge has is to stay."""
    return record.state in GRANTED or asked_anew(record)


class EdgeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An edge as a list shows it."""

    id: str
    consumer: NodeKey
    provider: NodeKey
    interface: Interface
    target: str
    state: EdgeState
    exposure: str
    expires_at: datetime | None
    requested_at: datetime
    reason: str
