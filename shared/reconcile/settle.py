"""What a run leaves in the record: state, conditions, and when to look again. Pure."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.conditions import CONNECTED, NAMES_RESOLVE, OBSERVED, READY, Condition, Finding, carried
from shared.domain.errors import MeshError, Terminal, Waiting
from shared.domain.governance import Standing
from shared.domain.ids import normal_id
from shared.domain.mesh import Timing
from shared.domain.node import Coverage, NodeRecord, State
from shared.domain.plan import DeletePeering, DeleteSetting, Operation, PutPeering, PutSetting, Step
from shared.domain.steps import DeleteZoneLink, PutZoneLink
from shared.reconcile.act import HubBusy, Outcome
from shared.reconcile.backoff import asked_for, delay, patience, resync_delay
from shared.reconcile.decision import Decision, conditions_of
from shared.reconcile.governing import standings_of
from shared.reconcile.preflight import RIGHTS_MISSING, rights_finding

EXHAUSTED = "RetriesExhausted"
NO_RIGHT = frozenset({"AuthorizationFailed", "LinkedAuthorizationFailed"})
HUB_BUSY_FIRST = 30.0  # seconds; whoever is next is called, so this is for calls that get lost
HUB_BUSY_MOST = 120.0


def covered_after(decision: Decision, outcome: Outcome) -> tuple[Coverage, ...]:
    """Coverage with the settings that were written: the answer to the write is the setting as it is stored.

    A resource is what it was to become once all that its plan wrote there is a setting: what was deleted is read back.
    """
    then = {normal_id(c.id): c for c in decision.then}
    done = {s for s in outcome.performed if isinstance(s, PutSetting)}
    open_ = {normal_id(s.resource) for s in decision.plan.settings if s not in done}
    written = {normal_id(s.resource) for s in decision.plan.settings} - open_
    return tuple(then.get(normal_id(c.id), c) if normal_id(c.id) in written else c for c in decision.coverage)


def finding_of(step: Step | None, error: MeshError) -> Finding:
    """What a failed step, or a failed look (no step), says about the key."""
    if error.reason in NO_RIGHT and isinstance(step, PutPeering | DeletePeering):
        finding = rights_finding(error)
        return msgspec.structs.replace(finding, message=finding.message + remedy(error))
    kind = _condition_of(step) if step else READY
    waiting = not isinstance(error, Terminal)
    message = f"{error.message.rstrip('.')}." + (f" Affected: {error.target}." if error.target else "")
    return Finding(kind, error.reason, message + remedy(error), "error", waiting)


def _condition_of(step: Step) -> str:
    if isinstance(step, PutSetting | DeleteSetting):
        return OBSERVED
    return NAMES_RESOLVE if isinstance(step, PutZoneLink | DeleteZoneLink) else CONNECTED


def remedy(error: MeshError) -> str:
    """What a person can do about an error, as a sentence with a leading space; empty where it passes by itself."""
    if isinstance(error, Terminal):
        return " Meshplane does not retry this by itself before the next resync: correct it, then POST .../reconcile."
    return " Meshplane tries again by itself."


def in_progress(outcome: Outcome) -> list[Finding]:
    """A finding for what Azure is still working on, or what has yet to be read back."""
    if outcome.operation:
        message = f"Azure is working on {outcome.operation.target}."
        return [Finding(CONNECTED, "InProgress", message, "info", waiting=True)]
    if any(not isinstance(s, PutSetting | DeleteSetting) for s in outcome.performed):
        return [
            Finding(CONNECTED, "Verifying", "What was written is yet to be read back.", "info", waiting=True)
        ]
    return []


def progressed(record: NodeRecord, operation: Operation) -> NodeRecord:
    """The record whose conditions name the operation that runs now."""
    message = f"Azure is working on {operation.target}."
    conditions = tuple(
        msgspec.structs.replace(c, message=message) if c.reason == "InProgress" else c
        for c in record.conditions
    )
    return msgspec.structs.replace(record, conditions=conditions, operation=operation)


def settled(
    record: NodeRecord,
    decision: Decision,
    outcome: Outcome,
    now: datetime,
    timing: Timing,
    draw: random.Random,
) -> NodeRecord:
    """The record after a run that could look at everything."""
    found = [*in_progress(outcome), *(finding_of(s, e) for s, e in outcome.failures)]
    coverage = covered_after(decision, outcome)
    standings = standings_of(decision.policies, decision.subject, coverage, decision.judged, record, now)
    conditions = carried(record.conditions, _conditions(decision, found, standings), now)
    after = msgspec.structs.replace(
        record,
        conditions=conditions,
        coverage=coverage,
        operation=outcome.operation,
        refusal=_refusal(record, outcome),
        taken=() if decision.judged else record.taken,
        standings=standings,
        exposures=decision.exposures,
    )
    after = msgspec.structs.replace(after, state=state_of(decision, after, outcome))
    if after.ready and after.ready_at is None:
        after = msgspec.structs.replace(after, ready_at=now)
    errors = [*decision.unread, *(e for _, e in outcome.failures)]
    return due(after, errors, now, timing, draw, waiting=_waiting(decision))


def _refusal(record: NodeRecord, outcome: Outcome) -> str:
    """Which right a peering was refused for want of; what was seen before counts until one is written again."""
    refused = [finding_of(s, e) for s, e in outcome.failures if isinstance(s, PutPeering | DeletePeering)]
    missing = next((f.message for f in refused if f.reason == RIGHTS_MISSING), "")
    written = any(isinstance(s, PutPeering | DeletePeering) for s in outcome.performed)
    return missing if missing or written else record.refusal


def _conditions(
    decision: Decision, found: list[Finding], standings: tuple[Standing, ...]
) -> tuple[Condition, ...]:
    if decision.member:
        return conditions_of(decision, found, standings)
    findings = [*decision.plan.findings, *found]
    first = next(iter(findings), None)
    if first is None:
        return (Condition(READY, "False", "Offboarded", "The group is not a node.", "info"),)
    return (Condition(READY, "False", first.reason, first.message, first.severity),)


def _waiting(decision: Decision) -> bool:
    return any(f.waiting for f in decision.plan.findings)


def state_of(decision: Decision, record: NodeRecord, outcome: Outcome) -> State:
    """The one word for a list."""
    if not decision.member:
        clean = (
            decision.plan.empty
            and not decision.plan.findings
            and not (record.owned or record.made or record.zone_links or record.roster)
            and outcome.operation is None
        )
        return "Offboarded" if clean else "Offboarding"
    if record.ready:
        return "Ready"
    return "Pending" if outcome.operation or outcome.queued or _waiting(decision) else "NotReady"


def due(
    record: NodeRecord,
    errors: Sequence[MeshError],
    now: datetime,
    timing: Timing,
    draw: random.Random,
    *,
    waiting: bool = False,
) -> NodeRecord:
    """The record with the time of the next look, and the attempts counted until a run comes to an end."""
    passing = [e for e in errors if not isinstance(e, Terminal)]
    failing = any(not isinstance(e, Waiting) for e in passing)
    if record.operation and not passing:
        # Not the end yet: an operation that is accepted and fails each time must not be tried for ever.
        return msgspec.structs.replace(record, next_due=record.operation.poll_at)
    if passing or waiting:
        # A turn at the hub comes for certain, however many wait for it: only what may never come is counted.
        queueing = bool(passing) and all(isinstance(e, HubBusy) for e in passing)
        attempts, waits = record.attempts + failing, record.waits + (not failing and not queueing)
        tries = attempts if failing else waits
        turns = record.plan.queued if record.plan else 0
        delays = [
            _turn(turns, draw) if isinstance(e, HubBusy) else delay(e, tries, timing, draw) for e in passing
        ]
        soon = now + timedelta(seconds=max(delays, default=patience(tries, timing, draw)))
        return msgspec.structs.replace(
            record,
            attempts=attempts,
            waits=waits,
            next_due=soon,
            not_before=asked_for([e for e in passing if not isinstance(e, HubBusy)], now),
        )
    record = msgspec.structs.replace(record, not_before=None)
    later = now + timedelta(seconds=resync_delay(record.key, timing))
    gone = record.state == "Offboarded" and not errors
    return msgspec.structs.replace(record, attempts=0, waits=0, next_due=None if gone else later)


def _turn(turns: int, draw: random.Random) -> float:
    """Seconds before asking for the hub again: less and less often, since whoever is next is called."""
    return min(HUB_BUSY_MOST, HUB_BUSY_FIRST * 2.0 ** min(turns, 8)) * (0.5 + draw.random())


def exhausted(record: NodeRecord, timing: Timing) -> bool:
    """Whether a key has been tried often enough: what waits for Azure has more patience than what fails."""
    return record.attempts >= timing.retries or record.waits >= timing.waits


def given_up(record: NodeRecord, reason: str, now: datetime, timing: Timing) -> NodeRecord:
    """The record of a key with a dead letter: not tried again before the next resync, an event, or a replay."""
    tries = max(record.attempts + record.waits, 1)
    message = f"Gave up after {tries} attempts: {reason} Replay its dead letter once that is mended."
    condition = Condition(READY, "False", EXHAUSTED, message, "error")
    others = tuple(c for c in record.conditions if c.type != READY)
    return msgspec.structs.replace(
        record,
        conditions=carried(record.conditions, (condition, *others), now),
        state="NotReady" if record.state in ("Seen", "Pending", "Ready", "NotReady") else record.state,
        attempts=0,
        waits=0,
        letter=True,
        next_due=now + timedelta(seconds=resync_delay(record.key, timing)),
    )
