"""What one run has found out and done so far. No I/O."""

import random
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from shared.domain.conditions import carried, conditions_from
from shared.domain.errors import MeshError, Terminal, Waiting, error_for
from shared.domain.mesh import Timing
from shared.domain.node import LastRun, NodeRecord
from shared.domain.plan import (
    Operation,
    OperationStatus,
    Plan,
    PutPeering,
    PutSetting,
    Step,
)
from shared.reconcile.act import Outcome
from shared.reconcile.decision import Decision
from shared.reconcile.settle import due, finding_of, progressed, settled


@dataclass
class Attempt:
    """The record as it will be saved, the steps that took effect, and the errors met."""

    record: NodeRecord
    performed: list[Step] = field(default_factory=list)
    errors: tuple[MeshError, ...] = ()
    look_again: bool = False
    member: bool = True
    waiting: bool = False

    def __post_init__(self) -> None:
        self._tried = self.record.attempts, self.record.waits
        self._was_ready = self.record.state == "Ready"
        self._was_working = self.record.operation is not None

    @property
    def outcome(self) -> str:
        """One word for the log and the record."""
        if self.errors:
            return self.errors[0].reason
        return "Waiting" if self.record.operation or self.waiting else self.record.state

    def wait(self, now: datetime, timing: Timing, draw: random.Random) -> None:
        """Nothing to do but to look again when Azure said."""
        self.record = due(self.record, (), now, timing, draw)
        self.look_again = False

    def unfinished(self, now: datetime, timing: Timing, draw: random.Random) -> None:
        """Each look found something more to write: somebody else is at work, so that looking again has to wait."""
        self.waiting = True
        self._count()
        self.record = due(self.record, (), now, timing, draw, waiting=True)

    def resumed(self, outcome: Outcome, now: datetime, timing: Timing, draw: random.Random) -> None:
        """Further steps of the recorded plan were performed."""
        queued = self.record.plan is not None and self.record.plan.queued > 0
        # As after a look, an operation counts: it may have to be started again and again.
        self._count(1 if outcome.operation and queued else 0)
        if self.record.plan:
            self._left(self.record.plan, outcome)
        self._add(outcome)
        if outcome.operation:
            self.record = progressed(self.record, outcome.operation)
        if outcome.failures:
            self._show(*outcome.failures[0], now)
        self.record = due(self.record, self.errors, now, timing, draw)

    def acted(
        self, decision: Decision, outcome: Outcome, now: datetime, timing: Timing, draw: random.Random
    ) -> None:
        """A fresh decision was performed."""
        self._left(decision.plan, outcome, seen=all(isinstance(e, Terminal) for e in decision.unread))
        self._add(outcome)
        self.errors = (*decision.unread, *self.errors)
        # Whoever throttles is not asked again at once.
        self.look_again = self.look_again and not any(isinstance(e, Waiting) for e in decision.unread)
        # An operation that has to be started again and again is somebody undoing it.
        self._count(1 if outcome.operation else 0)
        self.record = settled(self.record, decision, outcome, now, timing, draw)
        self.member = decision.member
        self.waiting = any(f.waiting for f in decision.plan.findings)

    def contested(self, timing: Timing) -> None:
        """Counts a run that ended well, but had to mend what a settled node already had.

        Somebody (a policy, a pipeline) may undo it after each run; a run that finds all well ends the counting.
        """
        mended = [s for s in self.performed if _mends(s)]
        if not self.record.ready or self.errors or not (self._was_working or (self._was_ready and mended)):
            return
        # The run that began an operation has counted it.
        waits = self._tried[1] + (not self._was_working)
        self.record = msgspec.structs.replace(self.record, waits=waits)
        if waits >= timing.waits and mended:
            message = (
                "Somebody changes it back each time Meshplane mends it: find out who in the activity log."
            )
            self.errors = (Waiting("Contested", message, target=mended[0].id),)

    def fail(self, error: MeshError, now: datetime, timing: Timing, draw: random.Random) -> None:
        """The run could not go on. What it took over from events stays with the record."""
        self._count()
        self._show(None, error, now)
        self.errors = (*self.errors, error)
        self.look_again = False
        self.record = due(self.record, self.errors, now, timing, draw)

    def _left(self, plan: Plan, outcome: Outcome, *, seen: bool = True) -> None:
        """The plan as the next run finds it; of one that is empty nothing is left but what was last done."""
        before = self.record.plan
        if plan.empty and before:
            plan = msgspec.structs.replace(before, queued=0)
        else:
            queued = 1 + (before.queued if before else 0) if outcome.queued and seen else 0
            plan = msgspec.structs.replace(plan, done=outcome.done, queued=queued)
        if not plan.empty:
            self.record = msgspec.structs.replace(self.record, plan=plan)

    def _count(self, waits: int = 0) -> None:
        """Attempts are counted from run to run: a pass of this one that went well does not end the counting."""
        attempts, waited = self._tried
        self.record = msgspec.structs.replace(self.record, attempts=attempts, waits=waited + waits)

    def _show(self, step: Step | None, error: MeshError, now: datetime) -> None:
        """The error becomes what Ready says, and what the condition of its step says."""
        finding = finding_of(step, error)
        fresh = conditions_from([finding], [finding.condition] if step else [])
        kept = (c for c in self.record.conditions if c.type not in {f.type for f in fresh})
        unready = self.record.state == "Ready" or (
            self.record.state in ("Seen", "Pending") and isinstance(error, Terminal)
        )
        self.record = msgspec.structs.replace(
            self.record,
            conditions=carried(self.record.conditions, (*fresh, *kept), now),
            state="NotReady" if unready else self.record.state,
        )

    def _add(self, outcome: Outcome) -> None:
        self.performed += outcome.performed
        self.errors = tuple(e for _, e in outcome.failures)
        read_back = any(not isinstance(s, PutSetting) for s in outcome.performed)
        self.look_again = read_back and not outcome.failures and outcome.operation is None


