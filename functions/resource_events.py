"""Event Grid: resource events become keys on the queue. No call to Resource Manager, nothing waits.

The rooms are imported by the invocation: a cold start indexes every trigger and runs one.
"""

import logging
import re
from typing import TYPE_CHECKING

import azure.functions as func
import msgspec

from shared.bootstrap import application

if TYPE_CHECKING:
    from shared.ports import DeadLetter
    from shared.reconcile.intake import ResourceEvent

blueprint = func.Blueprint()
log = logging.getLogger(__name__)

LONGEST_ID = 2048
LONGEST_OPERATION = 200
_ID = re.compile(r"/[^@<>\s]{1,2047}")
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@blueprint.function_name("resource_events")
@blueprint.event_grid_trigger(arg_name="event")
async def resource_events(event: func.EventGridEvent) -> None:
    """Raises where the key could not be recorded or enqueued: Event Grid delivers again."""
    app = application()
    if changed_nothing(event):
        app.instruments.event("ignored")
        return
    try:
        change = decode(event)
        taken = await app.intake.accept(change)
        if taken.keys:
            await app.hub_intake.touch(change.resource, change.operation)
    except ValueError as error:
        log.warning("an event is kept as a dead letter: %s", error)
        app.instruments.event("malformed")
        await app.dead_letters.add(_letter(event, str(error)))
    else:
        app.instruments.event("accepted" if taken.keys else "ignored", taken.coalesced)


def changed_nothing(event: func.EventGridEvent | func.CloudEvent) -> bool:
    """Whether the event tells of a write or delete that Azure refused or gave up.

    Our own refused writes would otherwise bring themselves about for ever.
    """
    kind = event.type if isinstance(event, func.CloudEvent) else event.event_type
    return bool(kind) and str(kind).endswith(("Failure", "Cancel"))


def decode(event: func.EventGridEvent | func.CloudEvent) -> "ResourceEvent":
    """The identity part of an event, of either schema. Raises ValueError where it names no resource."""
    from shared.reconcile.intake import ResourceEvent

    data = event.get_json()
    if not isinstance(data, dict):
        raise ValueError("its data is not an object")
    resource = data.get("resourceUri") or event.subject
    if not isinstance(resource, str) or not resource:
        raise ValueError("it names no resource")
    if len(resource) > LONGEST_ID:
        raise ValueError(f"its resource id has {len(resource)} characters")
    claims = data.get("claims")
    principal = claims.get(OBJECT_ID) if isinstance(claims, dict) else None
    return ResourceEvent(
        resource, _text(data.get("operationName"))[:LONGEST_OPERATION] or "an event", _text(principal)
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _letter(event: func.EventGridEvent | func.CloudEvent, reason: str) -> "DeadLetter":
    """What can be kept of a malformed event: no claims, no caller, and of the resource only what can be an id."""
    from hashlib import sha256

    from shared.ports import DeadLetter
    from shared.reconcile.intake import ResourceEvent

    app = application()
    data = event.get_json()
    named = data if isinstance(data, dict) else {}
    resource = _text(named.get("resourceUri")) or _text(event.subject)
    kept = ResourceEvent(
        resource if _ID.fullmatch(resource) else "", _text(named.get("operationName"))[:LONGEST_OPERATION]
    )
    body = msgspec.json.encode(kept)
    return DeadLetter(
        id=f"event-{_text(event.id) or sha256(body).hexdigest()[:32]}",
        kind="event",
        at=app.clock.now(),
        reason=reason,
        source="event-grid",
        body=body,
    )
