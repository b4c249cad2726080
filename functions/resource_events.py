"""Event Grid: resource events become keys on the queue. No call to Resource Manager, nothing waits."""

import logging

import azure.functions as func
import msgspec

from shared.bootstrap import application
from shared.ports import DeadLetter
from shared.reconcile.intake import ResourceEvent

blueprint = func.Blueprint()
log = logging.getLogger(__name__)

OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@blueprint.function_name("resource_events")
@blueprint.event_grid_trigger(arg_name="event")
async def resource_events(event: func.EventGridEvent) -> None:
    """Raises where the key could not be recorded or enqueued: Event Grid delivers again."""
    app = application()
    try:
        taken = await app.intake.accept(decode(event))
    except ValueError as error:
        log.warning("an event is kept as a dead letter: %s", error)
        app.instruments.event("malformed")
        await app.dead_letters.add(_letter(event, str(error)))
    else:
        app.instruments.event("accepted" if taken.keys else "ignored", taken.coalesced)


def decode(event: func.EventGridEvent | func.CloudEvent) -> ResourceEvent:
    """The identity part of an event, of either schema. Raises ValueError where it names no resource."""
    data = event.get_json()
    if not isinstance(data, dict):
        raise ValueError("its data is not an object")
    resource = data.get("resourceUri") or event.subject
    if not isinstance(resource, str) or not resource:
        raise ValueError("it names no resource")
    claims = data.get("claims")
    principal = claims.get(OBJECT_ID) if isinstance(claims, dict) else None
    return ResourceEvent(resource, _text(data.get("operationName")) or "an event", _text(principal))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _letter(event: func.EventGridEvent | func.CloudEvent, reason: str) -> DeadLetter:
    """What can be kept of a malformed event: no claims, no caller."""
    app = application()
    data = event.get_json()
    named = data if isinstance(data, dict) else {}
    kept = ResourceEvent(
        _text(named.get("resourceUri")) or _text(event.subject), _text(named.get("operationName"))
    )
    return DeadLetter(
        id=f"event-{event.id}",
        kind="event",
        at=app.clock.now(),
        reason=reason,
        source="event-grid",
        body=msgspec.json.encode(kept),
    )