def _mends(step: Step) -> bool:
    """Whether a step puts right what was there before, rather than serving something new."""
    return isinstance(step, PutPeering) or (isinstance(step, PutSetting) and bool(step.differences))


def claimed(record: NodeRecord, decision: Decision) -> NodeRecord:
    """The record with what is about to be made: written before the first write to Azure."""
    group, tags, network = decision.group, decision.tags, decision.connection
    record = msgspec.structs.replace(
        record,
        coverage=decision.coverage,
        owned=network.owned,
        peerings=network.peerings,
        networks=network.networks,
        private_endpoints=network.private_endpoints,
        made=network.made,
        allocation=network.allocation,
        zone_links=network.zone_links,
        own_zones=network.own_zones,
        roster="" if network.leaves else record.roster,
    )
    if not decision.member or group is None or tags is None:
        return record
    if record.state in ("Seen", "Offboarding", "Offboarded"):
        record = msgspec.structs.replace(
            record, state="Pending", wanted_hub="", ready_at=None, reads=0, writes=0
        )
    elif record.state == "Ready" and decision.plan.network:
        # Whoever reads the record meanwhile is not told that the new option is there already.
        record = msgspec.structs.replace(record, state="Pending")
    return msgspec.structs.replace(
        record,
        hub=decision.hub.id if decision.hub else record.hub,
        sink=decision.sinks.mark if decision.sinks and decision.judged else record.sink,
        location=group.location,
        product=tags.product or "",
        domain=tags.domain or "",
        environment=tags.environment or "",
        owner=tags.owner or "",
        owner_id=tags.owner_id,
        network=tags.network or "",
        telemetry=tags.telemetry or "",
    )


def after_operation(record: NodeRecord, operation: Operation) -> NodeRecord:
    """The record once an operation has succeeded: one step of its plan is done."""
    plan = record.plan
    if plan and plan.done < len(plan.network) and plan.network[plan.done].id == operation.target:
        plan = msgspec.structs.replace(plan, done=plan.done + 1)
    return msgspec.structs.replace(record, operation=None, plan=plan)


def failure_of(operation: Operation, status: OperationStatus) -> MeshError:
    """The error that an accepted operation ended with: it may come minutes after the write was accepted."""
    return error_for(500, status.code, status.message or "The operation failed.", target=operation.target)


def counted(before: NodeRecord, record: NodeRecord, last_run: LastRun) -> NodeRecord:
    """The record with this run's calls, which count towards onboarding until the node was Ready."""
    record = msgspec.structs.replace(record, last_run=last_run)
    if before.ready_at is not None and record.ready_at == before.ready_at:
        return record
    return msgspec.structs.replace(
        record, reads=record.reads + last_run.reads, writes=record.writes + last_run.writes
    )


def never_a_node(attempt: Attempt) -> bool:
    """Whether the group is no node and never was: an event named it, and there is nothing to remember.

    A group that ever was a node has its location recorded.
    """
    record = attempt.record
    return not (attempt.member or attempt.errors or record.location or record.outbox)
