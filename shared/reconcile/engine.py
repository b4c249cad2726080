"""Reconciling one key: observe, decide, act, record. Level-triggered: what an event said is not read here."""

import random
from collections.abc import Callable

from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh, Timing
from shared.domain.node import LastRun, NodeRecord
from shared.ports import Clock, DeadLetters, EventStream, History, Leases, NodeStore, WorkQueue
from shared.ports.network import Azure
from shared.reconcile.act import Actor
from shared.reconcile.calling import Caller
from shared.reconcile.claim import Claim, KeyClaim
from shared.reconcile.decision import Decision
from shared.reconcile.ending import Ending
from shared.reconcile.intake import Intake
from shared.reconcile.keyed import KeyEngine
from shared.reconcile.observer import Observer
from shared.reconcile.passes import Passes
from shared.reconcile.settle import given_up
from shared.reconcile.surroundings import Shared, Surroundings


class Engine(KeyEngine[NodeKey, NodeRecord]):
    """Reconciles nodes; one for each process."""

    def __init__(
        self,
        mesh: Mesh,
        arm: Azure,
        nodes: NodeStore,
        history: History,
        leases: Leases,
        dead_letters: DeadLetters,
        events: EventStream,
        queue: WorkQueue,
        clock: Clock,
        new_run: Callable[[], str],
        timing: Timing,
        draw: random.Random | None = None,
        *,
        intake: Intake,
        shared: Shared,
    ) -> None:
        super().__init__(nodes, clock, new_run, timing, draw, dead_letters)
        self._arm = arm
        self._nodes = nodes
        self._observer = Observer(mesh, arm, Surroundings(mesh, arm, shared, intake, clock), clock, timing)
        self._actor = Actor(arm, leases, Caller(nodes, queue, clock).call, clock, timing)
        self._ending = Ending(
            nodes, history, dead_letters, events, shared.edge_touch, shared.hub_touch, clock, timing
        )

    def claim(self, run: str) -> KeyClaim[NodeKey, NodeRecord]:
        return Claim(self._nodes, self._clock, self._timing, run)

    async def plan(self, key: NodeKey) -> Decision:
        """What a run would do now, without doing it or recording anything. Raises what Azure answers."""
        return await self._observer.look(await self._nodes.get(key) or NodeRecord(key=key), None)

    async def visit(
        self,
        record: NodeRecord,
        claim: KeyClaim[NodeKey, NodeRecord],
        last_run: Callable[[str], LastRun],
    ) -> NodeRecord | None:
        attempt = await self._passes(claim).attempt(record)
        return await self._ending.record(record, attempt, last_run(attempt.outcome), claim)

    def given_up(self, record: NodeRecord, reason: str) -> NodeRecord:
        return given_up(record, reason, self._clock.now(), self._timing)

    def _passes(self, claim: KeyClaim[NodeKey, NodeRecord]) -> Passes:
        return Passes(self._arm, self._observer, self._actor, self._clock, self._timing, self._draw, claim)
