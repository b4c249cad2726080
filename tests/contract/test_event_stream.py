"""EventStream, in memory and on the local Event Hubs endpoint, read back by the unmodified consumer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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

HUBS = ["events-order", "events-large", "events-probe"]
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
    nowhere = (
        f"Endpoint=sb://127.0.0.1:{unused_tcp_port};SharedAccessKeyName=k;SharedAccessKey=a2V5;"
        "UseDevelopmentEmulator=true;"
    )
    stream = EventHubStream(EventHubConnection(nowhere), "hub")
    with pytest.raises(MeshError) as failure:
        await EventHubProbe(stream, "hub").check()
    assert isinstance(failure.value, Transient)
    await stream.close()


def event(number: int, key: str, padding: str = "") -> MeshEvent:
    return MeshEvent(type="NodeReady", key=key, at=after(number), data={"number": str(number), "p": padding})


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
        await asyncio.wait_for(whole.wait(), 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return found
