"""The mesh's own events on an Event Hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from shared.domain.errors import Denied, MeshError, NotFound, Terminal, Transient
from shared.domain.node import MeshEvent

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub import EventDataBatch
    from azure.eventhub.aio import EventHubProducerClient

_RETRIES = 2
_BACKOFF = 0.5
_ANSWER_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class EventHubConnection:
    """Either a connection string, or the namespace's host name for use with an identity."""

    connection_string: str = ""
    namespace: str = ""


class EventHubStream:
    """EventStream; events of one key keep their order, for the key is their partition key."""

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
        for key, own in groupby(in_order, key=lambda event: event.key):
            with EventHubErrors(self._name):
                await self._publish_to(key, [msgspec.json.encode(event) for event in own])

    async def partitions(self) -> int:
        """How many partitions the hub has."""
        with EventHubErrors(self._name):
            return len(await self._producer().get_partition_ids())

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

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

        connection = self._connection
        if connection.connection_string:
            return EventHubProducerClient.from_connection_string(
                connection.connection_string,
                eventhub_name=self._name,
                retry_total=_RETRIES,
                retry_backoff_factor=_BACKOFF,
                auth_timeout=_ANSWER_SECONDS,
            )
        if self._credential is None:
            raise Terminal("NoCredential", "a namespace without a connection string needs a credential")
        return EventHubProducerClient(
            connection.namespace,
            self._name,
            self._credential,
            retry_total=_RETRIES,
            retry_backoff_factor=_BACKOFF,
            auth_timeout=_ANSWER_SECONDS,
        )


class EventHubErrors:
    """Translates what azure-eventhub raises inside a `with` block."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        translated = _translated(error, self._target) if error else None
        if translated:
            raise translated from error


def _translated(error: BaseException, target: str) -> MeshError | None:
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.eventhub import exceptions as hub

    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    condition = str(getattr(error, "error", "") or "")
    match error:
        case hub.AuthenticationError() | ClientAuthenticationError():
            return Denied("EventHubDenied", message, target=target)
        case hub.ConnectError() if "not-found" in condition or "not-found" in message:
            return NotFound("EventHubNotFound", message, target=target)
        case hub.EventHubError() | AzureError() | TimeoutError() | OSError():
            return Transient(type(error).__name__, message, target=target)
        case _:
            return None
