"""EventReader and StreamEnds on the local Event Hubs endpoint, beside a reader that admits nobody to its group."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.aio import EventHubConsumerClient

from shared.adapters.event_hub import EventHubConnection
from shared.adapters.event_reader import EventHubReader
from shared.domain.errors import NotFound, Terminal, Transient
from tests.contract.test_event_stream import namespace_at, silent_port
from tests.support.local_event_hubs import RunningEventHubs, running_event_hubs

HUB = "telemetry"
SENT = 20
STACK = [pytest.mark.stack, pytest.mark.xdist_group("event-hubs")]


@pytest.fixture(scope="module")
def event_hubs() -> Iterator[RunningEventHubs]:
    """Twenty events in partition 0, one in partition 1, none in partition 2."""
    with running_event_hubs("--hub", f"{HUB}=3", "--consumer-group", f"{HUB}=replay") as running:
        producer = EventHubProducerClient.from_connection_string(running.connection_string, eventhub_name=HUB)
        with producer:
            for partition, count in (("0", SENT), ("1", 1)):
                batch = producer.create_batch(partition_id=partition)
                for number in range(count):
                    batch.add(EventData(b"\xff" + str(number).encode()))
                producer.send_batch(batch)
        yield running


@pytest.fixture
def reader(event_hubs: RunningEventHubs) -> EventHubReader:
    return EventHubReader(EventHubConnection(event_hubs.connection_string), HUB, "replay")


@asynccontextmanager
async def triggered(event_hubs: RunningEventHubs) -> AsyncIterator[list[EventData]]:
    """The events of partition 0, handed over by a reader with an epoch, as the platform's trigger is one."""
    found: list[EventData] = []
    whole = asyncio.Event()

    async def take(_context: object, event: EventData | None) -> None:
        if event is not None:
            found.append(event)
            if len(found) == SENT:
                whole.set()

    client = EventHubConsumerClient.from_connection_string(
        event_hubs.connection_string, "$Default", eventhub_name=HUB
    )
    async with client:
        task = asyncio.create_task(
            client.receive(take, partition_id="0", starting_position="-1", owner_level=1)
        )
        await asyncio.wait_for(whole.wait(), 60)
        try:
            yield found
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class TestOnTheHub:
    pytestmark = STACK

    async def test_one_event_is_read_again_while_the_trigger_reads(
        self, event_hubs: RunningEventHubs, reader: EventHubReader
    ) -> None:
        async with triggered(event_hubs) as events:
            for wanted in (events[0], events[7], events[-1]):
                assert wanted.sequence_number is not None
                assert wanted.enqueued_time is not None
                found = await reader.read("0", wanted.sequence_number, wanted.enqueued_time)
                assert (found.body, found.offset) == (b"".join(wanted.body), wanted.offset)  # type: ignore[arg-type]
                assert (found.sequence, found.enqueued_at) == (
                    wanted.sequence_number,
                    wanted.enqueued_time,
                )

    async def test_an_event_that_is_not_there_or_is_another_is_said_to_be_gone(
        self, event_hubs: RunningEventHubs, reader: EventHubReader
    ) -> None:
        async with triggered(event_hubs) as events:
            at = events[0].enqueued_time
        assert at is not None
        for partition, number, time in (("0", 99, at), ("2", 0, at), ("0", 3, at - timedelta(days=1))):
            with pytest.raises(NotFound) as gone:
                await reader.read(partition, number, time)
            assert gone.value.reason == "EventGone"

    async def test_each_partition_says_when_its_newest_event_came(self, reader: EventHubReader) -> None:
        ends = await reader.ends()
        assert set(ends) == {"0", "1"}

    async def test_a_group_that_is_not_there_is_our_error(self, event_hubs: RunningEventHubs) -> None:
        reader = EventHubReader(EventHubConnection(event_hubs.connection_string), HUB, "nobody")
        async with triggered(event_hubs) as events:
            at = events[0].enqueued_time
        assert at is not None
        with pytest.raises(NotFound) as missing:
            await reader.read("0", 0, at)
        assert missing.value.reason == "EventHubNotFound"


async def test_a_namespace_that_accepts_and_says_nothing_is_left_after_a_few_seconds() -> None:
    async with silent_port() as port:
        reader = EventHubReader(EventHubConnection(namespace_at(port)), HUB, "replay")
        async with asyncio.timeout(20):  # the SDK by itself would try for minutes
            with pytest.raises(Transient):
                await reader.ends()


async def test_a_namespace_without_a_credential_is_refused() -> None:
    with pytest.raises(Terminal, match="NoCredential"):
        await EventHubReader(EventHubConnection(namespace="mesh.servicebus.windows.net"), HUB, "g").ends()
