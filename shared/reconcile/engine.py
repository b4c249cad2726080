"""Reconciling one key: observe, decide, act, record. Level-triggered: what an event said is not read here."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from shared.domain.errors import MeshError
from shared.domain.governance import NO_POLICIES, Policies
from shared.domain.ids import NodeKey, parse_key
from shared.domain.mesh import Mesh
from shared.domain.node import LastRun, NodeRecord
from shared.domain.turn import Next
from shared.ports import WorkItem
from shared.ports.network import Azure
from shared.reconcile.act import Actor
from shared.reconcile.calling import CAUSE, Caller
from shared.reconcile.claim import Claim, KeyClaim
from shared.reconcile.decision import Decision
from shared.reconcile.ending import Ending
from shared.reconcile.engine_parts import Running, Stores
from shared.reconcile.intake import Intake
from shared.reconcile.keyed import KeyEngine, Result
from shared.reconcile.observer import Observer
from shared.reconcile.passes import SHORT, Passes
from shared.reconcile.settle import given_up
from shared.reconcile.surroundings import Shared, Surroundings
from shared.reconcile.turns import Convoy, convoy

log = logging.getLogger(__name__)

GOES_ON = "what its run left to do"


class Engine(KeyEngine[NodeKey, NodeRecord]):
    """Reconciles nodes; one for each process."""

    def __init__(
        self,
        mesh: Mesh,
        arm: Azure,
        stores: Stores,
        running: Running,
        *,
        intake: Intake,
        shared: Shared,
        measured: Callable[[str], AbstractContextManager[object]] = nullcontext,
        policies: Callable[[], Policies] = lambda: NO_POLICIES,
    ) -> None:
        """`measured` surrounds each run that no message asked for, given its key."""
        super().__init__(stores.nodes, stores.dead_letters, running)
        clock, timing = running.clock, running.timing
        self._arm = arm
        self._nodes = stores.nodes
        self._queue = stores.queue
        surroundings = Surroundings(mesh, arm, shared, intake, clock)
        self._observer = Observer(mesh, arm, surroundings, clock, timing, policies)
        self._measured = measured
        self._caller = Caller(stores.nodes, stores.queue, clock)
        self._actor = Actor(arm, stores.leases, self._call, clock, timing)
        self._ending = Ending(stores, shared.edge_touch, shared.hub_touch, clock, timing)

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

    async def reconcile(self, key: NodeKey) -> Result:
        """As for every kind of key; and then the runs of those who were next at a hub, for some seconds."""
        following = Convoy()
        before = convoy.set(following)
        try:
            result = await super().reconcile(key)
            if following.goes_on and result.requeue_after is not None:
                # What is wanted of this key by now does not wait until the others are through.
                await self._queue.enqueue(WorkItem(str(key), GOES_ON), delay=result.requeue_after)
                return Result()
            return result
        finally:
            convoy.reset(before)
            await following.ended()

    async def _call(self, following: Next) -> None:
        """Goes on with who is next at a hub here, as long as that may be, and else through the queue."""
        going, key = convoy.get(), parse_key(following.owner)
        if (
            going
            and going.takes_more(self._clock.now())
            and following.delay <= SHORT
            and isinstance(key, NodeKey)
        ):
            going.go_on(self._follow(key, following, going))
        else:
            await self._caller.call(following)

    async def _follow(self, key: NodeKey, following: Next, going: Convoy) -> None:
        """The run of a key that was called. Where it fails, the queue delivers it, and counts the failures."""
        try:
            called = await self._caller.made_due(key, following.delay)
            if called and going.is_over(self._clock.now()):
                called = await self._unless_it_comes(called)
            if called is None:
                return
            await self._clock.sleep(following.delay)
            going.begins(self._clock.now())
            with self._measured(following.owner):
                again = (await self.begin(called)).requeue_after
        except MeshError as error:
            log.warning("%s, whose turn at a hub it is, comes through the queue: %s", key, error.reason)
            again = following.delay
        except Exception:  # the key's own message is to fail of it, not the one of another key
            log.exception("%s, whose turn at a hub it is, comes through the queue", key)
            again = following.delay
        if again is not None:
            await self._queue.enqueue(WorkItem(following.owner, CAUSE), delay=again)

    async def _unless_it_comes(self, called: NodeRecord) -> NodeRecord | None:
        """Leaves a key to another function, and takes it all the same where none begins soon: the queue may be long."""
        await self._queue.enqueue(WorkItem(str(called.key), CAUSE))
        await self._clock.sleep(SHORT)
        record = await self._nodes.get(called.key)
        return record if record and record.etag == called.etag else None

    def given_up(self, record: NodeRecord, reason: str) -> NodeRecord:
        return given_up(record, reason, self._clock.now(), self._timing)

    def _passes(self, claim: KeyClaim[NodeKey, NodeRecord]) -> Passes:
        return Passes(self._arm, self._observer, self._actor, self._running, claim)
