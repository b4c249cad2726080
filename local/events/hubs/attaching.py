"""What a new link is for: its role and address decide, the client's tokens permit."""

from collections.abc import Callable
from functools import partial
from typing import cast

from proton import Link, Message, Receiver, Sender, Session, symbol

from local.events.hubs.access import Access
from local.events.hubs.dialect import ClientFrame
from local.events.hubs.links import (
    MAX_MESSAGE_BYTES,
    Attachment,
    Incoming,
    Outgoing,
    Replies,
    store_in,
)
from local.events.hubs.namespace import Namespace, parse_consumer, parse_producer, path_of
from local.events.hubs.position import BEGINNING, Position, parse_selector
from local.events.hubs.readers import Reader
from local.events.hubs.refusal import Refused, bad_argument, not_found
from local.events.hubs.requests import CBS, MANAGEMENT, answering, put_token, read_management

EPOCH = symbol("com.microsoft:epoch")
SELECTOR = symbol("apache.org:selector-filter:string")


class Attaching:
    """Attaches the links of one connection.

    `may_send` and `wake` are the connection's: whether it takes more output, and a request to look at a
    consumer's link again later.
    """

    def __init__(
        self,
        namespace: Namespace,
        access: Access,
        now: Callable[[], int],
        may_send: Callable[[], bool],
        wake: Callable[[Attachment], None],
    ) -> None:
        self._namespace = namespace
        self._access = access
        self._now = now
        self._may_send = may_send
        self._wake = wake
        self._replies: dict[tuple[Session, str], Replies] = {}

    def attach(self, link: Link, frame: ClientFrame) -> Attachment:
        """Open the local end of a link. Raises Refused; the link is then still to be opened and closed."""
        address = (link.remote_source if link.is_sender else link.remote_target).address or ""
        path = path_of(address)
        if path.lower() in (CBS, MANAGEMENT):
            return self._attach_node(link, path.lower())
        self._access.demand(path)
        if isinstance(link, Sender):
            return self._attach_consumer(link, path, frame)
        return self._attach_producer(cast(Receiver, link), path)

    def end(self, session: Session) -> None:
        """Forget the links of a session that has ended."""
        for key in [key for key in self._replies if key[0] == session]:
            del self._replies[key]

    def _attach_node(self, link: Link, node: str) -> Attachment:
        _open(link)
        if isinstance(link, Sender):
            replies = self._replies[link.session, node] = Replies(link)
            return replies
        session = link.session
        answer = put_token(self._access) if node == CBS else read_management(self._namespace, self._access)

        def reply(message: Message) -> None:
            replies = self._replies.get((session, node))
            if replies is None:
                raise not_found(f"a link to receive the answers of {node}")
            replies.send(message)

        return Incoming(cast(Receiver, link), answering(answer, reply), lambda: None)

    def _attach_producer(self, link: Receiver, path: str) -> Attachment:
        address = parse_producer(path)
        hub = self._namespace.hub(address.hub)
        partition = None if address.partition is None else hub.partition(address.partition)
        _open(link)
        return Incoming(link, store_in(hub, partition), partial(self._access.demand, path))

    def _attach_consumer(self, link: Sender, path: str, frame: ClientFrame) -> Attachment:
        address = parse_consumer(path)
        hub = self._namespace.hub(address.hub)
        partition = hub.partition(address.partition)
        readers = hub.readers(address.group, partition)
        start = partition.start(_position(link))
        tracking = self._now if frame.tracks_last_event else None
        demand = partial(self._access.demand, path)
        consumer = Outgoing(link, partition, start, self._may_send, demand, tracking)

        def wake() -> None:
            self._wake(consumer)

        def disconnect(refused: Refused) -> None:
            consumer.disconnect(refused)
            wake()

        reader = Reader(_epoch(link), disconnect)
        readers.admit(reader)
        _open(link)
        partition.listen(wake)
        consumer.on_closed += [lambda: partition.forget(wake), lambda: readers.leave(reader)]
        return consumer


def _open(link: Link) -> None:
    link.source.copy(link.remote_source)
    link.target.copy(link.remote_target)
    link.max_message_size = MAX_MESSAGE_BYTES
    link.open()


def _epoch(link: Link) -> int | None:
    properties = link.remote_properties or {}
    epoch = properties.get(EPOCH)
    if epoch is not None and not isinstance(epoch, int):
        raise bad_argument(f"The epoch '{epoch}' is not a number.")
    return epoch


def _position(link: Link) -> Position:
    data = link.remote_source.filter
    data.rewind()
    filters = data.get_object() if data.next() else None
    if not isinstance(filters, dict) or SELECTOR not in filters:
        return BEGINNING
    selector = filters[SELECTOR]
    return parse_selector(str(getattr(selector, "value", selector)))
