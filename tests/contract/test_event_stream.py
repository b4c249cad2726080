"""EventStream, in memory and on the local Event Hubs endpoint, read back by the unmodified consumer."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import pytest

from shared.adapters.event_hub import EventHubConnection, EventHubStream
from shared.adapters.probes import EventHubProbe
from shared.domain.errors import MeshError, NotFound, Transient
from shared.domain.node import MeshEvent
from shared.ports import EventStream
from tests.contract.samples import after
from tests.fakes import InMemoryEventStream
from tests.support.local_event_hubs import RunningEventHubs, running_event_hubs

HUBS = ["events-order", "events-large", "events-probe", "events-silent"]
LOCAL = pytest.param("local", marks=[pytest.mark.stack, pytest.mark.xdist_group("event-hubs")])


@dataclass
class Backend:
    stream: EventStream
    published: Callable[[int], Awaitable[list[MeshEvent]]]
    """Waits for so many events and answers them, each key's in order."""


@pytest.fixture(scope="module")
def event_hubs() -> Iterator[RunningEventHubs]:
    hubs = [word for name in HUBS for word in ("--hub", f"{name}=4")]
    with running_event_hubs(*hubs) as running:
        yield running


@pytest.fixture(params=["fake", LOCAL])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[str], Backend]]:
    if request.param == "fake":
        yield _in_memory
        return
    running: RunningEventHubs = request.getfixturevalue("event_hubs")
    made: list[EventHubStream] = []

    def connect(hub: str) -> Backend:
        made.append(EventHubStream(EventHubConnection(running.connection_string), hub))
        return Backend(made[-1], lambda count: _received(running.connection_string, hub, count))

    yield connect
    for stream in made:
        await stream.close()


async def test_events_of_one_key_arrive_whole_and_in_order(backend: Callable[[str], Backend]) -> None:
    found = backend("events-order")
    events = [event(number, f"node/s/{number % 3}") for number in range(30)]
    await found.stream.publish(events[:20])
    await found.stream.publish(events[20:])
    await found.stream.publish([])
    seen = await found.published(len(events))
    for key in {e.key for e in events}:
        assert [e for e in seen if e.key == key] == [e for e in events if e.key == key]
    assert len(seen) == len(events)


async def test_more_than_one_batch_holds_is_sent_in_several(backend: Callable[[str], Backend]) -> None:
    found = backend("events-large")
    events = [event(number, "node/s/g", padding="x" * 200_000) for number in range(9)]
    await found.stream.publish(events)
    assert await found.published(len(events)) == events


@pytest.mark.stack
@pytest.mark.xdist_group("event-hubs")
async def test_the_probe_counts_partitions(event_hubs: RunningEventHubs) -> None:
    stream = EventHubStream(EventHubConnection(event_hubs.connection_string), "events-probe")
    assert await EventHubProbe(stream, "hub").check() == "The hub has 4 partitions."
    await stream.close()


@pytest.mark.stack
@pytest.mark.xdist_group("event-hubs")
async def test_a_hub_that_is_not_there_is_our_error(event_hubs: RunningEventHubs) -> None:
    stream = EventHubStream(EventHubConnection(event_hubs.connection_string), "no-such-hub")
    with pytest.raises(NotFound):
        await stream.publish([event(1, "node/s/g")])
    await stream.close()


async def test_a_namespace_that_does_not_answer_is_our_error(unused_tcp_port: int) -> None:
    stream = EventHubStream(EventHubConnection(namespace_at(unused_tcp_port)), "hub")
    with pytest.raises(MeshError) as failure:
        await EventHubProbe(stream, "hub").check()
    assert isinstance(failure.value, Transient)
    await stream.close()


@pytest.mark.parametrize("call", ["publish", "partitions"])
async def test_a_namespace_that_accepts_and_says_nothing_is_left_after_a_few_seconds(call: str) -> None:
    async with silent_port() as port:
        stream = EventHubStream(EventHubConnection(namespace_at(port)), "hub")
        async with asyncio.timeout(20):  # the SDK by itself would try for minutes
            with pytest.raises(Transient) as failure:
                await (stream.publish([event(1, "node/s/g")]) if call == "publish" else stream.partitions())
        assert failure.value.reason == "EventHubSilent"
        await stream.close()


@pytest.mark.stack
@pytest.mark.xdist_group("event-hubs")
async def test_a_namespace_that_answers_again_takes_what_is_published(event_hubs: RunningEventHubs) -> None:
    """The broken client is not used again: its connection would stay as silent as it was."""
    connection = event_hubs.connection_string
    found = re.search(r"Endpoint=sb://[^:;]+:(\d+)", connection)
    assert found
    upstream = found.group(1)
    async with silent_port(int(upstream)) as port:
        through = connection.replace(f":{upstream}", f":{port}")
        stream = EventHubStream(EventHubConnection(through), "events-silent")
        with pytest.raises(Transient):
            await stream.publish([event(1, "node/s/g")])
        await stream.publish([event(1, "node/s/g")])
        await stream.close()
    assert await _received(connection, "events-silent", 1) == [event(1, "node/s/g")]


def event(number: int, key: str, padding: str = "") -> MeshEvent:
    return MeshEvent(type="NodeReady", key=key, at=after(number), data={"number": str(number), "p": padding})


def namespace_at(port: int) -> str:
    return (
        f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=k;SharedAccessKey=a2V5;"
        "UseDevelopmentEmulator=true;"
    )


@asynccontextmanager
async def silent_port(upstream: int | None = None) -> AsyncIterator[int]:
    """A port whose first connection is accepted and left without an answer; later ones lead to `upstream`, if any."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = not writers
        writers.append(writer)
        if upstream is None or first:
            await reader.read()
            return
        there, back = await asyncio.open_connection("127.0.0.1", upstream)
        writers.append(back)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in writers:
        writer.close()
        await writer.wait_closed()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


def _in_memory(_hub: str) -> Backend:
    stream = InMemoryEventStream()

    async def published(_count: int) -> list[MeshEvent]:
        return stream.events

    return Backend(stream, published)


async def _received(connection: str, hub: str, count: int) -> list[MeshEvent]:
    from azure.eventhub import EventData
    from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

    found: list[MeshEvent] = []
    whole = asyncio.Event()

    async def take(_partition: PartitionContext, received: EventData | None) -> None:
        if received is None:
            return
        found.append(msgspec.json.decode(received.body_as_str(), type=MeshEvent))
        if len(found) == count:
            whole.set()

    client = EventHubConsumerClient.from_connection_string(connection, "$Default", eventhub_name=hub)
    async with client:
        task = asyncio.create_task(client.receive(take, starting_position="-1"))
        await asyncio.wait_for(whole.wait(), 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return found
