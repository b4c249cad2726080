"""From an event to the keys it touches: bump the generation, enqueue once. No call to Resource Manager."""

from datetime import timedelta

import msgspec

from shared.domain.errors import Conflict, NotFound, Waiting
from shared.domain.ids import NodeKey, lies_above_groups, normal_id, observed_resource
from shared.domain.mesh import Mesh, Timing
from shared.domain.naming import hub_peering_prefix
from shared.domain.node import EVERYTHING, NodeRecord, touch
from shared.ports import Clock, NodeStore, WorkItem, WorkQueue

BUMP_ATTEMPTS = 8
CAUSE_LIMIT = 200
RESOURCE_LIMIT = 2048  # characters; no id of Azure is as long

OF_THE_HUB = frozenset(
    {
        "HubMissing",
        "HubUnknown",
        "NoHub",
        "NoHubFree",
        "HubFull",
        "GatewayConflict",
        "AddressSpaceOverlap",
        "ForeignPeering",
        "VnetAddressSpacesOverlap",
        "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
        "VnetPeeringCountLimitReached",
        "RemoteVnetHasNoGateways",
        "RemotePeeringDoesNotAllowGatewayTransit",
        "RemotePeeringIsDisconnected",
    }
)
"""Why a node may not be Ready that a change of its hub's network may put right: our findings and Azure's codes."""


class ResourceEvent(msgspec.Struct, frozen=True):
    """The identity part of an Event Grid resource event; `principal` is the object id of whoever caused it."""

    resource: str
    operation: str
    principal: str = ""


class Taken(msgspec.Struct, frozen=True):
    """The keys that something touched; `coalesced` of them were on their way to a reconcile already."""

    keys: tuple[NodeKey, ...] = ()
    coalesced: int = 0


class Intake:
    """Turns whatever happens into keys to look at."""

    def __init__(self, mesh: Mesh, nodes: NodeStore, queue: WorkQueue, clock: Clock, timing: Timing) -> None:
        self._mesh = mesh
        self._nodes = nodes
        self._queue = queue
        self._clock = clock
        self._timing = timing
        self._governed = frozenset(s.lower() for s in mesh.subscriptions)

    async def accept(self, event: ResourceEvent) -> Taken:
        """The keys that an event touches, each on its way to a reconcile.

        Our own writes touch nothing: the run that made them looks at them again by itself.

        Raises:
            ValueError: the event names no resource.
        """
        if self._mesh.principal and event.principal.lower() == self._mesh.principal.lower():
            return Taken()
        return await self.touch(event.resource, event.operation)

    async def touch(self, resource: str, cause: str) -> Taken:
        """The keys that a change of a resource touches, each on its way to a reconcile. Raises as `accept`.

        Groups of subscriptions that the mesh does not govern are none of its keys.
        """
        if len(resource) > RESOURCE_LIMIT:
            raise ValueError(f"its resource id has {len(resource)} characters")
        key = NodeKey.containing(resource)
        if key is None and lies_above_groups(resource):
            return Taken()  # a role assignment, a policy: nothing that a node is made of
        # What it says instead may be a person's address, so that it is not repeated.
        if key is None or _storable(resource) != resource:
            raise ValueError("what it names is not the id of a resource")
        concerned = await self._concerned(key, resource)
        keys = [each for each in concerned if each.subscription in self._governed]
        bumped = [await self.bump(each, cause, observed_resource(resource)) for each in keys]
        return Taken(tuple(keys), bumped.count(False))

    async def bump(self, key: NodeKey, cause: str, resource: str = "") -> bool:
        """Raises the key's generation and enqueues it. False where a run that is yet to start covers it already.

        Raises NotFound (`SubscriptionNotGoverned`) for a group of a subscription that the mesh does not govern, and
        Waiting where too many write at once.
        """
        if key.subscription not in self._governed:
            message = "Its subscription is not one of MESH_SUBSCRIPTIONS."
            raise NotFound("SubscriptionNotGoverned", message, target=str(key))
        cause = _storable(cause)[:CAUSE_LIMIT]
        resource = normal_id(resource) if resource and resource != EVERYTHING else resource
        for _ in range(BUMP_ATTEMPTS):
            record = await self._nodes.get(key) or NodeRecord(key=key)
            pending = self._pending(record)
            listed = not resource or resource in record.touched or EVERYTHING in record.touched
            if pending and listed:
                return False
            try:
                await self._nodes.save(self._bumped(record, cause, resource, pending=pending))
            except Conflict:
                continue
            if not pending:
                await self._queue.enqueue(WorkItem(str(key), cause), delay=self._timing.event_delay)
            return not pending
        raise Waiting("Contended", "Too many events at once for this key.", target=str(key))

    def _pending(self, record: NodeRecord) -> bool:
        """Whether a message for the key is still invisible, or held by a run: it takes in whatever is added by then.

        Not for longer: were the message lost, a redelivered event must enqueue again.
        """
        if record.generation <= record.observed_generation or record.next_due is None:
            return False
        left = record.next_due - self._clock.now()
        most = timedelta(seconds=self._timing.lease if record.lease else self._timing.event_delay)
        return timedelta() < left <= most

    def _bumped(self, record: NodeRecord, cause: str, resource: str, *, pending: bool) -> NodeRecord:
        touched = touch(record.touched, resource) if resource else record.touched
        if pending:
            return msgspec.structs.replace(record, touched=touched)
        due = self._clock.now() + timedelta(seconds=self._timing.event_delay)
        return msgspec.structs.replace(
            record,
            generation=record.generation + 1,
            next_due=due if record.lease is None else record.next_due,
            touched=touched,
            cause=cause,
        )

    async def _concerned(self, key: NodeKey, resource: str) -> list[NodeKey]:
        """Whose state may have changed with a resource: a hub's network concerns more than the hub's own group.

        An owned peering on it, the node that it leads to; anything else about it, every node that is not ready for a
        reason that lies in the hub.
        """
        network, _, peering = normal_id(resource).partition("/virtualnetworkpeerings/")
        if self._mesh.hub_of_network(network) is None:
            return [key]
        if peering:
            keys = [k async for k in self._nodes.looked_after()]
            behind = [k for k in keys if peering.startswith(hub_peering_prefix(self._mesh.name, k).lower())]
            if behind:
                return behind
        return [key, *(each for each in await self._lacking(OF_THE_HUB) if each != key)]

    async def bump_lacking(self, reasons: frozenset[str], cause: str) -> None:
        """Bumps the nodes that are not Ready for one of these reasons."""
        for key in await self._lacking(reasons):
            await self.bump(key, cause)

    async def _lacking(self, reasons: frozenset[str]) -> list[NodeKey]:
        keys: list[NodeKey] = []
        continuation = ""
        while True:
            page = await self._nodes.list(state="NotReady", size=1000, continuation=continuation)
            keys += [node.key for node in page.items if node.reason in reasons]
            continuation = page.continuation
            if not continuation:
                return keys


def _storable(text: str) -> str:
    """JSON as it came may hold half a character, which UTF-8 cannot."""
    return text.encode(errors="replace").decode()
