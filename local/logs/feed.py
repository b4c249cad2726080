"""From Event Hubs into the tables: a consumer of its own group for each hub."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

from local.logs.mapping import Json, Row, event_row, row_of
from local.logs.store import LogStore

LOG = logging.getLogger("local.logs")
GROUP = "logs"
EVENTS_AT_ONCE = 300
SECONDS_TO_GATHER = 0.3
SECONDS_TO_END = 1.0

type Mapper = Callable[[Json, datetime], Row | None]
MAPPERS: Mapping[str, Mapper] = {"records": row_of, "events": event_row}


class Feed:
    """Reads whole hubs from their beginning. `hubs` maps a hub's name to what it carries: `records` or `events`."""

    def __init__(self, store: LogStore, connection_string: str, hubs: Mapping[str, str]) -> None:
        self._store = store
        self._connection_string = connection_string
        self._hubs = hubs
        self._running: list[tuple[EventHubConsumerClient, asyncio.Task[None]]] = []

    def start(self) -> None:
        for hub, kind in self._hubs.items():
            client = EventHubConsumerClient.from_connection_string(
                self._connection_string, GROUP, eventhub_name=hub
            )
            self._running.append((client, asyncio.create_task(self._read(client, MAPPERS[kind]))))

    async def stop(self) -> None:
        """Ends reading; a namespace that has gone already is not waited for."""
        await asyncio.gather(*(self._end(client, task) for client, task in self._running))
        self._running.clear()

    async def _end(self, client: EventHubConsumerClient, task: asyncio.Task[None]) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(client.close(), SECONDS_TO_END)
        task.cancel()
        with suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(task, SECONDS_TO_END)

    async def _read(self, client: EventHubConsumerClient, mapper: Mapper) -> None:
        taken: dict[str, int] = {}

        async def take(context: PartitionContext, events: list[EventData]) -> None:
            # Who has no checkpoints begins anew after a broken connection; what is in stays in once.
            partition = context.partition_id
            fresh = [e for e in events if (e.sequence_number or 0) > taken.get(partition, -1)]
            if fresh:
                await asyncio.to_thread(self._add, [_content(e) for e in fresh], mapper)
                taken[partition] = fresh[-1].sequence_number or 0

        await client.receive_batch(
            on_event_batch=take,
            max_batch_size=EVENTS_AT_ONCE,
            max_wait_time=SECONDS_TO_GATHER,
            starting_position="-1",
        )

    def _add(self, bodies: Sequence[bytes], mapper: Mapper) -> None:
        now = datetime.now(UTC)
        self._store.add(row for body in bodies for record in records_in(body) if (row := mapper(record, now)))


def _content(event: EventData) -> bytes:
    return b"".join(cast("Iterable[bytes]", event.body))


def records_in(body: bytes) -> Iterator[Json]:
    """The records of an event. What is no JSON is left out and logged: Log Analytics gets its records another way."""
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        LOG.warning("an event is left out: %s", error)
        return
    if isinstance(content, dict):
        inner = content.get("records")
        content = inner if isinstance(inner, list) else [content]
    for record in content if isinstance(content, list) else []:
        if isinstance(record, dict):
            yield record
