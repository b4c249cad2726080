"""A node as the mesh's own records know it."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.conditions import READY, Condition
from shared.domain.exposure import Exposure
from shared.domain.governance import Standing
from shared.domain.ids import NodeKey
from shared.domain.plan import Operation, Plan
from shared.domain.sinks import SinkKind


class MeshEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What other systems may follow on the mesh's Event Hub."""

    type: str
    key: str
    at: datetime
    data: dict[str, str]


type CoverageStatus = Literal["covered", "unsupported", "blocked", "missing"]
type State = Literal["Seen", "Pending", "Ready", "NotReady", "Offboarding", "Offboarded"]
"""`Seen`: an event named the group and nobody has looked at it yet: most groups are no nodes, so lists leave it out."""


class Coverage(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a resource's diagnostics: `id` in its original spelling, `owned` where our setting does it.

    `names` are those of our settings on it; a row from before there were several has none and means the first.
    `wanted` are the kinds of sink that it is to report to, `covers` those that get all they are to get. `code` is
    one word for why it is not covered, `reason` a sentence. `kind` is the resource's flavour of its type.
    """

    id: str
    status: CoverageStatus
    checked_at: datetime
    owned: bool = False
    reason: str = ""
    names: tuple[str, ...] = ()
    wanted: tuple[SinkKind, ...] = ()
    covers: tuple[SinkKind, ...] = ()
    code: str = ""
    kind: str = ""


class PeeringStatus(msgspec.Struct, frozen=True):
    """One side of a node's connection as the last look found it."""

    id: str
    state: str
    sync_level: str
    provisioning_state: str
    owned: bool


class Lease(msgspec.Struct, frozen=True):
    """Who may reconcile the key, until when."""

    owner: str
    until: datetime


class LastRun(msgspec.Struct, frozen=True):
    """What the last run did: its calls to Resource Manager, how long it took, and how it ended."""

    at: datetime
    run: str
    outcome: str
    seconds: float = 0.0
    reads: int = 0
    writes: int = 0


class NodeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The row of one key.

    `generation` counts what intake has seen, `observed_generation` what the last run took in;
    `next_due` is the one delay: when somebody has to look again; `not_before` is what Azure asked for: until
    then no event makes anybody look. `touched` are resources that events named since
    the last run began, `taken` those that the present run took over (a run that dies leaves them here).
    `reads` and `writes` count the calls until the node was first Ready. `outbox` holds mesh events that are still
    to be published. `attempts` counts runs that failed, `waits` those that had to wait for Azure, since the last
    that came to an end. `letter` says that a dead letter tells of this key. `lost` counts runs whose lease ran
    out since one came to an end. `sink` marks the sinks that `coverage` speaks of. `networks` are the node's own
    virtual networks as last seen, with so many `private_endpoints` in them, `made` those (and security groups) that
    Meshplane made for it, `allocation` the prefix it has from a pool, `zone_links` the links of DNS zones that are
    ours, `own_zones` the names (in lower case) of zones that the node has by itself instead of the hub's.
    `wanted_hub` is the hub that somebody asked it to move to. `refusal` says which right was missing when a peering
    was last written. `seen` is what the group held when the present plan was made, as JSON, while its steps wait for
    their turn at a hub: whoever reads back what they wrote need not ask for it again.
    `standings` are how the node stands towards each policy that applies, `exposures` what was last read of the access
    to its resources, where a policy asks for it.
    `owner_id` is what an owner is recognised by: an object id, or the SHA-256 of an
    address, in hex, lower case. `environment` is empty where no tag names one.
    `etag` is None until stored.
    """

    key: NodeKey
    generation: int = 0
    observed_generation: int = -1
    next_due: datetime | None = None
    not_before: datetime | None = None
    touched: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    cause: str = ""
    lease: Lease | None = None
    attempts: int = 0
    waits: int = 0
    lost: int = 0
    state: State = "Seen"
    location: str = ""
    product: str = ""
    domain: str = ""
    owner: str = ""
    owner_id: str = ""
    environment: str = ""
    network: str = ""
    telemetry: str = ""
    hub: str = ""
    conditions: tuple[Condition, ...] = ()
    owned: tuple[str, ...] = ()
    peerings: tuple[PeeringStatus, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    sink: str = ""
    networks: tuple[str, ...] = ()
    private_endpoints: int = 0
    made: tuple[str, ...] = ()
    allocation: str = ""
    roster: str = ""
    zone_links: tuple[str, ...] = ()
    own_zones: tuple[str, ...] = ()
    wanted_hub: str = ""
    plan: Plan | None = None
    operation: Operation | None = None
    first_seen: datetime | None = None
    ready_at: datetime | None = None
    reads: int = 0
    writes: int = 0
    last_run: LastRun | None = None
    outbox: tuple[MeshEvent, ...] = ()
    letter: bool = False
    refusal: str = ""
    seen: str = ""
    standings: tuple[Standing, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    etag: str | None = None

    @property
    def ready(self) -> bool:
        return any(c.type == READY and c.status == "True" for c in self.conditions)


EVERYTHING = "*"
"""In `touched`: look at every resource again."""
TOUCHED_LIMIT = 64


class NodeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A node as a list shows it."""

    key: NodeKey
    state: State
    product: str
    domain: str
    environment: str = ""
    network: str
    reason: str
    ready_at: datetime | None
    next_due: datetime | None
    generation: int


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: what caused it, what was written and which fields differed, at what cost."""

    at: datetime
    key: str
    cause: str
    outcome: str
    changes: tuple[str, ...] = ()
    generation: int = 0
    reads: int = 0
    writes: int = 0
    run: str = ""


def touch(touched: tuple[str, ...], resource: str) -> tuple[str, ...]:
    """The resources to look at again with one more; too many become all."""
    if EVERYTHING in touched or resource in touched:
        return touched
    return (*touched, resource) if len(touched) < TOUCHED_LIMIT else (EVERYTHING,)
