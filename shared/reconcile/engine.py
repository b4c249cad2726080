"""Reconciling one key: observe, decide, act, record. Level-triggered: what an event said is not read here."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import Conflict, Waiting
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh, Timing
from shared.domain.node import LastRun, NodeRecord
from shared.domain.run import Run, current_run
from shared.ports import Clock, DeadLetters, EventStream, History, Leases, NodeStore, WorkQueue
from shared.ports.network import Azure
from shared.reconcile.act import Actor
from shared.reconcile.calling import Caller
from shared.reconcile.claim import SAVE_ATTEMPTS, Claim, LeaseLost
from shared.reconcile.decision import Decision
from shared.reconcile.ending import Ending
from shared.reconcile.intake import Intake
from shared.reconcile.journal import key_letter
from shared.reconcile.observer import Observer
from shared.reconcile.passes import Passes
from shared.reconcile.settle import given_up
from shared.reconcile.surroundings import Shared, Surroundings

log = logging.getLogger(__name__)

EARLY = timedelta(seconds=1)  # the queue's clock and ours differ a little
QUEUED_SECONDS = 900.0  # looks further away are left to the resync timer


class Result(msgspec.Struct, frozen=True):
    """When to look at the key again, in seconds; None where nobody has to before its row says so."""

    requeue_after: float | None = None


class Engine:
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
        self._arm = arm
        self._nodes = nodes
        self._dead_letters = dead_letters
        self._clock = clock
        self._new_run = new_run
        self._timing = timing
        self._draw = draw or random.Random()
        self._observer = Observer(mesh, arm, Surroundings(mesh, arm, shared, intake, clock), clock, timing)
        self._actor = Actor(arm, leases, Caller(nodes, queue, clock).call, clock, timing)
        self._ending = Ending(
            nodes, history, dead_letters, events, shared.edge_touch, shared.hub_touch, clock, timing
        )

    async def reconcile(self, key: NodeKey) -> Result:
        """One run for a key, or the time at which one may be worth it.

        Errors of Azure end in the record; only a failing store raises.
        """
        now = self._clock.now()
        record = await self._nodes.get(key)
        if record is None:
            return Result()
        if record.lease and record.lease.until > now:
            return Result((record.lease.until - now).total_seconds() + self._draw.random())
        if not _is_due(record, now):
            return Result()
        if record.not_before and record.not_before > now:
            return Result((record.not_before - now).total_seconds())
        run = self._new_run()
        claim = Claim(self._nodes, self._clock, self._timing, run)
        try:
            record = await claim.take(record)
        except Conflict:
            return Result(self._draw.random())
        try:
            return await self._run(record, claim, run)
        except LeaseLost:
            if await claim.cede(key):
                return Result(self._timing.event_delay)
            await self.give_up(key, "Looking at it takes longer than its lease, again and again.")
            return Result()

    async def plan(self, key: NodeKey) -> Decision:
        """What a run would do now, without doing it or recording anything. Raises what Azure answers."""
        return await self._observer.look(await self._nodes.get(key) or NodeRecord(key=key), None)

    async def give_up(self, key: NodeKey, reason: str) -> None:
        """Turns a key that the queue gave up into a condition and a dead letter that people see."""
        now = self._clock.now()
        await self._dead_letters.add(key_letter(key, reason, now))
        for _ in range(SAVE_ATTEMPTS):
            record = await self._nodes.get(key)
            if record is None:
                return
            try:
                await self._nodes.save(given_up(record, reason, now, self._timing))
            except Conflict:
                continue
            return
        raise Waiting("Contended", "Too many write to this key at once.", target=str(key))

    async def _run(self, record: NodeRecord, claim: Claim, run: str) -> Result:
        calls, started = Calls(), self._clock.now()
        counting = counted_calls.set(calls)
        running = current_run.set(Run(str(record.key), record.generation, run))
        try:
            attempt = await self._passes(claim).attempt(record)
            seconds = (self._clock.now() - started).total_seconds()
            last_run = LastRun(started, run, attempt.outcome, seconds, calls.reads, calls.writes)
            log.info("%s: %d reads, %d writes, %.1f s", attempt.outcome, calls.reads, calls.writes, seconds)
            left = await self._ending.record(record, attempt, last_run, claim)
        finally:
            current_run.reset(running)
            counted_calls.reset(counting)
        return _result(left, self._clock.now(), self._timing) if left else Result()

    def _passes(self, claim: Claim) -> Passes:
        return Passes(self._arm, self._observer, self._actor, self._clock, self._timing, self._draw, claim)


def _is_due(record: NodeRecord, now: datetime) -> bool:
    """Whether a run is worth it: an event came since the last one, or its time has come."""
    if record.generation != record.observed_generation:
        return True
    return record.next_due is not None and record.next_due <= now + EARLY


def _result(record: NodeRecord, now: datetime, timing: Timing) -> Result:
    if record.generation != record.observed_generation:
        return Result(timing.event_delay)
    if record.next_due is None:
        return Result()
    delay = max(0.0, (record.next_due - now).total_seconds())
    return Result(delay if delay <= QUEUED_SECONDS else None)
