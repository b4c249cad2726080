"""The mesh's own events on an Event Hub, and what every client of one has in common."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import msgspec

from shared.adapters.translation import Translation
from shared.domain.errors import Denied, MeshError, NotFound, Terminal, Transient
from shared.domain.node import MeshEvent

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub import EventDataBatch
    from azure.eventhub._pyamqp.aio import Connection
    from azure.eventhub.aio import EventHubProducerClient

ANSWER_SECONDS = 5.0
CLOSE_SECONDS = 1.0
OPTIONS: Mapping[str, Any] = {
    "retry_total": 1,
    "retry_backoff_factor": 0.5,
    "auth_timeout": ANSWER_SECONDS,
}
"""Of a client; the SDK's own would outlive a function."""


@dataclass(frozen=True, slots=True)
class EventHubConnection:
    """Either a connection string, or the namespace's host name for use with an identity."""

    connection_string: str = ""
    namespace: str = ""


@asynccontextmanager
async def answered(
    name: str, drop: "Callable[[Sequence[Connection]], Awaitable[None]]"
) -> AsyncGenerator[None]:
    """Five seconds for what a hub is asked for, and its errors as ours; then `drop` closes what is broken.

    Neither retries nor time-outs of the SDK bound how long it waits for a namespace that accepts the connection and
    never answers.
    """
    with EventHubErrors(name):
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                yield
        except TimeoutError as error:
            await drop(connections_in(error.__cause__))
            message = f"no answer within {ANSWER_SECONDS:g} seconds"
            raise Transient("EventHubSilent", message, target=name) from None


def identity(credential: "AsyncTokenCredential | None") -> "AsyncTokenCredential":
    """The credential that a namespace without a connection string cannot do without."""
    if credential is None:
        raise Terminal("NoCredential", "a namespace without a connection string needs a credential")
    return credential


class EventHubStream:
    """EventStream; events of one key keep their order, for the key is their partition key.

    Each call takes five seconds, and one more to close what is broken, at most.
    """

    def __init__(
        self,
        connection: EventHubConnection,
        name: str,
        credential: "AsyncTokenCredential | None" = None,
    ) -> None:
        self._connection = connection
        self._name = name
        self._credential = credential
        self._made: EventHubProducerClient | None = None

    async def publish(self, events: Sequence[MeshEvent]) -> None:
        in_order = sorted(events, key=lambda event: event.key)
        async with answered(self._name, self._drop):
            for key, own in groupby(in_order, key=lambda event: event.key):
                await self._publish_to(key, [msgspec.json.encode(event) for event in own])

    async def partitions(self) -> int:
        """How many partitions the hub has."""
        async with answered(self._name, self._drop):
            return len(await self._producer().get_partition_ids())

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _drop(self, connections: "Sequence[Connection]") -> None:
        """Makes the next call connect anew."""
        broken, self._made = self._made, None
        with suppress(MeshError), EventHubErrors(self._name):
            async with asyncio.timeout(CLOSE_SECONDS):
                if broken is not None:
                    await broken.close()
                for connection in connections:
                    await connection._disconnect()

    async def _publish_to(self, key: str, bodies: list[bytes]) -> None:
        producer = self._producer()
        batch = await producer.create_batch(partition_key=key)
        for body in bodies:
            if not self._added(batch, body):
                await producer.send_batch(batch)
                batch = await producer.create_batch(partition_key=key)
                if not self._added(batch, body):
                    raise Terminal(
                        "EventTooLarge", f"an event of {len(body)} bytes fits no batch", target=key
                    )
        await producer.send_batch(batch)

    def _added(self, batch: "EventDataBatch", body: bytes) -> bool:
        from azure.eventhub import EventData

        event = EventData(body)
        event.content_type = "application/json"
        try:
            batch.add(event)
        except ValueError:  # the SDK's way to say that the batch is full
            return False
        return True

    def _producer(self) -> "EventHubProducerClient":
        if self._made is None:
            self._made = self._connect()
        return self._made

    def _connect(self) -> "EventHubProducerClient":
        from azure.eventhub.aio import EventHubProducerClient

        text, host = self._connection.connection_string, self._connection.namespace
        if text:
            return EventHubProducerClient.from_connection_string(text, eventhub_name=self._name, **OPTIONS)
        return EventHubProducerClient(host, self._name, identity(self._credential), **OPTIONS)


class EventHubErrors(Translation):
    """Translates what azure-eventhub raises inside a `with` block."""

    def translate(self, error: BaseException, target: str) -> MeshError | None:
        return _translated(error, target)


def connections_in(error: BaseException | None) -> "list[Connection]":
    """The connections that were in use when a call was given up, from the places where it stood.

    The SDK forgets one that is not open yet without closing it, and the event loop holds on to its socket.
    """
    from azure.eventhub._pyamqp.aio import Connection

    places = walk_tb(error.__traceback__ if error else None)
    owners = [frame.f_locals.get("self") for frame, _ in places]
    return [owner for owner in owners if isinstance(owner, Connection)]


def _translated(error: BaseException, target: str) -> MeshError | None:
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.eventhub import exceptions as hub

    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    condition = str(getattr(error, "error", "") or "")
    match error:
        case hub.AuthenticationError() | ClientAuthenticationError():
            return Denied("EventHubDenied", message, target=target)
        case hub.EventHubError() if "not-found" in f"{condition} {error}":
            return NotFound("EventHubNotFound", message, target=target)
        case hub.EventHubError() | AzureError() | TimeoutError() | OSError():
            return Transient(type(error).__name__, message, target=target)
        case _:
            return None
