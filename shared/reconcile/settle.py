"""What a run leaves in the record: state, conditions, and when to look again. Pure."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.conditions import CONNECTED, OBSERVED, READY, Condition, Finding, carried
from shared.domain.errors import Conflict, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import normal_id
from shared.domain.mesh import Timing
from shared.domain.node import Coverage, NodeRecord, State
from shared.domain.plan import DeletePeering, DeleteSetting, PutPeering, PutSetting, Step
from shared.reconcile.act import Outcome
from shared.reconcile.backoff import resync_delay, retry_delay
from shared.reconcile.decision import Decision, conditions_of

EXHAUSTED = "RetriesExhausted"


def covered_after(coverage: Sequence[Coverage], outcome: Outcome, now: datetime) -> tuple[Coverage, ...]:
    """Coverage with the settings that were written: the answer to the write is the setting as it is stored."""
    written = {normal_id(s.resource) for s in outcome.performed if isinstance(s, PutSetting)}
    return tuple(
        Coverage(c.id, "covered", now, owned=True) if normal_id(c.id) in written else c for c in coverage
    )


def finding_of(step: Step | None, error: MeshError) -> Finding:
    """What a failed step, or a failed look (no step), says about the key."""
    kind = OBSERVED if isinstance(step, PutSetting | DeleteSetting) else CONNECTED if step else READY
    waiting = not isinstance(error, Terminal)
    message = f"{error.message.rstrip('.')}." + (f" Affected: {error.target}." if error.target else "")
    return Finding(kind, error.reason, message + remedy(error), "error", waiting)


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
    if any(isinstance(s, PutPeering | DeletePeering) for s in outcome.performed):
        return [
            Finding(CONNECTED, "Verifying", "The peerings are yet to be read back.", "info", waiting=True)
        ]
    return []


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
    conditions = carried(record.conditions, _conditions(decision, found), now)
    coverage = covered_after(decision.coverage, outcome, now)
    after = msgspec.structs.replace(
        record, conditions=conditions, coverage=coverage, operation=outcome.operation, lease=None, taken=()
    )
    after = msgspec.structs.replace(after, state=state_of(decision, after, outcome))
    if after.ready and after.ready_at is None:
        after = msgspec.structs.replace(after, ready_at=now)
    return due(after, [e for _, e in outcome.failures], now, timing, draw, waiting=_waiting(decision))


def _conditions(decision: Decision, found: list[Finding]) -> tuple[Condition, ...]:
    if decision.member:
        return conditions_of(decision, found)
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
            and not record.owned
            and outcome.operation is None
        )
        return "Offboarded" if clean else "Offboarding"
    if record.ready:
        return "Ready"
    return "Pending" if outcome.operation or _waiting(decision) else "NotReady"


def due(
    record: NodeRecord,
    errors: Sequence[MeshError],
    now: datetime,
    timing: Timing,
    draw: random.Random,
    *,
    waiting: bool = False,
) -> NodeRecord:
    """The record with the time of the next look, and the attempts counted."""
    passing = [e for e in errors if isinstance(e, Waiting | Transient | Conflict | NotFound)]
    if not passing and record.operation:
        return msgspec.structs.replace(record, attempts=0, next_due=record.operation.poll_at)
    if passing or waiting:
        attempts = record.attempts + 1
        delays = [_delay(e, attempts, timing, draw) for e in passing]
        delay = max(delays, default=retry_delay(attempts, timing, draw))
        return msgspec.structs.replace(record, attempts=attempts, next_due=now + timedelta(seconds=delay))
    if record.state == "Offboarded":
        return msgspec.structs.replace(record, attempts=0, next_due=None)
    if record.state == "Offboarding" and not errors:
        # Everything was deleted: look once more before saying so.
        return msgspec.structs.replace(record, next_due=now)
    delay = resync_delay(record.key, timing)
    return msgspec.structs.replace(record, attempts=0, next_due=now + timedelta(seconds=delay))


def _delay(error: MeshError, attempts: int, timing: Timing, draw: random.Random) -> float:
    if isinstance(error, Waiting) and error.retry_after:
        return error.retry_after * (1 + 0.25 * draw.random())
    return retry_delay(attempts, timing, draw)


def exhausted(record: NodeRecord, errors: Sequence[MeshError], timing: Timing) -> bool:
    """Whether a key has been tried often enough: what waits for Azure has more patience than what fails."""
    patient = all(isinstance(e, Waiting) for e in errors)
    return record.attempts >= (timing.waits if patient else timing.retries)


def given_up(record: NodeRecord, reason: str, now: datetime, timing: Timing) -> NodeRecord:
    """The record of a key that is not tried again before the next resync, an event, or a replay."""
    message = f"Gave up after {max(record.attempts, 1)} attempts: {reason} Replay its dead letter once that is mended."
    condition = Condition(READY, "False", EXHAUSTED, message, "error")
    others = tuple(c for c in record.conditions if c.type != READY)
    return msgspec.structs.replace(
        record,
        conditions=carried(record.conditions, (condition, *others), now),
        state="NotReady" if record.state in ("Pending", "Ready", "NotReady") else record.state,
        attempts=0,
        lease=None,
        next_due=now + timedelta(seconds=resync_delay(record.key, timing)),
    )
