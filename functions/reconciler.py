"""The queue: a key is reconciled; a message that failed five times becomes visible."""

import logging
from typing import TYPE_CHECKING

import azure.functions as func
import msgspec

from shared.bootstrap import application
from shared.domain.ids import AlertKey, EdgeKey, HubKey, Key, NodeKey, parse_key
from shared.domain.mesh import RECONCILE_QUEUE

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.ports import WorkItem

blueprint = func.Blueprint()
log = logging.getLogger(__name__)


@blueprint.function_name("reconciler")
@blueprint.queue_trigger(arg_name="message", queue_name=RECONCILE_QUEUE, connection="AzureWebJobsStorage")
async def reconciler(message: func.QueueMessage) -> None:
    """Raises where the stores fail: the queue delivers again, five times at most."""
    app = application()
    item, key = await _read(message)
    if item is None or key is None:
        return
    with app.instruments.reconciling(str(key)):
        again = await reconcile(app, key)
    if again is not None:
        await app.queue.enqueue(item, delay=again)


@blueprint.function_name("poison")
@blueprint.queue_trigger(
    arg_name="message", queue_name=f"{RECONCILE_QUEUE}-poison", connection="AzureWebJobsStorage"
)
async def poison(message: func.QueueMessage) -> None:
    """Turns a key that was given up into a condition and a dead letter."""
    _, key = await _read(message)
    if key is not None:
        log.error("%s failed on every try and waits as a dead letter", key)
        await give_up(application(), key, "its reconcile failed on every try; see the log.")


async def reconcile(app: "Application", key: Key) -> float | None:
    """One run of the engine for this kind of key; in how many seconds to look again, if the message is to say so."""
    match key:
        case HubKey():
            return (await app.hub_engine.reconcile(key)).requeue_after
        case NodeKey():
            return (await app.engine.reconcile(key)).requeue_after
        case EdgeKey():
            return (await app.edge_engine.reconcile(key)).requeue_after
        case AlertKey():
            return await app.delivery.visit(key)


async def give_up(app: "Application", key: Key, reason: str) -> None:
    """Has the engine for this kind of key say that it was given up."""
    match key:
        case HubKey():
            await app.hub_engine.give_up(key, reason)
        case NodeKey():
            await app.engine.give_up(key, reason)
        case EdgeKey():
            await app.edge_engine.give_up(key, reason)
        case AlertKey():
            await app.delivery.give_up(key, reason)


async def _read(message: func.QueueMessage) -> "tuple[WorkItem | None, Key | None]":
    """The item and its key; a message that is neither is kept as a dead letter."""
    from shared.ports import DeadLetter, WorkItem

    body = message.get_body()
    try:
        item = msgspec.json.decode(body, type=WorkItem)
        return item, parse_key(item.key)
    except (msgspec.DecodeError, ValueError) as error:
        log.warning("a queue message is kept as a dead letter: %s", error)
        app = application()
        letter = DeadLetter(
            id=f"message-{message.id}",
            kind="key",
            at=app.clock.now(),
            reason=f"not a work item: {error}",
            source=RECONCILE_QUEUE,
            body=body,
        )
        await app.dead_letters.add(letter)
        return None, None
