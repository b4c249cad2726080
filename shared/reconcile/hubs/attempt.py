"""One run for a hub whose lease is held: look, write, and look again until there is nothing left to write."""

from collections.abc import Awaitable, Callable

import msgspec

from shared.domain.errors import MeshError
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey, NodeKey
from shared.domain.plan import Operation, Step
from shared.ports import ResourceManager
from shared.reconcile.act import Actor, Outcome, hub_busy
from shared.reconcile.attempt import failure_of
from shared.reconcile.claim import KeyClaim, LeaseLost
from shared.reconcile.engine_parts import Running
from shared.reconcile.hubs.decision import HubDecision
from shared.reconcile.hubs.settle import due, settled, unseen
from shared.reconcile.operations import going_on, status_of

PASSES = 3

type Look = Callable[[HubRecord], Awaitable[HubDecision]]


class HubAttempt:
    """The record as it will be saved, the steps that took effect, and the first error met."""

    def __init__(
        self,
        record: HubRecord,
        claim: KeyClaim[HubKey, HubRecord],
        look: Look,
        arm: ResourceManager,
        actor: Actor,
        running: Running,
    ) -> None:
        self.record = record
        self.performed: list[Step] = []
        self.error: MeshError | None = None
        self.out_of_step: tuple[NodeKey, ...] = ()
        self._claim = claim
        self._look = look
        self._arm = arm
        self._actor = actor
        self._clock = running.clock
        self._timing = running.timing
        self._draw = running.draw

    @property
    def outcome(self) -> str:
        """One word for the log and the record."""
        return self.error.reason if self.error else "Waiting" if self.record.operation else self.record.state

    async def make(self) -> None:
        """Everything that can be done now. Errors of Azure end in the record; raises LeaseLost."""
        try:
            for _ in range(PASSES):
                if not await self._pass():
                    return
            # Each look found something more to write: somebody else is at work.
            self.record = due(self.record, (), self._clock.now(), self._timing, self._draw, waiting=True)
        except LeaseLost:
            raise
        except MeshError as error:
            self.error = error
            self.record = unseen(self.record, error, self._clock.now(), self._timing, self._draw)

    @property
    def _hub(self) -> str:
        return self.record.key.id

    @property
    def _owner(self) -> str:
        return str(self.record.key)

    async def _pass(self) -> bool:
        """Whether to look again: something was written, and nothing runs on."""
        if self.record.operation and not await self._ended(self.record.operation):
            self.record = due(self.record, (), self._clock.now(), self._timing, self._draw)
            return False
        decision = await self._look(self.record)
        outcome = Outcome(0)
        if decision.plan.network:
            decision, outcome = await self._write(decision)
        self.out_of_step = decision.out_of_step
        self.performed += outcome.performed
        self.error = next((error for _, error in outcome.failures), None)
        self.record = settled(self.record, decision, outcome, self._clock.now(), self._timing, self._draw)
        return bool(outcome.performed) and not outcome.failures and outcome.operation is None

    async def _write(self, decision: HubDecision) -> tuple[HubDecision, Outcome]:
        """Looks once more when it is this hub's turn: a node may have come back while others were writing."""
        if not await self._actor.enter(self._hub, self._owner):
            step = decision.plan.network[0]
            return decision, Outcome(0, failures=[(step, hub_busy(step, self._hub))])
        outcome = Outcome(0)
        try:
            decision = await self._look(self.record)
            outcome = await self._actor.perform(decision.plan, self._owner, self._keep)
        finally:
            if outcome.operation is None:
                await self._actor.release(self._hub, self._owner)
        return decision, outcome

    async def _keep(self) -> None:
        self.record = await self._claim.keep(self.record)

    async def _ended(self, operation: Operation) -> bool:
        """Takes an operation that has ended out of the record. Raises what it failed with."""
        now = self._clock.now()
        if operation.poll_at > now:
            return False
        status = await status_of(self._arm, operation)
        if later := going_on(operation, status, now, self._timing):
            self.record = msgspec.structs.replace(self.record, operation=later)
            for hub in {self._hub, operation.on_hub}:
                await self._actor.enter(hub, self._owner)
            return False
        self.record = msgspec.structs.replace(self.record, operation=None)
        await self._actor.release(operation.on_hub, self._owner, writes=1)
        if operation.on_hub != self._hub:
            await self._actor.release(self._hub, self._owner)
        if status and status.state == "Failed":
            raise failure_of(operation, status)
        return True
