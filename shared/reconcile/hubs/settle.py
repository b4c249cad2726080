"""What a hub's run leaves in its record, and when to look again. Pure."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.conditions import READY, Condition, Finding, carried
from shared.domain.errors import Denied, MeshError, Terminal, Waiting
from shared.domain.hub import HubRecord, HubState
from shared.domain.mesh import Timing
from shared.domain.plan import Step
from shared.reconcile.act import HubBusy, Outcome
from shared.reconcile.backoff import asked_for, delay, patience, resync_delay
from shared.reconcile.hubs.decision import HubDecision, conditions_of
from shared.reconcile.preflight import rights_finding
from shared.reconcile.settle import EXHAUSTED, HUB_BUSY_FIRST, finding_of, in_progress


def settled(
    record: HubRecord,
    decision: HubDecision,
    outcome: Outcome,
    now: datetime,
    timing: Timing,
    draw: random.Random,
) -> HubRecord:
    """The record after a run that could look at everything."""
    errors = [error for _, error in outcome.failures]
    found = [*in_progress(outcome), *(_finding(step, error) for step, error in outcome.failures)]
    conditions = carried(record.conditions, conditions_of(decision, found), now)
    network = decision.network
    after = msgspec.structs.replace(
        record,
        conditions=conditions,
        state=_state(conditions),
        pairs=decision.pairs,
        address_prefixes=network.address_prefixes if network else record.address_prefixes,
        used=len(network.peerings) if network else record.used,
        endpoints=decision.endpoints if network else record.endpoints,
        coming=decision.coming if network else record.coming,
        plan=decision.plan if decision.plan.network else None,
        operation=outcome.operation,
        # An operation that succeeds and changes nothing must not be started for ever.
        waits=record.waits + (outcome.operation is not None),
    )
    waiting = any(f.waiting for f in decision.plan.findings)
    return due(after, errors, now, timing, draw, waiting=waiting)


def unseen(
    record: HubRecord, error: MeshError, now: datetime, timing: Timing, draw: random.Random
) -> HubRecord:
    """The record after a run that could not look, or whose operation failed; what was known before stays."""
    finding = _finding(None, error)
    ready = Condition(READY, "False", finding.reason, finding.message, finding.severity)
    conditions = carried(record.conditions, (ready, *_others(record)), now)
    after = msgspec.structs.replace(record, conditions=conditions, state=_state(conditions))
    return due(after, [error], now, timing, draw)


def due(
    record: HubRecord,
    errors: Sequence[MeshError],
    now: datetime,
    timing: Timing,
    draw: random.Random,
    *,
    waiting: bool = False,
) -> HubRecord:
    """The record with the time of the next look; attempts and waits are counted until a run comes to an end."""
    passing = [e for e in errors if not isinstance(e, Terminal)]
    if passing and all(isinstance(e, HubBusy) for e in passing):
        soon = now + timedelta(seconds=HUB_BUSY_FIRST * (0.5 + draw.random()))
        return msgspec.structs.replace(record, queued=True, next_due=soon)
    record = msgspec.structs.replace(record, queued=False)
    if record.operation and not passing:
        return msgspec.structs.replace(record, next_due=record.operation.poll_at)
    if not passing and not waiting:
        later = now + timedelta(seconds=resync_delay(record.key, timing))
        return msgspec.structs.replace(record, attempts=0, waits=0, not_before=None, next_due=later)
    failing = any(not isinstance(e, Waiting) for e in passing)
    attempts, waits = record.attempts + failing, record.waits + (not failing)
    tries = attempts if failing else waits
    pause = max((delay(e, tries, timing, draw) for e in passing), default=patience(tries, timing, draw))
    return msgspec.structs.replace(
        record,
        attempts=attempts,
        waits=waits,
        not_before=asked_for(passing, now),
        next_due=now + timedelta(seconds=pause),
    )


def exhausted(record: HubRecord, timing: Timing) -> bool:
    """Whether a hub has been tried often enough for somebody to be told."""
    return record.attempts >= timing.retries or record.waits >= timing.waits


def given_up(record: HubRecord, reason: str, now: datetime, timing: Timing) -> HubRecord:
    """The record of a hub with a dead letter: not tried again before the next resync, an event, or a replay."""
    tries = max(record.attempts + record.waits, 1)
    message = f"Gave up after {tries} attempts: {reason} Replay its dead letter once that is mended."
    ready = Condition(READY, "False", EXHAUSTED, message, "error")
    return msgspec.structs.replace(
        record,
        conditions=carried(record.conditions, (ready, *_others(record)), now),
        state="NotReady",
        attempts=0,
        waits=0,
        queued=False,
        letter=True,
        next_due=now + timedelta(seconds=resync_delay(record.key, timing)),
    )


def _others(record: HubRecord) -> tuple[Condition, ...]:
    return tuple(c for c in record.conditions if c.type != READY)


def _finding(step: Step | None, error: MeshError) -> Finding:
    if isinstance(error, Denied) and step is not None:
        return rights_finding(error)
    return finding_of(step, error)


def _state(conditions: Sequence[Condition]) -> HubState:
    ready = next((c for c in conditions if c.type == READY), None)
    if ready is None or ready.status == "True":
        return "Ready"
    return "Pending" if ready.reason in ("InProgress", "Verifying", "HubBusy", "Updating") else "NotReady"
