"""One run for a key whose lease is held: look, decide, write, and look again until there is nothing left to write."""

import random
from datetime import datetime, timedelta

import msgspec

from shared.domain.calls import hub_waits
from shared.domain.errors import MeshError
from shared.domain.ids import NodeKey
from shared.domain.mesh import Timing
from shared.domain.node import NodeRecord
from shared.domain.plan import Operation, Plan
from shared.ports import ResourceManager
from shared.reconcile.act import Actor, Outcome, hub_busy
from shared.reconcile.attempt import Attempt, after_operation, claimed, failure_of
from shared.reconcile.claim import KeyClaim, LeaseLost
from shared.reconcile.engine_parts import Running
from shared.reconcile.observer import Observer
from shared.reconcile.operations import going_on, status_of

PASSES = 3
SHORT = 1.5
"""Seconds: an operation that ends so soon is waited for."""
PATIENCE = 10.0
"""Seconds that a run waits in all."""


class Passes:
    """What happens to one key between taking its lease and recording what came of it."""

    def __init__(
        self,
        arm: ResourceManager,
        observer: Observer,
        actor: Actor,
        running: Running,
        claim: KeyClaim[NodeKey, NodeRecord],
    ) -> None:
        self._arm = arm
        self._observer = observer
        self._actor = actor
        self._clock = running.clock
        self._timing = running.timing
        self._draw = running.draw
        self._claim = claim

    async def attempt(self, record: NodeRecord) -> Attempt:
        """Everything that can be done now. Errors of Azure end in the attempt; raises LeaseLost."""
        attempt, before = Attempt(record), hub_waits.set(False)
        try:
            await self._passes(attempt)
            attempt.contested(self._timing)
            if (hub := _waited_in_vain(record, attempt.record)) and not hub_waits.get():
                await self._actor.leave(hub, str(record.key))
        except LeaseLost:
            raise
        except MeshError as error:
            attempt.fail(error, *self._when)
        finally:
            hub_waits.reset(before)
        return attempt

    async def _passes(self, attempt: Attempt) -> None:
        passes, patience = PASSES, PATIENCE
        while passes:
            await self._pass(attempt)
            if operation := attempt.record.operation:
                left = (operation.poll_at - self._clock.now()).total_seconds()
                if left > SHORT or left > patience:
                    return
                # The queue knows whole seconds only, and the hub is ours meanwhile.
                left = max(0.0, left)
                await self._clock.sleep(left)
                await self._keep(attempt)
                patience -= left
            elif attempt.look_again:
                passes -= 1
            else:
                return
        attempt.unfinished(*self._when)

    @property
    def _when(self) -> tuple[datetime, Timing, random.Random]:
        return self._clock.now(), self._timing, self._draw

    async def _pass(self, attempt: Attempt) -> None:
        """One look and what follows from it; or one more step of a plan whose operation has ended."""
        operation = attempt.record.operation
        succeeded = operation is not None and await self._look_after(attempt, operation)
        plan = attempt.record.plan
        if attempt.record.operation:
            attempt.wait(*self._when)
        elif succeeded and plan and self._may_go_on(attempt.record, plan):
            # The settings were written beside the first step.
            outcome = await self._act(attempt, msgspec.structs.replace(plan, settings=()))
            attempt.resumed(outcome, *self._when)
        elif plan and _queued(attempt.record, plan):
            await self._turn(attempt, plan)
        else:
            await self._look(attempt, read_back=attempt.look_again or succeeded)

    async def _look(self, attempt: Attempt, *, read_back: bool = False) -> None:
        holding = _Holding(attempt, self._claim)
        decision = await self._observer.look(attempt.record, holding, read_back=read_back)
        record = self._observer.noted(claimed(attempt.record, decision), decision.plan)
        attempt.record = await self._claim.save(record)
        outcome = await self._act(attempt, decision.plan)
        attempt.acted(decision, outcome, *self._when)

    async def _turn(self, attempt: Attempt, plan: Plan) -> None:
        """A key that waits for the hub reads nothing before its turn, and then only if its plan grew old meanwhile."""
        owner = str(attempt.record.key)
        if not await self._actor.enter(plan.hub, owner):
            step = plan.remaining[0]
            attempt.resumed(Outcome(plan.done, failures=[(step, hub_busy(step, plan.hub))]), *self._when)
        elif self._young(plan):
            outcome = await self._act(attempt, msgspec.structs.replace(plan, settings=()))
            attempt.resumed(outcome, *self._when)
        else:
            try:
                await self._look(attempt)
            finally:
                if attempt.record.operation is None:
                    await self._actor.release(plan.hub, owner)

    async def _act(self, attempt: Attempt, plan: Plan) -> Outcome:
        return await self._actor.perform(plan, str(attempt.record.key), lambda: self._keep(attempt))

    async def _keep(self, attempt: Attempt) -> None:
        attempt.record = await self._claim.keep(attempt.record)

    async def _look_after(self, attempt: Attempt, operation: Operation) -> bool:
        """Takes an operation that has ended out of the record; whether it succeeded. Raises what it failed with."""
        now = self._clock.now()
        if operation.poll_at > now:
            return False
        status = await status_of(self._arm, operation)
        if later := going_on(operation, status, now, self._timing):
            attempt.record = msgspec.structs.replace(attempt.record, operation=later)
            await self._actor.enter(operation.on_hub, str(attempt.record.key))
            return False
        attempt.record = after_operation(attempt.record, operation)
        succeeded = status is not None and status.state == "Succeeded"
        plan = attempt.record.plan
        if not (succeeded and plan and self._may_go_on(attempt.record, plan)):
            writes = plan.done if plan else 0
            await self._actor.release(operation.on_hub, str(attempt.record.key), writes=writes)
        if status and status.state == "Failed":
            raise failure_of(operation, status)
        return succeeded

    def _may_go_on(self, record: NodeRecord, plan: Plan) -> bool:
        """Whether a plan may go on without another look: it is young, half done, and nothing happened since."""
        half_done = plan.done > 0 and bool(plan.remaining)
        return self._young(plan) and half_done and plan.generation == record.generation

    def _young(self, plan: Plan) -> bool:
        age = timedelta(seconds=self._timing.plan_age)
        return plan.made_at is not None and self._clock.now() - plan.made_at < age


class _Holding:
    """Hold."""

    def __init__(self, attempt: Attempt, claim: KeyClaim[NodeKey, NodeRecord]) -> None:
        self._attempt = attempt
        self._claim = claim

    async def keep(self) -> None:
        self._attempt.record = await self._claim.keep(self._attempt.record)

    async def note(self, record: NodeRecord) -> NodeRecord:
        self._attempt.record = await self._claim.save(record)
        return self._attempt.record


def _waited_in_vain(before: NodeRecord, after: NodeRecord) -> str:
    """The hub for which a key was in line and is no more, whether or not it has had its turn."""
    hub = before.plan.hub if before.plan and before.plan.queued else ""
    return "" if after.plan and after.plan.queued and after.plan.hub == hub else hub


def _queued(record: NodeRecord, plan: Plan) -> bool:
    """Whether nothing but the hub is waited for, and nothing happened since."""
    return plan.queued > 0 and bool(plan.remaining) and plan.generation == record.generation
