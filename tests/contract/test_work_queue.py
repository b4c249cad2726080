"""WorkQueue, in memory and on Azurite; what was sent is read back as the Functions trigger would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from local.azurite import Azurite
from shared.adapters.queue import StorageWorkQueue
from shared.adapters.storage import StorageConnection
from shared.ports import WorkItem, WorkQueue
from tests.contract.conftest import AZURITE, FAKE
from tests.fakes import FakeClock, InMemoryWorkQueue


@dataclass
class Backend:
    queue: WorkQueue
    visible: Callable[[], Awaitable[list[WorkItem]]]
    """Takes every item that is visible now."""


@pytest.fixture(params=[FAKE, AZURITE])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    if request.param == FAKE:
        yield _in_memory()
        return
    running: Azurite = request.getfixturevalue("azurite")
    queue = StorageWorkQueue(StorageConnection(running.connection_string), f"work-{uuid4().hex}")
    yield _stored(queue)
    await queue.close()


async def test_what_is_enqueued_can_be_taken(backend: Backend) -> None:
    items = [WorkItem("node/s/g", "Event Grid: Microsoft.Resources/tags/write ✓"), WorkItem("node/s/h")]
    for item in items:
        await backend.queue.enqueue(item)
    assert await backend.visible() == items
    assert await backend.visible() == []


async def test_the_first_messages_may_come_at_once(backend: Backend) -> None:
    """Each of them finds no queue, and all but one find it made in the meantime."""
    items = [WorkItem(f"node/s/{n}") for n in range(8)]
    await asyncio.gather(*(backend.queue.enqueue(item) for item in items))
    assert sorted(await backend.visible(), key=lambda i: i.key) == items


async def test_a_delayed_item_is_not_visible_yet(backend: Backend) -> None:
    await backend.queue.enqueue(WorkItem("node/s/later"), delay=3600)
    await backend.queue.enqueue(WorkItem("node/s/a-moment"), delay=0.2)
    await backend.queue.enqueue(WorkItem("node/s/now"), delay=0)
    assert await backend.visible() == [WorkItem("node/s/now")]


async def test_a_delay_of_seven_days_is_accepted(backend: Backend) -> None:
    await backend.queue.enqueue(WorkItem("node/s/g"), delay=7 * 24 * 3600)
    assert await backend.visible() == []


async def test_an_item_that_expires_can_be_taken_until_then(backend: Backend) -> None:
    await backend.queue.enqueue(WorkItem("node/s/g"), expires=300)
    await backend.queue.enqueue(WorkItem("node/s/later"), delay=3600, expires=300)
    assert await backend.visible() == [WorkItem("node/s/g")]


async def test_an_item_that_has_expired_is_gone() -> None:
    clock = FakeClock()
    queue = InMemoryWorkQueue(clock)
    await queue.enqueue(WorkItem("node/s/g"), expires=300)
    await queue.enqueue(WorkItem("node/s/event"))
    clock.advance(300)
    assert queue.items == (WorkItem("node/s/event"),)


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_a_message_expires_when_it_is_told_to(azurite: Azurite) -> None:
    from azure.storage.queue.aio import QueueClient

    connection, name = azurite.connection_string, f"work-{uuid4().hex}"
    queue = StorageWorkQueue(StorageConnection(connection), name)
    await queue.enqueue(WorkItem("node/s/g"), expires=299.5)
    async with QueueClient.from_connection_string(connection, name) as client:
        [message] = await client.peek_messages()
    await queue.close()
    assert message.expires_on is not None
    assert message.inserted_on is not None
    assert message.expires_on - message.inserted_on == timedelta(minutes=5)


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_a_message_is_base64_and_never_expires(azurite: Azurite) -> None:
    from azure.storage.queue.aio import QueueClient

    connection, name = azurite.connection_string, f"work-{uuid4().hex}"
    queue = StorageWorkQueue(StorageConnection(connection), name)
    await queue.enqueue(WorkItem("node/s/g"))
    async with QueueClient.from_connection_string(connection, name) as client:
        [message] = await client.peek_messages()
    await queue.close()
    assert message.content == "eyJrZXkiOiJub2RlL3MvZyIsImNhdXNlIjoiIn0="
    assert message.expires_on is not None
    assert message.inserted_on is not None
    assert message.expires_on - message.inserted_on > timedelta(days=36500)


def _in_memory() -> Backend:
    queue = InMemoryWorkQueue(FakeClock())

    async def visible() -> list[WorkItem]:
        found = []
        while item := queue.pop_visible():
            found.append(item)
        return found

    return Backend(queue, visible)


def _stored(queue: StorageWorkQueue) -> Backend:
    from azure.storage.queue import TextBase64DecodePolicy

    async def visible() -> list[WorkItem]:
        client = queue.client()
        client._message_decode_policy = TextBase64DecodePolicy()
        messages = [m async for m in client.receive_messages(max_messages=32, visibility_timeout=3600)]
        return [msgspec.json.decode(m.content, type=WorkItem) for m in messages]

    return Backend(queue, visible)
