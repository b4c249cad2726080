"""The work queue on Azure Queue Storage: base64 texts, as the Functions queue trigger expects by default."""

import math
from typing import TYPE_CHECKING, Any

import msgspec

from shared.adapters.proxies import through_a_proxy
from shared.adapters.storage import (
    CONNECTION_TIMEOUT,
    READ_TIMEOUT,
    RETRIES,
    StorageConnection,
    StorageErrors,
    needed,
)
from shared.domain.errors import MeshError, NotFound
from shared.ports import WorkItem

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.queue.aio import QueueClient

LONGEST_DELAY = 7 * 24 * 3600
_NEVER_EXPIRES = -1


class StorageWorkQueue:
    """WorkQueue; the queue is created by the first message that misses it."""

    def __init__(
        self,
        connection: StorageConnection,
        name: str,
        credential: "AsyncTokenCredential | None" = None,
    ) -> None:
        self._connection = connection
        self._name = name
        self._credential = credential
        self._made: QueueClient | None = None

    async def enqueue(self, item: WorkItem, *, delay: float = 0.0, expires: float | None = None) -> None:
        # The service refuses a visibility time-out that is not shorter than seven days, or than the time to live.
        seconds = min(math.ceil(max(delay, 0.0)), LONGEST_DELAY - 1)
        life = _NEVER_EXPIRES if expires is None else max(math.ceil(expires), seconds + 1)
        try:
            await self._send(item, seconds, life)
        except NotFound:
            await self._create()
            await self._send(item, seconds, life)

    def client(self) -> "QueueClient":
        """The SDK's client, made on first use."""
        if self._made is None:
            self._made = self._connect()
        return self._made

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _send(self, item: WorkItem, seconds: int, life: int) -> None:
        with StorageErrors(self._name):
            await self.client().send_message(
                msgspec.json.encode(item).decode(), visibility_timeout=seconds, time_to_live=life
            )

    async def _create(self) -> None:
        """Makes the queue; that another instance was faster is as good."""
        try:
            with StorageErrors(self._name):
                await self.client().create_queue()
        except MeshError as error:
            if error.reason != "QueueAlreadyExists":
                raise

    def _connect(self) -> "QueueClient":
        from azure.storage.queue import TextBase64EncodePolicy
        from azure.storage.queue.aio import QueueClient

        # The SDK's own first retry comes after fifteen seconds.
        options: dict[str, Any] = {
            "message_encode_policy": TextBase64EncodePolicy(),
            "retry_total": RETRIES,
            "initial_backoff": 1,
            "increment_base": 1,
            "random_jitter_range": 1,
            "connection_timeout": CONNECTION_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "use_env_settings": through_a_proxy(),
        }
        connection = self._connection
        if connection.connection_string:
            return QueueClient.from_connection_string(connection.connection_string, self._name, **options)
        credential = needed(self._credential)
        return QueueClient(connection.queues_endpoint, self._name, credential=credential, **options)
