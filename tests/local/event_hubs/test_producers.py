"""What the unmodified producers send arrives as they sent it."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.aio import EventHubProducerClient as AsyncProducer
from azure.eventhub.amqp import AmqpAnnotatedMessage

from local.events.hubs.server import Endpoint
from tests.local.event_hubs.reading import bodies, read

type Sent = EventData | AmqpAnnotatedMessage


def _producer(namespace: Endpoint, hub: str = "telemetry") -> EventHubProducerClient:
    return EventHubProducerClient.from_connection_string(
        namespace.connection_string, eventhub_name=hub, retry_total=0
    )


def _async_producer(namespace: Endpoint, hub: str = "telemetry") -> AsyncProducer:
    return AsyncProducer.from_connection_string(namespace.connection_string, eventhub_name=hub, retry_total=0)


async def test_a_batch_and_a_list_arrive_in_order(namespace: Endpoint) -> None:
    """EventDataBatch and a plain list, synchronous and asynchronous, end in one ordered partition."""
    with _producer(namespace) as client:
        batch = client.create_batch(partition_id="2")
        for number in range(3):
            batch.add(EventData(f"batch {number}"))
        client.send_batch(batch)
    async with _async_producer(namespace) as client_async:
        await client_async.send_batch([EventData("list 0"), EventData("list 1")], partition_id="2")
    events = await read(namespace.connection_string, "telemetry", 5, partition="2")
    assert bodies(events) == [b"batch 0", b"batch 1", b"batch 2", b"list 0", b"list 1"]
    assert [event.sequence_number for event in events] == [0, 1, 2, 3, 4]


async def test_everything_about_an_event_comes_back(namespace: Endpoint) -> None:
    """Application properties of many types, content type, message and correlation ids survive the way."""
    properties: dict[str | bytes, object] = {
        "text": "ä€",
        "number": 7,
        "share": 0.25,
        "flag": True,
        "id": uuid.uuid4(),
        "raw": b"\x00\xff",
    }
    sent = EventData(b"\x00\x01body")
    sent.properties = properties
    sent.content_type = "application/json"
    sent.message_id = "m-1"
    sent.correlation_id = "c-1"
    with _producer(namespace, "single") as client:
        client.send_batch([sent])
        client.send_event(sent)
    for event in await read(namespace.connection_string, "single", 2):
        assert bodies([event]) == [b"\x00\x01body"]
        assert {cast(bytes, name).decode(): value for name, value in event.properties.items()} == {
            **properties,
            "text": "ä€".encode(),
        }
        assert (event.content_type, event.message_id, event.correlation_id) == (
            "application/json",
            "m-1",
            "c-1",
        )


async def test_value_and_sequence_bodies_survive(namespace: Endpoint) -> None:
    """Events need not carry bytes: AMQP values and sequences come back as such."""
    with _producer(namespace, "single") as client:
        client.send_batch([AmqpAnnotatedMessage(value_body={"answer": 42})])
        client.send_batch([AmqpAnnotatedMessage(sequence_body=[[1, 2], [3]])])
        client.send_batch([AmqpAnnotatedMessage(data_body=[b"one", b"two"])])
    value, sequence, data = await read(namespace.connection_string, "single", 3)
    assert value.body == {b"answer": 42}
    assert list(cast(Iterable[object], sequence.body)) == [[1, 2], [3]]
    assert list(cast(Iterable[object], data.body)) == [b"one", b"two"]


async def test_the_service_adds_its_own_properties(namespace: Endpoint) -> None:
    """Sequence number, offset and enqueued time are the service's, and the partition properties agree."""
    before = datetime.now(UTC)
    with _producer(namespace, "single") as client:
        client.send_batch([EventData("first"), EventData("second")])
        described = client.get_partition_properties("0")
    first, second = await read(namespace.connection_string, "single", 2)
    assert first.system_properties is not None
    assert (first.sequence_number, second.sequence_number) == (0, 1)
    assert first.offset == "0"
    assert int(second.offset or 0) > 0
    assert second.enqueued_time is not None
    assert before - timedelta(seconds=1) <= second.enqueued_time <= datetime.now(UTC)
    assert described["last_enqueued_sequence_number"] == 1
    assert described["last_enqueued_offset"] == second.offset
    assert described["last_enqueued_time_utc"] == second.enqueued_time
    assert described["is_empty"] is False


