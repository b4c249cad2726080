"""Reconciling one key: observe, decide, act, record. Level-triggered: what an event said is not read here."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import Conflict, MeshError, NotFound
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh, Timing
from shared.domain.node import LastRun, NodeRecord
from shared.domain.plan import Operation, OperationStatus, Plan
from shared.domain.run import Run, current_run
from shared.ports import (
    Clock,
    DeadLetters,
    EventStream,
    Group,
    History,
    Leases,
    NodeStore,
    ResourceManager,
)
from shared.reconcile.act import Actor, Outcome, poll_at
from shared.reconcile.attempt import Attempt, after_operation, claimed, counted, failure_of, never_a_node
from shared.reconcile.claim import Claim, lost
from shared.reconcile.decision import Decision, decide, hub_of, is_member, to_look_at
from shared.reconcile.journal import entry_of, event_of, key_letter
from shared.reconcile.observation import CategoryCache, observe_diagnostics, observe_group
from shared.reconcile.settle import exhausted, given_up

log = logging.getLogger(__name__)

PASSES = 3
EARLY = timedelta(seconds=1)  # the queue's clock and ours differ a little
OPERATION_AGE = timedelta(hours=1)
QUEUED_SECONDS = 900.0  # looks further away are left to the resync timer
OUTBOX_LIMIT = 20


class Result(msgspec.Struct, frozen=True):
    """When to look at the key again, in seconds; None where nobody has to before its row says so."""

    requeue_after: float | None = None


class Engine:
    """Reconciles nodes; one for each process."""

    def __init__(
        self,
        mesh: Mesh,
        arm: ResourceManager,
        nodes: NodeStore,
        history: History,
        leases: Leases,
        dead_letters: DeadLetters,
        events: EventStream,
        clock: Clock,
        new_run: Callable[[], str],
        timing: Timing,
        draw: random.Random | None = None,
    ) -> None:
        self._mesh = mesh
        self._arm = arm
        self._nodes = nodes
        self._history = history
        self._dead_letters = dead_letters
        self._events = events
        self._clock = clock
        self._new_run = new_run
        self._timing = timing
        self._draw = draw or random.Random()
        self._categories = CategoryCache(arm)
        self._actor = Actor(arm, leases, clock, timing)

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
        run = self._new_run()
        claim = Claim(self._nodes, self._clock, self._timing, run)
        try:
            record = await claim.take(record)
        except Conflict:
            return Result(self._draw.random())
        try:
            return await self._run(record, claim, run)
        except MeshError as error:
            if not lost(error):
                raise
            return Result(self._timing.event_delay)

    async def plan(self, key: NodeKey) -> Decision:
        """What a run would do now, without doing it or recording anything. Raises what Azure answers."""
        record = await self._nodes.get(key) or NodeRecord(key=key)
        return await self._look(record)

    async def give_up(self, key: NodeKey, reason: str) -> None:
        """Turns a key that the queue gave up into a condition and a dead letter that people see."""
        record = await self._nodes.get(key)
        now = self._clock.now()
        if record is not None:
            await self._nodes.save(given_up(record, reason, now, self._timing))
        await self._dead_letters.add(key_letter(key, reason, now))

    async def _run(self, record: NodeRecord, claim: Claim, run: str) -> Result:
        calls, started = Calls(), self._clock.now()
        counting = counted_calls.set(calls)
        running = current_run.set(Run(str(record.key), record.generation, run))
        try:
            attempt = await self._attempt(record, claim)
            seconds = (self._clock.now() - started).total_seconds()
            last_run = LastRun(started, run, attempt.outcome, seconds, calls.reads, calls.writes)
            log.info("%s: %d reads, %d writes, %.1f s", attempt.outcome, calls.reads, calls.writes, seconds)
            if never_a_node(attempt):
                return await self._forget(attempt.record)
            return await self._record(record, attempt, last_run, claim)
        finally:
            current_run.reset(running)
            counted_calls.reset(counting)

    async def _attempt(self, record: NodeRecord, claim: Claim) -> Attempt:
        attempt = Attempt(record)
        try:
            for _ in range(PASSES):
                await self._pass(attempt, claim)
                if not attempt.look_again:
                    break
        except MeshError as error:
            if lost(error):
                raise
            attempt.fail(error, self._clock.now(), self._timing, self._draw)
        return attempt

    async def _pass(self, attempt: Attempt, claim: Claim) -> None:
        """One look and what follows from it; or one more step of a plan whose operation has ended."""
        if attempt.record.operation:
            await self._look_after(attempt, attempt.record.operation)
        record = attempt.record
        if record.operation:
            attempt.wait(self._clock.now(), self._timing, self._draw)
        elif record.plan and self._may_resume(record, record.plan):
            rest = msgspec.structs.replace(
                record.plan, settings=()
            )  # they were performed beside the first step
            outcome = await self._act(attempt, rest, claim)
            attempt.resumed(outcome, self._clock.now(), self._timing, self._draw)
        else:
            decision = await self._look(record)
            attempt.record = await claim.save(claimed(record, decision))
            outcome = await self._act(attempt, decision.plan, claim)
            attempt.acted(decision, outcome, self._clock.now(), self._timing, self._draw)

    async def _look(self, record: NodeRecord) -> Decision:
        def hub_network(group: Group | None) -> str:
            hub = hub_of(self._mesh, record, group)
            return hub.network if hub else ""

        def concerns_us(group: Group | None) -> bool:
            return is_member(group) or bool(record.hub or record.coverage)

        observation = await observe_group(self._arm, record.key, hub_network, concerns_us)
        wanted = to_look_at(record, observation, self._clock.now(), self._timing)
        diagnostics = await observe_diagnostics(self._arm, self._categories, wanted)
        observation = msgspec.structs.replace(observation, diagnostics=diagnostics)
        return decide(self._mesh, record, observation, self._clock.now())

    async def _act(self, attempt: Attempt, plan: Plan, claim: Claim) -> Outcome:
        async def keep_lease() -> None:
            attempt.record = await claim.keep(attempt.record)

        return await self._actor.perform(plan, str(attempt.record.key), keep_lease)

    async def _look_after(self, attempt: Attempt, operation: Operation) -> None:
        """Takes an operation that has ended out of the record. Raises what it failed with."""
        now = self._clock.now()
        if operation.poll_at > now + EARLY:
            return
        try:
            status = await self._arm.get_operation(operation.url)
        except NotFound:
            status = OperationStatus(
                "Succeeded"
            )  # Azure forgets operations; the look that follows tells the truth
        if status.state == "Running" and now - operation.started_at < OPERATION_AGE:
            later = msgspec.structs.replace(operation, poll_at=poll_at(now, status.retry_after, self._timing))
            attempt.record = msgspec.structs.replace(attempt.record, operation=later)
            return
        await self._actor.release(operation.on_hub, str(attempt.record.key))
        attempt.record = after_operation(attempt.record, operation)
        if status.state == "Failed":
            raise failure_of(operation, status)

    def _may_resume(self, record: NodeRecord, plan: Plan) -> bool:
        """Whether a plan may go on without another look: it is young, half done, and nothing happened since."""
        young = plan.made_at is not None and self._clock.now() - plan.made_at < timedelta(
            seconds=self._timing.plan_age
        )
        return young and plan.done > 0 and bool(plan.remaining) and plan.generation == record.generation

    async def _forget(self, record: NodeRecord) -> Result:
        try:
            await self._nodes.delete(record)
        except Conflict:
            return Result(self._timing.event_delay)
        return Result()

    async def _record(self, before: NodeRecord, attempt: Attempt, last_run: LastRun, claim: Claim) -> Result:
        now = self._clock.now()
        record = msgspec.structs.replace(counted(before, attempt.record, last_run), lease=None)
        if (attempt.errors or attempt.waiting) and exhausted(record, attempt.errors, self._timing):
            reason = str(attempt.errors[0]) if attempt.errors else "Azure did not finish."
            record = given_up(record, reason, now, self._timing)
            await self._dead_letters.add(key_letter(record.key, reason, now))
        entry = entry_of(before, record, attempt.performed, now, last_run)
        if entry:
            await self._history.append(entry)
            record = msgspec.structs.replace(record, outbox=(*record.outbox, event_of(entry, record)))
        record = await claim.save(await self._published(record))
        return _result(record, now, self._timing)

    async def _published(self, record: NodeRecord) -> NodeRecord:
        """The record with its mesh events sent; those that could not be sent stay for the next run."""
        if not record.outbox:
            return record
        try:
            await self._events.publish(record.outbox)
        except MeshError as error:
            log.warning("mesh events of %s wait in its record: %s", record.key, error.reason)
            soon = self._clock.now() + timedelta(seconds=self._timing.backoff_most)
            next_due = min(record.next_due or soon, soon)
            return msgspec.structs.replace(record, outbox=record.outbox[-OUTBOX_LIMIT:], next_due=next_due)
        return msgspec.structs.replace(record, outbox=())


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
