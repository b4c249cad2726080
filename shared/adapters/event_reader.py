"""Reading the telemetry Event Hub beside its trigger: one event again, and where each partition ends."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from shared.adapters.event_hub import (
    CLOSE_SECONDS,
    OPTIONS,
    EventHubConnection,
    EventHubErrors,
    answered,
    identity,
)
from shared.domain.errors import NotFound
from shared.ports.telemetry import StoredEvent

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub import EventData
    from azure.eventhub._pyamqp.aio import Connection
    from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

_SAME = timedelta(seconds=1)  # the trigger and the SDK do not write times alike


class EventHubReader:
    """EventReader and StreamEnds, with a consumer group of its own: the trigger's readers exclude all others of theirs.

    Each call takes five seconds at most, and one more to close what is broken.
    """

    def __init__(
        self,
        connection: EventHubConnection,
        name: str,
        group: str,
        credential: "AsyncTokenCredential | None" = None,
    ) -> None:
        self._connection = connection
        self._name = name
        self._group = group
        self._credential = credential

    async def read(self, partition: str, sequence: int, enqueued_at: datetime) -> StoredEvent:
        async with self._consumer() as consumer:
            known = await consumer.get_partition_properties(partition)
            if not known["beginning_sequence_number"] <= sequence <= known["last_enqueued_sequence_number"]:
                raise self._gone(partition, sequence)
            event = await _first(consumer, partition, sequence)
        at = event.enqueued_time
        if event.sequence_number != sequence or at is None or abs(_utc(at) - enqueued_at) > _SAME:
            raise self._gone(partition, sequence)
        return StoredEvent(_body(event), str(event.offset), sequence, _utc(at))

    async def ends(self) -> Mapping[str, float]:
        ends: dict[str, float] = {}
        async with self._consumer() as consumer:
            for partition in await consumer.get_partition_ids():
                known = await consumer.get_partition_properties(partition)
                if not known["is_empty"]:
                    ends[partition] = _utc(known["last_enqueued_time_utc"]).timestamp()
        return ends

    def _gone(self, partition: str, sequence: int) -> NotFound:
        message = f"The Event Hub no longer has event {sequence} of partition {partition}."
        return NotFound("EventGone", message, target=self._name)

    @asynccontextmanager
    async def _consumer(self) -> "AsyncGenerator[EventHubConsumerClient]":
        """One for each call: calls are rare, and an idle connection is cut by the service."""
        with EventHubErrors(self._name):
            consumer = self._connect()
            try:
                async with answered(self._name, _disconnect):
                    yield consumer
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await consumer.close()

    def _connect(self) -> "EventHubConsumerClient":
        from azure.eventhub.aio import EventHubConsumerClient

        text, host = self._connection.connection_string, self._connection.namespace
        if text:
            return EventHubConsumerClient.from_connection_string(
                text, self._group, eventhub_name=self._name, **OPTIONS
            )
        return EventHubConsumerClient(host, self._name, self._group, identity(self._credential), **OPTIONS)


async def _disconnect(connections: "Sequence[Connection]") -> None:
    for connection in connections:
        await connection._disconnect()


async def _first(consumer: "EventHubConsumerClient", partition: str, sequence: int) -> "EventData":
    """The first event from a number on."""
    found: asyncio.Future[EventData] = asyncio.get_running_loop().create_future()

    async def take(_context: "PartitionContext", event: "EventData | None") -> None:
        if event is not None and not found.done():
            found.set_result(event)

    async def failed(_context: "PartitionContext", error: Exception) -> None:
        if not found.done():
            found.set_exception(error)

    receiving = asyncio.create_task(
        consumer.receive(
            take,
            on_error=failed,
            partition_id=partition,
            starting_position=sequence,
            starting_position_inclusive=True,
            prefetch=1,
        )
    )
    try:
        return await found
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


def _body(event: "EventData") -> bytes:
    body = event.body
    return body if isinstance(body, bytes) else b"".join(cast("Iterable[bytes]", body))


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
