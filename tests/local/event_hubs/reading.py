"""Reading with the unmodified asynchronous consumer: exactly so many events of one partition, then stop."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import cast

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

SECONDS = 45.0


async def read(
    connection_string: str,
    hub: str,
    count: int,
    *,
    partition: str | None = "0",
    position: str | int | datetime = "-1",
    inclusive: bool = False,
    group: str = "$Default",
    prefetch: int = 300,
) -> list[EventData]:
    """The first `count` events after `position`, of one partition or (None) of all. Errors are raised."""
    events: list[EventData] = []
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def on_event(context: PartitionContext, event: EventData | None) -> None:
        if event is not None:
            events.append(event)
        if len(events) >= count and not outcome.done():
            outcome.set_result(None)

    async def on_error(context: PartitionContext | None, error: Exception) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    client = EventHubConsumerClient.from_connection_string(
        connection_string, group, eventhub_name=hub, retry_total=0
    )
    async with client:
        receiving = asyncio.create_task(
            client.receive(
                on_event,
                on_error=on_error,
                partition_id=partition,
                starting_position=position,
                starting_position_inclusive=inclusive,
                prefetch=prefetch,
                max_wait_time=0.2,
            )
        )
        try:
            await asyncio.wait_for(outcome, SECONDS)
        finally:
            receiving.cancel()
            with suppress(asyncio.CancelledError):
                await receiving
    return events


def bodies(events: list[EventData]) -> list[bytes]:
    """The bodies of events, in order."""
    return [b"".join(cast(Iterable[bytes], event.body)) for event in events]
