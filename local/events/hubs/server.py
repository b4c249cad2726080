"""The listening endpoint: makes the namespace, accepts connections, stops cleanly."""

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from local.events.hubs.access import Access, AccessKey
from local.events.hubs.connection import ClientConnection
from local.events.hubs.namespace import EventHub, HubDescription, Namespace

log = logging.getLogger(__name__)

KEY_NAME = "RootManageSharedAccessKey"
LOOPBACK = "127.0.0.1"
DEFAULT_RETAINED_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running server is reached."""

    port: int
    key: AccessKey

    @property
    def address(self) -> str:
        return f"sb://localhost:{self.port}"

    @property
    def connection_string(self) -> str:
        """What the Azure clients take; `UseDevelopmentEmulator` makes them leave TLS out."""
        return (
            f"Endpoint={self.address};SharedAccessKeyName={self.key.name};"
            f"SharedAccessKey={self.key.value};UseDevelopmentEmulator=true;"
        )


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class Server:
    """One namespace on one loopback port.

    `retained_bytes` bounds the memory of each partition; `token_key` is the local identity endpoint's.
    """

    def __init__(
        self,
        hubs: Sequence[HubDescription],
        key: str | None = None,
        retained_bytes: int = DEFAULT_RETAINED_BYTES,
        token_key: bytes | None = None,
    ) -> None:
        self._token_key = token_key
        self._key = AccessKey(KEY_NAME, key or secrets.token_urlsafe(32))
        self._namespace = Namespace([EventHub(hub, _milliseconds, retained_bytes) for hub in hubs])
        self._connections: set[ClientConnection] = set()

    async def start(self, port: int = 0) -> Endpoint:
        """Listen; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, LOOPBACK, port)
        return Endpoint(self._server.sockets[0].getsockname()[1], self._key)

    def _connect(self) -> ClientConnection:
        access = Access(self._key, time.time, self._token_key)
        return ClientConnection(self._namespace, access, _milliseconds, self._connections)

    async def stop(self) -> None:
        """Accept nothing more, tell the clients, and wait until every connection is closed."""
        self._server.close()
        for connection in list(self._connections):
            connection.shut_down()
        await self._server.wait_closed()


@contextmanager
def serving_in_thread(server: Server, port: int = 0) -> Iterator[Endpoint]:
    """Run a server on a thread of its own, for tests and for hosts that have no event loop."""
    loop = asyncio.new_event_loop()
    endpoint = loop.run_until_complete(server.start(port))
    thread = Thread(target=loop.run_forever, name="event-hubs", daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
