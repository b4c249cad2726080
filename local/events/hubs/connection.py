"""One client's connection: Proton's protocol engine between a socket and the links."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from proton import (
    Collector,
    Connection,
    Delivery,
    Endpoint,
    Event,
    Link,
    ProtonException,
    Session,
    Transport,
    TransportException,
)

from local.events.hubs.access import Access
from local.events.hubs.attaching import Attaching
from local.events.hubs.dialect import FrameSplitter, pad, read_incoming
from local.events.hubs.links import Attachment, condition, detach
from local.events.hubs.namespace import Namespace
from local.events.hubs.refusal import Refused
from local.events.hubs.sasl import SaslServer, Stage

log = logging.getLogger(__name__)

# Event Hubs itself takes frames of 65,536 bytes; one frame per message halves what a large message costs here.
MAX_FRAME_BYTES = 1_048_576
CHANNEL_MAX = 4_999
IDLE_TIMEOUT_SECONDS = 240.0
_WRITE_BUFFER_BYTES = 4 * 1024 * 1024


class ClientConnection(asyncio.Protocol):
    """Reads frames, lets Proton act on them, and turns Proton's events into calls on the links.

    It is in `open_connections` from its first to its last moment.
    """

    def __init__(
        self,
        namespace: Namespace,
        access: Access,
        now: Callable[[], int],
        open_connections: "set[ClientConnection]",
    ) -> None:
        self._open_connections = open_connections
        self._engine = Transport(Transport.SERVER)
        self._connection = Connection()
        self._collector = Collector()
        self._sasl = SaslServer(access)
        self._incoming = FrameSplitter(MAX_FRAME_BYTES)
        self._outgoing = FrameSplitter(2**31)
        self._attachments: dict[Link, Attachment] = {}
        self._attaching = Attaching(namespace, access, now, self._may_send, self._wake)
        self._woken: dict[Attachment, None] = {}
        self._blocked = False
        self._timer: asyncio.TimerHandle | None = None
        self._prepare_engine()

    def _prepare_engine(self) -> None:
        self._engine.max_frame_size = MAX_FRAME_BYTES
        self._engine.channel_max = CHANNEL_MAX
        self._engine.idle_timeout = IDLE_TIMEOUT_SECONDS
        self._connection.container = "local-event-hubs"
        self._connection.collect(self._collector)
        self._engine.bind(self._connection)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.Transport, transport)
        self._socket.set_write_buffer_limits(_WRITE_BUFFER_BYTES)
        self._loop = asyncio.get_running_loop()
        self._open_connections.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._incoming.feed(data):
                self._receive(frame)
        except (ProtonException, ValueError) as error:
            # A ValueError is our Malformed, or text in a frame that is not UTF-8.
            self._give_up("amqp:decode-error", str(error))
        self._flush()

    def _give_up(self, name: str, reason: str) -> None:
        log.info("closed a connection: %s: %s", name, reason)
        self._connection.condition = condition(Refused(name, reason))
        self._connection.close()
        self._flush()
        self._socket.close()

    def _receive(self, frame: memoryview) -> None:
        if self._sasl.stage is not Stage.OVER:
            answer = self._sasl.receive(frame)
            if answer is not None:
                self._socket.write(answer)
                if self._sasl.stage is Stage.FAILED:
                    self._socket.close()
                return
        self._current = read_incoming(frame)
        self._push(self._current.data)
        self._dispatch()

    def _push(self, data: memoryview) -> None:
        while data:
            room = self._engine.capacity()
            if room <= 0:
                raise TransportException("more came than a client may send")
            # Proton takes any buffer, though it says bytes.
            self._engine.push(cast(bytes, data[:room]))
            data = data[room:]

    def _dispatch(self) -> None:
        while (event := self._collector.peek()) is not None:
            handler = _HANDLERS.get(event.type)
            if handler is not None:
                handler(self, event.context)
            self._collector.pop()

    def _on_connection_open(self, connection: Connection) -> None:
        connection.open()
        self._tick()

    def _on_connection_close(self, connection: Connection) -> None:
        connection.close()

    def _on_session_open(self, session: Session) -> None:
        session.open()

    def _on_session_close(self, session: Session) -> None:
        for link in [link for link in self._attachments if link.session == session]:
            self._forget(link)
        self._attaching.end(session)
        session.close()
        session.free()

    def _on_link_open(self, link: Link) -> None:
        try:
            self._attachments[link] = self._attaching.attach(link, self._current)
        except Refused as refused:
            log.info("refused a link: %s", refused.condition)
            link.open()
            detach(link, refused)

    def _on_link_close(self, link: Link) -> None:
        self._forget(link)
        if link.state & Endpoint.LOCAL_ACTIVE:
            link.close()
        link.free()

    def _on_link_detach(self, link: Link) -> None:
        self._forget(link)
        link.detach()
        link.free()

    def _on_flow(self, link: Link) -> None:
        attachment = self._attachments.get(link)
        if attachment is not None:
            attachment.on_flow()

    def _on_delivery(self, delivery: Delivery) -> None:
        link = delivery.link
        attachment = self._attachments.get(link)
        if link.is_sender:
            delivery.settle()
        elif attachment is not None and delivery.readable:
            attachment.on_delivery(delivery, self._current.message_format)

    def _forget(self, link: Link) -> None:
        attachment = self._attachments.pop(link, None)
        if attachment is not None:
            self._woken.pop(attachment, None)
            attachment.on_close()

    def _may_send(self) -> bool:
        self._flush()
        return not self._blocked and not self._socket.is_closing()

    def _wake(self, attachment: Attachment) -> None:
        """Let a link look for events to send, once what happens now is done."""
        if not self._woken:
            self._loop.call_soon(self._send_to_woken)
        self._woken[attachment] = None

    def _send_to_woken(self) -> None:
        woken, self._woken = list(self._woken), {}
        for attachment in woken:
            attachment.on_flow()
        self._flush()

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        for attachment in list(self._attachments.values()):
            attachment.on_flow()
        self._flush()

    def _flush(self) -> None:
        if self._socket.is_closing():
            return
        while (size := self._engine.pending()) > 0:
            data = self._engine.peek(size)
            self._engine.pop(size)
            self._socket.writelines(
                [piece for frame in self._outgoing.feed(data or b"") for piece in pad(frame)]
            )
        if size < 0:
            self._socket.close()

    def _tick(self) -> None:
        deadline = self._engine.tick(self._loop.time())
        self._flush()
        if deadline and not self._socket.is_closing():
            self._timer = self._loop.call_at(deadline, self._tick)

    def shut_down(self) -> None:
        """Tell the client that the service goes away, and close."""
        self._give_up("amqp:connection:forced", "The service is shutting down.")

    def connection_lost(self, exc: Exception | None) -> None:
        log.debug("a connection ended: %s", exc)
        if self._timer is not None:
            self._timer.cancel()
        for link in list(self._attachments):
            self._forget(link)
        self._collector.release()
        self._open_connections.discard(self)


# Each takes the event's context: the connection, session, link or delivery that it is about.
_HANDLERS: dict[object, Callable[[ClientConnection, Any], None]] = {
    Event.CONNECTION_REMOTE_OPEN: ClientConnection._on_connection_open,
    Event.CONNECTION_REMOTE_CLOSE: ClientConnection._on_connection_close,
    Event.SESSION_REMOTE_OPEN: ClientConnection._on_session_open,
    Event.SESSION_REMOTE_CLOSE: ClientConnection._on_session_close,
    Event.LINK_REMOTE_OPEN: ClientConnection._on_link_open,
    Event.LINK_REMOTE_CLOSE: ClientConnection._on_link_close,
    Event.LINK_REMOTE_DETACH: ClientConnection._on_link_detach,
    Event.LINK_FLOW: ClientConnection._on_flow,
    Event.DELIVERY: ClientConnection._on_delivery,
}
