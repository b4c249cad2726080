"""A job tells what Azure cannot see; what somebody silenced is recorded and told to nobody."""

from datetime import UTC, datetime, timedelta

from demo.alert_looks import alert_of, raised, told
from demo.scenes.sinks import LATE
from demo.scenes.telemetry import producer
from demo.stage import Stage
from demo.watch import Seen
from demo.world import SALES
from examples.custom_events import MeshEvents

FAILED_CHECK = "quality-check-failed"
ROWS, FAILED_ROWS = 120_000, 3


def play(stage: Stage) -> None:
    """The nightly job of sales."""
    watch = stage.watch
    watch.act("A job tells what Azure cannot see")
    now = datetime.now(UTC)
    with MeshEvents(producer(stage), stage.azure.group_id(SALES.group)) as events, events.job("nightly"):
        events.rows("orders", ROWS, expected=ROWS)
        events.quality("orders", "amount-not-negative", failed=FAILED_ROWS, rows=ROWS)
        events.freshness("returns", now - timedelta(hours=3), limit=timedelta(hours=1))
    watch.did(f"examples/custom_events.py: {ROWS:,} rows; {FAILED_ROWS} fail a check; returns are 2 h late")
    watch.claim("the failed check raises its alert", raised(stage, FAILED_CHECK))
    watch.claim("the webhook is told of it", told(stage, FAILED_CHECK))
    watch.claim("late data raises one that the silence keeps quiet", lambda: _quiet(stage))


def _quiet(stage: Stage) -> Seen:
    """Recorded, owed to nobody, and the receiver has heard nothing of it."""
    found = alert_of(stage, LATE)
    if found is None or stage.silence is None:
        return Seen(False, "no such alert")
    alert, notices = stage.telemetry_api.alert(found.id), stage.receiver.of(found.id)
    good = alert.silenced_by == stage.silence.id and not notices and not alert.waiting
    return Seen(good, f"{alert.title}, {len(notices)} notices")
