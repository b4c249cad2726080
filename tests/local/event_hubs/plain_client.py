"""A second AMQP client, Proton's own: it says what the Azure clients do not, and shows answers as they are."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from proton import Described, Message, symbol
from proton.reactor import Filter
from proton.utils import BlockingConnection, BlockingReceiver

from local.events.hubs.server import Endpoint

SELECTOR = "apache.org:selector-filter:string"


@contextmanager
def connected(
    namespace: Endpoint, *, mechanism: str = "PLAIN", key: str | None = None, heartbeat: float | None = None
) -> Iterator[BlockingConnection]:
    """A connection; by `PLAIN` it shows the namespace's key, or another."""
    connection = BlockingConnection(
        f"amqp://127.0.0.1:{namespace.port}",
        timeout=60,
        heartbeat=heartbeat,
        user=namespace.key.name,
        password=key or namespace.key.value,
        allowed_mechs=mechanism,
        allow_insecure_mechs=True,
    )
    try:
        yield connection
    finally:
        connection.close()


def receiver(connection: BlockingConnection, address: str, selector: str | None = None) -> BlockingReceiver:
    """A consumer's link with the filter expression `selector`; it grants no credit by itself."""
    filters = {symbol(SELECTOR): Described(symbol(SELECTOR), selector)} if selector else {}
    return connection.create_receiver(address, name=str(uuid.uuid4()), options=Filter(filters))


def take(receiving: BlockingReceiver, count: int) -> list[Message]:
    """The next `count` messages."""
    return [receiving.receive() for _ in range(count)]


def properties_of(message: Message) -> dict[str, object]:
    """The application properties of a message."""
    return dict(message.properties or {})


def annotations_of(message: Message) -> dict[str, object]:
    """The message annotations, those of the service among them."""
    return {str(name): value for name, value in (message.annotations or {}).items()}
