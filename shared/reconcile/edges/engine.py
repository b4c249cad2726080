"""Reconciling one edge: observe, decide, act, record. Level-triggered, as nodes are."""

import logging
from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from shared.domain.calls import waited_for
from shared.domain.cost import Rates
from shared.domain.edge import WAITED_FOR, EdgeRecord, EdgeRequest
from shared.domain.edge_request import Terms, checked
from shared.domain.errors import MeshError, Terminal
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.mesh import Mesh
from shared.domain.node import LastRun
from shared.ports.network import Azure
from shared.reconcile.act import Actor
from shared.reconcile.calling import Caller
from shared.reconcile.claim import KeyClaim
from shared.reconcile.edges.choice import choose, unseen
from shared.reconcile.edges.claim import EdgeClaim
from shared.reconcile.edges.observe import EdgeObserver
from shared.reconcile.edges.passes import EdgePasses
from shared.reconcile.edges.planner import Planned
from shared.reconcile.edges.room import Room
from shared.reconcile.edges.turns import Turns
from shared.reconcile.edges.visit import Visit, given_up
from shared.reconcile.engine_parts import Running, Stores
from shared.reconcile.journal import entry_of, key_letter, key_letter_id
from shared.reconcile.keyed import KeyEngine
from shared.reconcile.options.holding import released, waits_for_edges
from shared.reconcile.outbox import Outbox

log = logging.getLogger(__name__)


class NodeTouch(Protocol):
    """Has nodes looked at again: `shared.reconcile.intake.Intake`."""

    async def bump(self, key: NodeKey, cause: str, resource: str = "") -> bool: ...


class EdgeEngine(KeyEngine[EdgeKey, EdgeRecord]):
    """Reconciles edges; one for each process."""

    def __init__(
        self,
        mesh: Mesh,
        arm: Azure,
        stores: Stores,
        running: Running,
        *,
        touch: NodeTouch,
        rates: Rates,
        terms: Terms,
    ) -> None:
        super().__init__(stores.edges, stores.dead_letters, running)
        clock, timing = running.clock, running.timing
        self._mesh = mesh
        self._arm = arm
        self._edges = stores.edges
        self._nodes = stores.nodes
        self._history = stores.history
        self._leases = stores.leases
        self._queue = stores.queue
        self._touch = touch
        self._rates = rates
        self._terms = terms
        self._observer = EdgeObserver(mesh, arm, stores.nodes, stores.edges, Room(stores.hubs, clock))
        caller = Caller(stores.nodes, stores.queue, clock)
        self._actor = Actor(arm, stores.leases, caller.call, clock, timing)
        self._outbox: Outbox[EdgeKey, EdgeRecord] = Outbox(stores.edges, stores.events, clock)

    def claim(self, run: str) -> KeyClaim[EdgeKey, EdgeRecord]:
        return EdgeClaim(self._edges, self._clock, self._timing, run)

    async def preview(self, request: EdgeRequest) -> Planned:
        """How a request would be carried, with what each way costs; nothing is recorded.

        Raises Terminal as `checked` does, and `NodeUnknown`; and what Azure answers.
        """
        request = checked(request, self._terms)
        record = EdgeRecord(
            key=EdgeKey("preview"),
            request=request,
            state="Requested",
            requested_by="",
            requested_at=self._clock.now(),
        )
        parties = await self._observer.parties(record)
        if parties.consumer is None or parties.provider is None:
            missing = request.consumer if parties.consumer is None else request.provider
            raise Terminal("NodeUnknown", f"{missing} is not a node of the mesh.")
        situation = await self._observer.situation(record, parties.consumer, parties.provider)
        return await choose(self._mesh, self._rates, self._observer, record, situation, unseen)

    async def visit(
        self,
        record: EdgeRecord,
        claim: KeyClaim[EdgeKey, EdgeRecord],
        last_run: Callable[[str], LastRun],
    ) -> EdgeRecord:
        turns = Turns(self._leases, self._queue, self._timing)
        passes = EdgePasses(
            self._mesh,
            self._rates,
            self._terms,
            self._arm,
            self._edges,
            self._observer,
            self._actor,
            turns,
            self._running,
            claim,
        )
        operation = None
        try:
            with waited_for(record.state in WAITED_FOR):
                visit = await passes.visit(record)
            operation = visit.record.operation
            return await self._ended(record, visit, claim, last_run(visit.outcome))
        finally:
            if operation is None:
                await turns.give_back()

    def given_up(self, record: EdgeRecord, reason: str) -> EdgeRecord:
        return given_up(record, reason, self._clock.now(), self._timing)

    async def told(self, before: EdgeRecord, after: EdgeRecord) -> None:
        await self._tell(after, await self._held_up(before, after))

    async def _ended(
        self,
        before: EdgeRecord,
        visit: Visit,
        claim: KeyClaim[EdgeKey, EdgeRecord],
        last_run: LastRun,
    ) -> EdgeRecord:
        """The record as it is stored, without the lease. Raises LeaseLost, and what the stores raise."""
        record = msgspec.structs.replace(visit.record, last_run=last_run)
        now = self._clock.now()
        if record.attempts >= self._timing.retries or record.waits >= self._timing.waits:
            reason = str(visit.errors[0]) if visit.errors else "Azure did not finish."
            record = given_up(record, reason, now, self._timing)
            await self._dead_letters.add(key_letter(record.key, reason, now))
        elif record.letter and not visit.errors and visit.looked and not visit.waiting:
            await self._dead_letters.remove(key_letter_id(record.key))
            record = msgspec.structs.replace(record, letter=False)
        entry = entry_of(before, record, visit.performed, now, last_run)
        if entry:
            record = msgspec.structs.replace(record, journal=(*record.journal, entry))
        record = await self._finished(record, claim)
        told = await self._held_up(before, record)
        routes = [r.route for r in (before, record) if r.route]
        if visit.tell_consumer and any(r.exposure == "private-endpoint" for r in routes):
            # It links the zones that its endpoints need, and unlinks the others.
            told.add(record.request.consumer)
        await self._tell(record, told)
        return record

    async def _finished(self, record: EdgeRecord, claim: KeyClaim[EdgeKey, EdgeRecord]) -> EdgeRecord:
        """What has to be told is stored first: it is told even if this run dies, and only what came to count is."""
        next_due = record.next_due
        if record.journal:
            record = await claim.save(record)
            for entry in record.journal:
                await self._history.append(entry)
            record = msgspec.structs.replace(record, journal=(), next_due=next_due)
        return await self._outbox.published(await claim.finish(self._outbox.waiting(record)), next_due)

    async def _held_up(self, before: EdgeRecord, after: EdgeRecord) -> set[NodeKey]:
        """Those of its nodes that waited for this edge and need not do so any more."""
        if not released(before, after, self._mesh.name):
            return set()
        keys = (after.request.consumer, after.request.provider)
        nodes = [await self._nodes.get(key) for key in keys]
        return {node.key for node in nodes if node and waits_for_edges(node.conditions)}

    async def _tell(self, record: EdgeRecord, nodes: Collection[NodeKey]) -> None:
        """Has nodes go on at once; one that is not told finds out when it is due."""
        for node in sorted(nodes):
            try:
                await self._touch.bump(node, f"{record.key} is {record.state}")
            except MeshError as error:
                log.warning("%s is not told of %s: %s", node, record.key, error.reason)
