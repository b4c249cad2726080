"""The Event Hub: batches of diagnostic records become alerts, keys to look at, and dead letters."""

import logging
import typing

import azure.functions as func

from shared.bootstrap import application

if typing.TYPE_CHECKING:
    from shared.telemetry.event import StreamEvent

blueprint = func.Blueprint()
log = logging.getLogger(__name__)


@blueprint.function_name("telemetry")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    connection="MESH_EVENTHUB",
    event_hub_name="%MESH_TELEMETRY_HUB%",
    consumer_group="%MESH_TELEMETRY_CONSUMER_GROUP%",
    cardinality=func.Cardinality.MANY,
    # As text, the platform would replace what is not UTF-8, gzip among it.
    data_type=func.DataType.BINARY,
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:02",
    maximum_interval="00:01:00",
)
async def telemetry(events: typing.List[func.EventHubEvent]) -> None:  # noqa: UP006 - the runtime refuses list[...]
    """Raises where a store fails: the batch is tried until the store is back, and only then the checkpoint moves on."""
    app = application()
    partition = _partition(events)
    result = await app.telemetry.process([_stream_event(event, partition) for event in events])
    app.instruments.records(result.records, result.alerts, result.dead_letters)
    if result.alerts or result.dead_letters:
        log.info("%d records: %d alerts, %d dead letters", result.records, result.alerts, result.dead_letters)


def _partition(events: typing.Sequence[func.EventHubEvent]) -> str:
    """The partition a batch comes from: one for all of its events."""
    metadata = events[0].metadata if events else None
    context = metadata.get("PartitionContext") if metadata else None
    return str(context.get("PartitionId", "")) if isinstance(context, dict) else ""


def _stream_event(event: func.EventHubEvent, partition: str) -> "StreamEvent":
    from shared.telemetry.event import StreamEvent

    return StreamEvent(
        body=event.get_body(),
        partition=partition,
        # Typed as text, but the binding makes a number of it where events come in batches; the first is 0.
        offset="" if event.offset is None else str(event.offset),
        sequence_number=event.sequence_number or 0,
        enqueued_at=event.enqueued_time or application().clock.now(),
    )
