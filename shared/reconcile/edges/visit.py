"""What one run for an edge has found out and done so far. No I/O."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from shared.domain.actor import SYSTEM
from shared.domain.conditions import CONNECTED, READY, Condition, Finding, carried, conditions_from
from shared.domain.edge import LIVE, EdgeRecord, Route, Verdict, asked_anew
from shared.domain.edge_request import Terms
from shared.domain.edge_states import TRANSITIONS, Command, Move, move
from shared.domain.errors import Denied, MeshError, Terminal, Transient, Waiting
from shared.domain.mesh import Timing
from shared.domain.plan import Step
from shared.domain.steps import ApproveConnection, PutPrivateEndpoint
from shared.reconcile.act import Outcome
from shared.reconcile.backoff import asked_for, delay, patience, resync_delay
from shared.reconcile.edges.decide import AWAITS_OWNER, Decision, conditions_of, wanted
from shared.reconcile.edges.governed import POLICY_ENFORCED
from shared.reconcile.edges.names import NOT_LINKED
from shared.reconcile.edges.planner import ROUTED, Planned
from shared.reconcile.edges.routes import NOT_CONNECTED
from shared.reconcile.settle import EXHAUSTED, finding_of

OWNER_SECONDS = 300.0  # between looks at a connection that the target's owner has to approve
MORE_EXPOSING = "MoreExposing"
NODES_DO = frozenset({NOT_CONNECTED, NOT_LINKED, POLICY_ENFORCED})


class Superseded(Waiting):
    """A command came while a run was writing: what it was about to write may not be wanted any more."""


@dataclass
class Visit:
    """The record as it will be saved, the steps that took effect, and the errors met."""

    record: EdgeRecord
    now: datetime
    performed: list[Step] = field(default_factory=list)
    errors: list[MeshError] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    looked: bool = False
    waiting: bool = False
    awaits_owner: bool = False
    tell_consumer: bool = False

    @property
    def outcome(self) -> str:
        """One word for the log and the record."""
        if self.errors:
            return self.errors[0].reason
        return "Waiting" if self.record.operation or self.waiting else self.record.state

    def move(self, command: Command, reason: str) -> bool:
        """Gives a command in Meshplane's own name, where the state takes it."""
        if (self.record.state, command) not in TRANSITIONS:
            return False
        self.record = move(self.record, Move(command, SYSTEM.subject, self.now, reason))
        if command in ("provision", "retry", "activate", "finish", "fail"):
            self.tell_consumer = True
        if command == "activate" and self.record.active_at is None:
            self.record = msgspec.structs.replace(self.record, active_at=self.now)
        return True

    def pass_time(self, terms: Terms) -> None:
        """A request that has lapsed; a lease that has ended, or that ends soon, which is announced once for each."""
        self._lapse(terms)
        expires = self.record.expires_at
        if expires is None:
            return
        if expires <= self.now:
            self.move("expire", f"the lease ended at {expires.isoformat()}")
            return
        before = self.record
        soon = expires - warning_of(before, terms) <= self.now
        if soon and self.move("warn", f"the lease ends at {expires.isoformat()}: extend it, or let it end"):
            outbox = self.record.outbox if before.warned_at is None else before.outbox
            warned = before.warned_at or self.now
            self.record = msgspec.structs.replace(self.record, warned_at=warned, outbox=outbox)

    def _lapse(self, terms: Terms) -> None:
        if self.record.state != "PendingApproval" or self.now < lapses_at(self.record, terms):
            return
        reason = f"nobody has decided about it in {terms.undecided_days} days: ask anew if it is still wanted"
        # What was there before has to be taken away.
        if self.move("revoke" if asked_anew(self.record) else "lapse", reason):
            verdict = Verdict(by=SYSTEM.subject, at=self.now, reason=reason)
            self.record = msgspec.structs.replace(self.record, verdict=verdict)

    def took(self, decision: Decision) -> None:
        """The record with what is about to be made: written before the first write to Azure."""
        plan = decision.plan
        if plan.empty and self.record.plan and not plan.findings:
            plan = self.record.plan
        self.record = msgspec.structs.replace(
            self.record,
            route=decision.route,
            owned=decision.owned,
            plan=plan,
            addresses=decision.addresses,
            names=decision.names,
            named=decision.named,
        )

    def granted(self, route: Route | None) -> None:
        """Of an edge that was approved before any way was known, the first one is what was approved."""
        if route and self.record.granted is None:
            self.record = msgspec.structs.replace(self.record, granted=route.exposure)

    def held_back(self, findings: tuple[Finding, ...]) -> None:
        """Nothing of it is made before its nodes comply with what is enforced."""
        self.findings = findings
        self.looked = self.waiting = True

    def asked(self, planned: Planned) -> None:
        """Nothing but a more exposing way is left, or none: a person decides, and what there is stays."""
        route = planned.route
        if route:
            approved = self.record.granted or (self.record.route.exposure if self.record.route else "")
            message = (
                f"It can be led by {route.exposure} only, which exposes more than {approved}, as was approved: approve"
                " that, or revoke the edge."
            )
            self.findings = (Finding(ROUTED, MORE_EXPOSING, message),)
            if self.move("ask", message):
                granted = self.record.granted or (self.record.route.exposure if self.record.route else None)
                self.record = msgspec.structs.replace(self.record, granted=granted, asked_at=self.now)
        else:
            self.findings = planned.findings
        self.record = msgspec.structs.replace(self.record, proposed=route)
        self.looked = True

    def resumed(self, route: Route) -> None:
        """A way that was approved works again."""
        self.move("resume", f"{route.exposure}, which was approved, works again")
        self.record = msgspec.structs.replace(self.record, proposed=None)

    def concluded(self, decision: Decision) -> None:
        """Nothing is to be written: the look says what has become of the edge."""
        self.looked = True
        self.findings = decision.plan.findings
        self.waiting = any(f.waiting for f in decision.plan.findings)
        self.tell_consumer |= any(f.reason == NOT_LINKED for f in decision.plan.findings)
        if decision.refused:
            self.move("revoke", decision.refused)
        elif decision.gone:
            self.move("finish", "everything was read back as gone")
        elif decision.blocked:
            self._blocked()
        elif decision.ready:
            self._ready()
        elif wanted(self.record):
            self._working("something that it needs is not there")

    def acted(self, decision: Decision, outcome: Outcome) -> None:
        """A plan was performed, as far as it went."""
        self.performed += outcome.performed
        failures = [(s, e) for s, e in outcome.failures if not isinstance(e, Superseded)]
        self.record = msgspec.structs.replace(self.record, operation=outcome.operation)
        asks_owner = [s for s, e in failures if isinstance(s, ApproveConnection) and isinstance(e, Denied)]
        self.awaits_owner = bool(asks_owner)
        failures = [(s, e) for s, e in failures if s not in asks_owner]
        self.errors += [e for _, e in failures]
        found = [finding_of(s, e) for s, e in failures] + [_owner(s) for s in asks_owner]
        if outcome.operation:
            message = f"Azure is working on {outcome.operation.target}."
            found.append(Finding(CONNECTED, "InProgress", message, "info", waiting=True))
        elif outcome.performed:
            message = "What was written is yet to be read back."
            found.append(Finding(CONNECTED, "Verifying", message, "info", waiting=True))
        self.looked = True
        self.findings = (*decision.plan.findings, *found)
        if not wanted(self.record):
            return
        final = next((f for f in found if f.severity == "error" and not f.waiting), None)
        if decision.ready:
            self._ready()
        elif decision.blocked:
            self._blocked()
        elif final:
            self.move("provision", "it was tried")
            self.move("fail", final.message)
        else:
            steps = decision.plan.network
            self._working(steps[0].why if steps else "it is led another way")

    def _ready(self) -> None:
        commands: tuple[Command, ...] = ("provision", "retry", "activate")
        for command in commands:
            self.move(command, "everything was read back")

    def _blocked(self) -> None:
        error = next((f.message for f in self.findings if f.severity == "error"), "there is no way")
        self.move("fail", error)

    def _working(self, reason: str) -> None:
        self.move("degrade", reason)
        self.move("provision", reason)
        if not self.errors:
            self.move("retry", reason)

    def failed(self, error: MeshError) -> None:
        """The run could not go on; what the edge was last seen to be, it is taken to be still."""
        self.errors.append(error)
        self.looked = False

    def ended_badly(self, error: MeshError) -> MeshError:
        """What to raise for an operation that failed.

        What cannot be made has Failed. Of an edge that is to be gone it may be the operation that was to make it: what
        there is now to take away is seen soon, whatever it failed with.
        """
        if not isinstance(error, Terminal):
            return error
        if not wanted(self.record):
            return Transient(error.reason, error.message, target=error.target)
        self.move("provision", "it was tried")
        self.move("fail", error.message)
        return error

    @property
    def awaits_nodes(self) -> bool:
        """Whether nothing but the edge's own nodes is waited for: they have it looked at again when they change."""
        reasons = {f.reason for f in self.findings if f.waiting}
        return bool(reasons) and reasons <= NODES_DO and not self.errors

    # --- what is left behind

    def settle(self, timing: Timing, terms: Terms, draw: random.Random) -> None:
        """Conditions, and the time of the next look."""
        record = self.record
        if self.looked:
            conditions = conditions_of(record, self.findings)
        elif self.errors:
            ready = conditions_from([finding_of(None, self.errors[0])], [])
            conditions = (*ready, *(c for c in record.conditions if c.type != READY))
        else:
            conditions = record.conditions
        conditions = carried(record.conditions, conditions, self.now)
        self.record = msgspec.structs.replace(record, conditions=conditions)
        self._due(timing, terms, draw)

    def _due(self, timing: Timing, terms: Terms, draw: random.Random) -> None:
        record, now = self.record, self.now
        passing = [e for e in self.errors if not isinstance(e, Terminal)]
        failing = any(not isinstance(e, Waiting) for e in passing)
        later: datetime | None
        if record.operation and not passing:
            later = record.operation.poll_at
        elif passing or (self.waiting and not self.awaits_nodes):
            record = msgspec.structs.replace(
                record,
                attempts=record.attempts + failing,
                waits=record.waits + (not failing),
                not_before=asked_for(passing, now),
            )
            tries = record.attempts if failing else record.waits
            delays = [delay(e, tries, timing, draw) for e in passing]
            later = now + timedelta(seconds=max(delays, default=patience(tries, timing, draw)))
        else:
            record = msgspec.structs.replace(record, attempts=0, waits=0, not_before=None)
            later = self._next(timing, terms)
        self.record = msgspec.structs.replace(record, next_due=later)

    def _next(self, timing: Timing, terms: Terms) -> datetime | None:
        """When somebody has to look again at what has come to rest."""
        record = self.record
        if record.state not in LIVE:
            return None
        seconds = resync_delay(record.key, timing)
        if self.awaits_owner:
            seconds = OWNER_SECONDS
        elif self.awaits_nodes:
            # A node may take for ever, and is not Azure: this is not counted, but grows with how long it lasts.
            seconds = min(seconds, max(timing.backoff_first, self._waited() / 2))
        times = [self.now + timedelta(seconds=seconds)]
        if record.state == "PendingApproval":
            times.append(lapses_at(record, terms))
        if record.expires_at and (wanted(record) or asked_anew(record)):
            times.append(record.expires_at)
            if record.warned_at is None and record.state == "Active":
                times.append(record.expires_at - warning_of(record, terms))
        return max(self.now, min(times))

    def _waited(self) -> float:
        """For how many seconds the edge has not been connected for the present reason."""
        since = next((c.since for c in self.record.conditions if c.type == CONNECTED and c.since), self.now)
        return (self.now - since).total_seconds()


