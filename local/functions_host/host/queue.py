"""Storage Queue triggers: poll, hold each message while its function runs, delete it or give it back.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.functions_host.host.functions import Function
from local.functions_host.host.host_json import Queues, seconds
from local.functions_host.host.invocation import Call, FunctionFailed, Invoker
from local.functions_host.host.logs import HOST
from local.functions_host.host.settings import AppSettings
from local.functions_host.host.storage import DEFAULT_CONNECTION, Connections, decode_message
from local.functions_host.host.worker_process import WorkerLost
from local.functions_host.messages import TypedData

LEASE_SECONDS = 600
SHORTEST_WAIT = 0.1
POISON_SUFFIX = "-poison"


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """A function with the queue that feeds it, and where what it cannot handle goes: a poison queue has none."""

    function: Function
    queue: QueueClient
    poison: QueueClient | None
    options: Queues

    @classmethod
    def of(
        cls, function: Function, settings: AppSettings, connections: Connections, options: Queues
    ) -> "QueueTrigger":
        """Raises ConfigurationError when the connection or a %SETTING% in the name is not set."""
        service = connections.queues(function.trigger.text("connection", DEFAULT_CONNECTION))
        name = settings.resolve(function.trigger.text("queueName")).lower()
        poison = None if name.endswith(POISON_SUFFIX) else service.get_queue_client(name + POISON_SUFFIX)
        return cls(function, service.get_queue_client(name), poison, options)


class QueueListener:
    """One instance's listener on one queue, as each instance of an app has its own."""

    def __init__(self, trigger: QueueTrigger, invoker: Invoker, instance: int) -> None:
        self._trigger = trigger
        self._invoker = invoker
        self._instance = instance
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Poll until cancelled; then finish the messages that are running."""
        try:
            await self._poll()
        finally:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _poll(self) -> None:
        options = self._trigger.options
        longest = seconds(options.max_polling_interval)
        wait = SHORTEST_WAIT
        while True:
            if len(self._running) > options.threshold:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                continue
            messages = await self._receive()
            for message in messages:
                task = asyncio.create_task(self._handle(message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            if messages:
                wait = SHORTEST_WAIT
            else:
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))
                wait = min(longest, wait * 2)

    async def _receive(self) -> list[QueueMessage]:
        try:
            received = self._trigger.queue.receive_messages(
                messages_per_page=self._trigger.options.batch_size, visibility_timeout=LEASE_SECONDS
            )
            return [message async for message in await anext(received.by_page())]
        except (ResourceNotFoundError, StopAsyncIteration):
            return []
        except AzureError as error:
            HOST.error("Queue '%s' cannot be read: %s", self._trigger.queue.queue_name, error.message)
            return []

    async def _handle(self, message: QueueMessage) -> None:
        try:
            body = self._body(message)
            if body is None:
                await self._to_poison(message)
            else:
                await self._finish(message, succeeded=await self._run(message, body))
        except AzureError as error:
            # The lease was lost or storage is away: the message comes back by itself.
            HOST.error("Message %s could not be finished: %s", message.id, error.message)

    def _body(self, message: QueueMessage) -> bytes | None:
        """What the function gets; None for a message that no delivery can make succeed."""
        options = self._trigger.options
        # One too many: the last delivery ended with its host, before it could move the message.
        if (message.dequeue_count or 0) > options.max_dequeue_count:
            return None
        try:
            return decode_message(message.content, options.message_encoding)
        except ValueError:
            HOST.error("Message %s is not encoded as %s", message.id, options.message_encoding)
            return None

    async def _run(self, message: QueueMessage, body: bytes) -> bool:
        function = self._trigger.function
        call = Call(
            TypedData(bytes=body) if function.trigger.is_binary else _text(body),
            _metadata(message, body),
            f"New queue message detected on '{self._trigger.queue.queue_name}'.",
            self._instance,
        )
        async with self._lease(message):
            try:
                await self._invoker.invoke(function, call)
            except (FunctionFailed, WorkerLost):
                return False
        return True

    async def _finish(self, message: QueueMessage, *, succeeded: bool) -> None:
        options = self._trigger.options
        if succeeded:
            await self._trigger.queue.delete_message(message)
        elif (message.dequeue_count or 0) >= options.max_dequeue_count or self._trigger.poison is None:
            await self._to_poison(message)
        else:
            timeout = int(seconds(options.visibility_timeout))
            await self._trigger.queue.update_message(message, visibility_timeout=timeout)

    async def _to_poison(self, message: QueueMessage) -> None:
        poison = self._trigger.poison
        if poison is None:
            # Azure too leaves it alone until its lease ends, so that it does not fail in a tight loop.
            HOST.error("Message %s stays in '%s'", message.id, self._trigger.queue.queue_name)
            return
        HOST.error("Message %s moves to '%s'", message.id, poison.queue_name)
        with suppress(ResourceExistsError):
            await poison.create_queue()
        await poison.send_message(message.content, time_to_live=-1)
        await self._trigger.queue.delete_message(message)

    @asynccontextmanager
    async def _lease(self, message: QueueMessage) -> AsyncIterator[None]:
        renewing = asyncio.create_task(self._renew(message))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _renew(self, message: QueueMessage) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 2)
            renewed = await self._trigger.queue.update_message(message, visibility_timeout=LEASE_SECONDS)
            message.pop_receipt = renewed.pop_receipt


def queue_call(body: bytes, reason: str) -> Call:
    """A call with a message that is in no queue, for running a function by hand."""
    return Call(_text(body), {"QueueTrigger": _text(body)}, reason)


def _text(body: bytes) -> TypedData:
    return TypedData(string=body.decode(errors="replace"))


def _metadata(message: QueueMessage, body: bytes) -> dict[str, TypedData]:
    return {
        "QueueTrigger": _text(body),
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt or ""),
        "DequeueCount": TypedData(json=str(message.dequeue_count)),
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }


def _time(moment: datetime | None) -> TypedData:
    return TypedData(json=msgspec.json.encode(moment.isoformat() if moment else None).decode())
