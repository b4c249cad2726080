"""The timers: what is due is enqueued, what no event told of is found."""

import logging

import azure.functions as func

from shared.bootstrap import Application, application

blueprint = func.Blueprint()
log = logging.getLogger(__name__)


@blueprint.function_name("resync")
@blueprint.timer_trigger(arg_name="timer", schedule="%MESH_RESYNC_SCHEDULE%", use_monitor=True)
async def resync(timer: func.TimerRequest) -> None:
    """Enqueues the keys whose time has come; before that, once, has rows of former versions migrated."""
    app = application()
    if migrated := await app.migrate():
        log.info("%d rows of a former version were migrated", migrated)
    count = (
        await app.resync.enqueue_due()
        + await app.hub_intake.enqueue_due()
        + await app.edge_leases.enqueue_due()
        + await app.delivery.enqueue_due()
    )
    if count:
        log.info("%d keys are due%s", count, " (the timer was late)" if timer.past_due else "")


@blueprint.function_name("discovery")
@blueprint.timer_trigger(
    arg_name="timer", schedule="%MESH_DISCOVERY_SCHEDULE%", use_monitor=True, run_on_startup=False
)
async def discovery(timer: func.TimerRequest) -> None:
    """Finds groups that were tagged or untagged without an event reaching us, and counts who complies with policies."""
    app = application()
    try:
        await _discover(app, late=timer.past_due)
    finally:
        await app.governance.record()  # a subscription that cannot be listed keeps nobody from being counted


async def _discover(app: Application, *, late: bool) -> None:
    count = await app.resync.discover()
    if count:
        log.info("%d groups changed without an event%s", count, " (the timer was late)" if late else "")
    if filed := await app.edge_leases.index():
        log.info("%d edges were not found by their state before", filed)
    released = await app.sweep.allocations()
    if released:
        log.info("%d prefixes were given back whose networks are gone", released)
    if overdue := await app.doctor.overdue():
        log.warning("keys are overdue for more than %d s", overdue.total_seconds())


@blueprint.function_name("judge")
@blueprint.timer_trigger(
    arg_name="timer", schedule="%MESH_JUDGE_SCHEDULE%", use_monitor=True, run_on_startup=False
)
async def judge(timer: func.TimerRequest) -> None:
    """Judges the windows that are over, and whoever should send and does not."""
    app = application()
    due, silent = await app.closing.judge_due(), await app.absence.judge()
    if silent or timer.past_due:
        log.info("%d windows were due, %d senders are silent", due, silent)