def lapses_at(record: EdgeRecord, terms: Terms) -> datetime:
    """When a request lapses that nobody has decided about."""
    return (record.asked_at or record.requested_at) + timedelta(days=terms.undecided_days)


def warning_of(record: EdgeRecord, terms: Terms) -> timedelta:
    """How long ahead of its end a lease is announced: of a short one, for the last quarter."""
    return min(timedelta(seconds=terms.warning), timedelta(days=record.request.lease_days) / 4)


def given_up(record: EdgeRecord, reason: str, now: datetime, timing: Timing) -> EdgeRecord:
    """The record of an edge with a dead letter: not tried again before the next resync, a command, or a replay.

    One that was being made has Failed; one that was there, or is being taken away, stays what it is.
    """
    tries = max(record.attempts + record.waits, 1)
    message = f"Gave up after {tries} attempts: {reason} Replay its dead letter once that is mended."
    if record.state in ("Approved", "Provisioning"):
        record = move(record, Move("fail", SYSTEM.subject, now, message))
    ready = Condition(READY, "False", EXHAUSTED, message, "error")
    others = tuple(c for c in record.conditions if c.type != READY)
    return msgspec.structs.replace(
        record,
        conditions=carried(record.conditions, (ready, *others), now),
        attempts=0,
        waits=0,
        letter=True,
        next_due=now + timedelta(seconds=resync_delay(record.key, timing)),
    )


def manual(decision: Decision, outcome: Outcome) -> bool:
    """Whether an endpoint was refused for want of a right on its target, so that the owner has to approve it."""
    return any(
        isinstance(s, PutPrivateEndpoint) and not s.manual and isinstance(e, Denied)
        for s, e in outcome.failures
    ) and bool(decision.route and not decision.route.manual)


def _owner(step: Step) -> Finding:
    target = step.id.partition("/privateEndpointConnections/")[0]
    message = (
        f"The owner of {target} has to approve the connection {step.id}: in the portal under Networking, Private"
        " endpoint connections, Approve; or give Meshplane the right privateEndpointConnectionsApproval/action on it."
    )
    return Finding(CONNECTED, AWAITS_OWNER, message, "warning", waiting=True)
