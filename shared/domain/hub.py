"""A hub as the mesh's own records know it."""

from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec

from shared.domain.conditions import Condition
from shared.domain.ids import EdgeKey, HubKey, NodeKey, normal_id
from shared.domain.node import LastRun, Lease, PeeringStatus
from shared.domain.plan import Operation, Plan

type HubState = Literal["Pending", "Ready", "NotReady"]

HEADROOM = "Headroom"
TIDY = "Tidy"


class ComingEndpoint(msgspec.Struct, frozen=True, array_like=True):
    """A private endpoint that an edge makes in a node's network: a digest of its id, whose it is, and since when."""

    artefact: str
    edge: EdgeKey
    node: NodeKey
    at: datetime

    def stands_for(self, artefact: str) -> bool:
        """Whether it is the endpoint of an id."""
        return self.artefact == digest_of(artefact)


def digest_of(artefact: str) -> str:
    """Ids of 4,000 endpoints would make a row too long."""
    return sha256(normal_id(artefact).encode()).hexdigest()[:16]


class HubRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The row of one hub. The fields of the reconcile mean what they mean in a node's row.

    `used` and `capacity` count peerings of its network, `endpoints` the private endpoints in it and, as far as the
    records of its nodes know, in theirs; `coming` are those that edges make and these do not show yet. `pairs` are this
    hub's sides of the pairs with other hubs that it leads, and of former ones that are not gone yet, as last seen.
    `queued` says that nothing but others' writes to the hub kept its plan from starting. `etag` is None until stored.
    """

    key: HubKey
    state: HubState = "Pending"
    network: str = ""
    address_prefixes: tuple[str, ...] = ()
    used: int = 0
    capacity: int = 0
    endpoints: int = 0
    coming: tuple[ComingEndpoint, ...] = ()
    pairs: tuple[PeeringStatus, ...] = ()
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
    queued: bool = False
    plan: Plan | None = None
    operation: Operation | None = None
    last_run: LastRun | None = None
    letter: bool = False
    etag: str | None = None

    @property
    def free(self) -> int:
        """How many more peerings its network takes."""
        return max(0, self.capacity - self.used)
