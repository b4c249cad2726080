"""The unmodified consumers: where they start, what they track, and who may read."""

import asyncio
import threading
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient, PartitionContext
from azure.eventhub.exceptions import ConnectError, ConnectionLostError, EventHubError

from local.events.hubs.server import Endpoint
from tests.local.event_hubs.reading import bodies, read


def send(namespace: Endpoint, hub: str, texts: dict[str, list[str]]) -> None:
    """Send texts to partitions, each as a message of its own."""
    with EventHubProducerClient.from_connection_string(
        namespace.connection_string, eventhub_name=hub
    ) as client:
        for partition, of_partition in texts.items():
            for text in of_partition:
                client.send_batch([EventData(text)], partition_id=partition)


async def test_every_starting_position_gives_the_rest(namespace: Endpoint) -> None:
    """Offset, sequence number and time, each exclusive and inclusive, start where they say."""
    for text in "abc":
        # A client of its own for each, so that no two are enqueued in one millisecond.
        send(namespace, "single", {"0": [text]})
    everything = await read(namespace.connection_string, "single", 3)
    middle = everything[1]
    assert middle.offset is not None
    assert middle.sequence_number is not None
    assert middle.enqueued_time is not None
    earlier = middle.enqueued_time - timedelta(milliseconds=1)
    rest: dict[tuple[str | int | datetime, bool], list[bytes]] = {
        (middle.offset, False): [b"c"],
        (middle.offset, True): [b"b", b"c"],
        (middle.sequence_number, False): [b"c"],
        (middle.sequence_number, True): [b"b", b"c"],
        (middle.enqueued_time, True): [b"b", b"c"],
        (earlier, False): [b"b", b"c"],
    }
    results = await asyncio.gather(
        *(
            read(
                namespace.connection_string,
                "single",
                len(expected),
                position=position,
                inclusive=inclusive,
                group=f"group-{number}",
            )
            for number, ((position, inclusive), expected) in enumerate(rest.items())
        )
    )
    assert [bodies(events) for events in results] == list(rest.values())


async def test_latest_gives_only_what_comes_after(namespace: Endpoint) -> None:
    """`@latest` skips what is there; the next event arrives without asking again."""
    send(namespace, "single", {"0": ["old"]})
    reading = asyncio.create_task(read(namespace.connection_string, "single", 1, position="@latest"))
    sender = EventHubProducerClient.from_connection_string(
        namespace.connection_string, eventhub_name="single"
    )
    with sender:
        while not reading.done():
            await asyncio.to_thread(sender.send_batch, [EventData("new")])
    assert bodies(await reading)[0] == b"new"


async def test_a_place_that_was_never_reached_is_refused(namespace: Endpoint) -> None:
    """An offset from another life of the hub gets the error that Event Hubs gives."""
    send(namespace, "single", {"0": ["a"]})
    with pytest.raises(
        ConnectError, match=r"offset '9999' is invalid\. The last offset in the system is '0'"
    ):
        await read(namespace.connection_string, "single", 1, position="9999")
    with pytest.raises(ConnectError, match="The supplied sequence number '5' is invalid"):
        await read(namespace.connection_string, "single", 1, position=5)


async def test_consumer_groups_and_clients_read_independently(namespace: Endpoint) -> None:
    """Two groups, and two readers of one group, each get every event."""
    send(namespace, "telemetry", {"1": ["a", "b"]})
    results = await asyncio.gather(
        *(
            read(namespace.connection_string, "telemetry", 2, partition="1", group=group)
            for group in ("$Default", "$default", "meshplane")
        )
    )
    assert [bodies(events) for events in results] == [[b"a", b"b"]] * 3


def test_one_synchronous_consumer_reads_all_partitions(namespace: Endpoint) -> None:
    """`receive_batch` without a partition covers all four, with the last enqueued event tracked."""
    send(namespace, "telemetry", {id_: [f"first of {id_}", f"second of {id_}"] for id_ in "0123"})
    received: dict[str, list[bytes]] = {}
    tracked: dict[str, object] = {}
    lock = threading.Lock()
    client = EventHubConsumerClient.from_connection_string(
        namespace.connection_string, "meshplane", eventhub_name="telemetry"
    )

    def on_batch(context: PartitionContext, events: list[EventData]) -> None:
        with lock:
            received.setdefault(context.partition_id, []).extend(bodies(events))
            properties = context.last_enqueued_event_properties or {}
            tracked[context.partition_id] = properties.get("sequence_number")
            complete = sum(map(len, received.values())) == 8
        if complete:
            client.close()

    with client:
        client.receive_batch(
            on_batch, starting_position="-1", max_wait_time=1, track_last_enqueued_event_properties=True
        )
    assert received == {id_: [f"first of {id_}".encode(), f"second of {id_}".encode()] for id_ in "0123"}
    assert tracked == dict.fromkeys("0123", 1)


async def test_a_prefetch_of_one_still_gives_everything(namespace: Endpoint) -> None:
    """Credit of one event at a time: nothing is lost or doubled."""
    send(namespace, "single", {"0": list(map(str, range(7)))})
    events = await read(namespace.connection_string, "single", 7, prefetch=1)
    assert bodies(events) == [str(number).encode() for number in range(7)]


class Owner(NamedTuple):
    """A consumer with an owner level, and the thread that it blocks."""

    client: EventHubConsumerClient
    thread: threading.Thread


def _owner(namespace: Endpoint, level: int, errors: list[Exception], started: threading.Event) -> Owner:
    client = EventHubConsumerClient.from_connection_string(
        namespace.connection_string, "$Default", eventhub_name="single", retry_total=0
    )

    def on_event(context: PartitionContext, event: EventData | None) -> None:
        if event is not None:
            started.set()

    def on_error(context: PartitionContext | None, error: Exception) -> None:
        errors.append(error)
        started.set()
        client.close()

    def run() -> None:
        with client:
            client.receive(
                on_event,
                on_error=on_error,
                partition_id="0",
                owner_level=level,
                starting_position="-1",
                max_wait_time=0.1,
            )

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(45)
    return Owner(client, thread)


async def test_a_higher_owner_level_takes_the_partition(namespace: Endpoint) -> None:
    """The newer epoch disconnects the older; then a lower one and one without are turned away."""
    send(namespace, "single", {"0": ["a"]})
    first_errors: list[Exception] = []
    second_errors: list[Exception] = []
    first = await asyncio.to_thread(_owner, namespace, 1, first_errors, threading.Event())
    second = await asyncio.to_thread(_owner, namespace, 2, second_errors, threading.Event())
    await asyncio.to_thread(first.thread.join, 45)
    assert isinstance(first_errors[0], ConnectionLostError)
    assert "New receiver 'nil' with higher epoch of '2'" in str(first_errors[0])
    lower_errors: list[Exception] = []
    lower = await asyncio.to_thread(_owner, namespace, 1, lower_errors, threading.Event())
    await asyncio.to_thread(lower.thread.join, 45)
    assert "higher epoch '2' already exists" in str(lower_errors[0])
    with pytest.raises(EventHubError, match="non-epoch receiver is not allowed"):
        await read(namespace.connection_string, "single", 1)
    assert second_errors == []
    second.client.close()
    await asyncio.to_thread(second.thread.join, 45)
    assert not second.thread.is_alive()