def test_an_empty_partition_describes_itself_as_azure_does(namespace: Endpoint) -> None:
    """No event yet: sequence number and offset -1, and the year 1 as the time of the last event."""
    with _producer(namespace) as client:
        hub = client.get_eventhub_properties()
        described = client.get_partition_properties("3")
    assert (hub["eventhub_name"], hub["partition_ids"]) == ("telemetry", ["0", "1", "2", "3"])
    assert timedelta(seconds=-1) < datetime.now(UTC) - hub["created_at"] < timedelta(minutes=10)
    assert described["is_empty"] is True
    assert described["beginning_sequence_number"] == 0
    assert (described["last_enqueued_sequence_number"], described["last_enqueued_offset"]) == (-1, "-1")
    assert described["last_enqueued_time_utc"] == datetime(1, 1, 1, tzinfo=UTC)


async def test_events_without_a_partition_go_round(namespace: Endpoint) -> None:
    """Eight events sent one by one land two in each of the four partitions."""
    async with _async_producer(namespace) as client:
        for number in range(8):
            await client.send_event(EventData(str(number)))
        counts = [
            (await client.get_partition_properties(id_))["last_enqueued_sequence_number"] + 1
            for id_ in await client.get_partition_ids()
        ]
    assert counts == [2, 2, 2, 2]


async def test_a_partition_key_keeps_events_together(namespace: Endpoint) -> None:
    """Batches and single events of one key meet in one partition, and carry the key."""
    with _producer(namespace) as client:
        for number in range(3):
            client.send_batch([EventData(f"{number}a"), EventData(f"{number}b")], partition_key="node-7")
        client.send_event(EventData("single"), partition_key="node-7")
        used = [
            id_ for id_ in client.get_partition_ids() if not client.get_partition_properties(id_)["is_empty"]
        ]
    assert len(used) == 1
    events = await read(namespace.connection_string, "telemetry", 7, partition=used[0])
    assert bodies(events) == [b"0a", b"0b", b"1a", b"1b", b"2a", b"2b", b"single"]
    assert {event.partition_key for event in events} == {b"node-7"}


async def test_the_buffered_producers_deliver_what_they_were_given(namespace: Endpoint) -> None:
    """Buffered mode, synchronous and asynchronous: every event is reported as sent and can be read."""
    succeeded: list[Sent] = []
    failed: list[Exception] = []

    def on_success(events: list[Sent], partition: str | None) -> None:
        succeeded.extend(events)

    def on_error(events: list[Sent], partition: str | None, error: Exception) -> None:
        failed.append(error)

    with EventHubProducerClient.from_connection_string(
        namespace.connection_string,
        eventhub_name="single",
        buffered_mode=True,
        on_success=on_success,
        on_error=on_error,
    ) as client:
        for number in range(100):
            client.send_event(EventData(f"sync {number}"))
        client.flush()

    async def on_success_async(events: list[Sent], partition: str | None) -> None:
        on_success(events, partition)

    async def on_error_async(events: list[Sent], partition: str | None, error: Exception) -> None:
        on_error(events, partition, error)

    async with AsyncProducer.from_connection_string(
        namespace.connection_string,
        eventhub_name="single",
        buffered_mode=True,
        on_success=on_success_async,
        on_error=on_error_async,
    ) as client_async:
        await client_async.send_batch([EventData(f"async {number}") for number in range(100)])
        await client_async.flush()
    assert (len(succeeded), failed) == (200, [])
    expected = [f"{kind} {number}".encode() for kind in ("sync", "async") for number in range(100)]
    assert bodies(await read(namespace.connection_string, "single", 200)) == expected


async def test_messages_up_to_one_megabyte_pass_and_larger_ones_do_not(namespace: Endpoint) -> None:
    """The link says 1 MiB: a batch filled to that limit arrives, a larger event is refused."""
    with _producer(namespace, "single") as client:
        batch = client.create_batch()
        assert batch.max_size_in_bytes == 1_048_576
        body = b"x" * (1_048_576 - 100)
        batch.add(EventData(body))
        client.send_batch(batch)
        with pytest.raises(ValueError, match="size limit"):
            client.create_batch().add(EventData(b"x" * 1_048_576))
    assert bodies(await read(namespace.connection_string, "single", 1)) == [body]
