"""What happens on the links of a connection: events come in, events go out, requests are answered."""

from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from proton import Condition, Delivery, Disposition, Link, Message, Receiver, Sender, symbol

from local.events.hubs import encoding
from local.events.hubs.encoding import Malformed
from local.events.hubs.message import DELIVERY_ANNOTATIONS, Draft, read_events
from local.events.hubs.namespace import EventHub
from local.events.hubs.partition import Event, Partition
from local.events.hubs.refusal import Refused, not_found

MAX_MESSAGE_BYTES = 1_048_576
CREDIT = 300
# What is handed to Proton before the connection is asked to write it out.
_BYTES_AT_ONCE = 256 * 1024
_KEY_LENGTH = 128

_LAST_SEQUENCE = encoding.encode_symbol("last_enqueued_sequence_number")
_LAST_OFFSET = encoding.encode_symbol("last_enqueued_offset")
_LAST_TIME = encoding.encode_symbol("last_enqueued_time_utc")
_RETRIEVAL_TIME = encoding.encode_symbol("runtime_info_retrieval_time_utc")


class Attachment(Protocol):
    """What the service does on one attached link."""

    def on_delivery(self, delivery: Delivery, message_format: int | None) -> None:
        """A frame of a delivery came in, with the message format it states."""

    def on_flow(self) -> None:
        """The client changed the credit, or the connection can send again."""

    def on_close(self) -> None:
        """The link is gone."""


def condition(refused: Refused) -> Condition:
    """The error as it goes to the client. The clients read all three fields, so the third is never empty."""
    return Condition(refused.condition, refused.description, {symbol("com.microsoft:status"): refused.status})


def detach(link: Link, refused: Refused) -> None:
    """Close a link and say why."""
    link.condition = condition(refused)
    link.close()


class Incoming:
    """A link on which the client sends: takes whole messages, settles them, keeps the credit up.

    `take` handles one message and its format and raises Refused or Malformed to reject it.
    """

    def __init__(
        self, link: Receiver, take: Callable[[bytes, int], None], demand: Callable[[], None]
    ) -> None:
        self._link = link
        self._take = take
        self._demand = demand
        self._format = 0
        link.flow(CREDIT)

    def on_delivery(self, delivery: Delivery, message_format: int | None) -> None:
        self._format = self._format if message_format is None else message_format
        if delivery.pending > MAX_MESSAGE_BYTES:
            detach(self._link, _too_large(delivery.pending))
        elif delivery.aborted:
            self._link.advance()
            delivery.settle()
        elif not delivery.partial:
            self._complete(delivery)

    def _complete(self, delivery: Delivery) -> None:
        encoded = self._link.recv(delivery.pending) or b""
        message_format, self._format = self._format, 0
        self._link.advance()
        try:
            self._demand()
            self._take(encoded, message_format)
            delivery.update(Delivery.ACCEPTED)
        except Malformed as error:
            _reject(delivery, Refused("amqp:decode-error", str(error)))
        except Refused as refused:
            _reject(delivery, refused)
        delivery.settle()
        if self._link.credit <= CREDIT // 2:
            self._link.flow(CREDIT - self._link.credit)

    def on_flow(self) -> None:
        pass

    def on_close(self) -> None:
        pass


def _too_large(size: int) -> Refused:
    return Refused(
        "amqp:link:message-size-exceeded",
        f"The received message (size:{size} bytes) exceeds the limit ({MAX_MESSAGE_BYTES} bytes) "
        "currently allowed on the link.",
    )


def _reject(delivery: Delivery, refused: Refused) -> None:
    local: Disposition = delivery.local
    local.condition = condition(refused)
    delivery.update(Delivery.REJECTED)


def store_in(hub: EventHub, partition: Partition | None) -> Callable[[bytes, int], None]:
    """The `take` of a producer's link to a hub or to one of its partitions."""

    def take(encoded: bytes, message_format: int) -> None:
        drafts = read_events(encoded, message_format)
        if drafts:
            (partition or hub.choose(_shared_key(drafts))).append(drafts)

    return take


def _shared_key(drafts: list[Draft]) -> str | None:
    key = drafts[0].partition_key
    if key is not None and len(key) > _KEY_LENGTH:
        raise Refused(
            "com.microsoft:argument-error", f"A partition key has at most {_KEY_LENGTH} characters."
        )
    return key


class Replies:
    """The link on which a `$cbs` or `$management` node answers."""

    def __init__(self, link: Sender) -> None:
        self._link = link
        self._sent = 0
        self._closed = False

    def send(self, message: Message) -> None:
        """Send one answer, settled. Raises Refused when nobody is there to hear it."""
        if self._closed:
            raise not_found("a link to receive the answer")
        self._sent += 1
        delivery = self._link.delivery(str(self._sent))
        self._link.send(message.encode())
        self._link.advance()
        delivery.settle()

    def on_delivery(self, delivery: Delivery, message_format: int | None) -> None:
        pass

    def on_flow(self) -> None:
        pass

    def on_close(self) -> None:
        self._closed = True


class Outgoing:
    """A consumer's link: events of one partition in order, as far as the credit goes.

    `may_send` says whether the connection takes more now (it sends what is there first); `demand` raises
    Refused when the client's token has expired; `now` gives milliseconds and is there when the client asked
    to track the last enqueued event. Events are sent settled, as reading changes nothing.
    """

    def __init__(
        self,
        link: Sender,
        partition: Partition,
        next_sequence: int,
        may_send: Callable[[], bool],
        demand: Callable[[], None],
        tracking: Callable[[], int] | None,
    ) -> None:
        self._link = link
        self._partition = partition
        self._next = next_sequence
        self._may_send = may_send
        self._demand = demand
        self._tracking = tracking
        self._closed = False
        self.on_closed: deque[Callable[[], None]] = deque()

    def on_delivery(self, delivery: Delivery, message_format: int | None) -> None:
        pass

    def on_flow(self) -> None:
        """Send what there is, while there is credit and room on the connection."""
        try:
            self._demand()
        except Refused as refused:
            self.disconnect(refused)
        waiting = _BYTES_AT_ONCE
        while not self._closed and self._link.credit > 0:
            if waiting >= _BYTES_AT_ONCE:
                waiting = 0
                if not self._may_send():
                    return
            event = self._partition.read(self._next)
            if event is None:
                self._link.drained()
                return
            self._send(event)
            waiting += event.size

    def _send(self, event: Event) -> None:
        self._next = event.sequence + 1
        delivery = self._link.delivery(str(event.sequence))
        self._link.stream(event.header + self._delivery_annotations() + event.annotations)
        # Proton takes any buffer, though it says bytes.
        self._link.stream(cast(bytes, event.body))
        self._link.advance()
        delivery.settle()

    def _delivery_annotations(self) -> bytes:
        last = self._partition.last
        if self._tracking is None or last is None:
            return b""
        pairs = [
            _LAST_SEQUENCE,
            encoding.encode_long(last.sequence),
            _LAST_OFFSET,
            encoding.encode_string(str(last.offset)),
            _LAST_TIME,
            encoding.encode_timestamp(last.enqueued_at),
            _RETRIEVAL_TIME,
            encoding.encode_timestamp(self._tracking()),
        ]
        return encoding.encode_map(DELIVERY_ANNOTATIONS, pairs)

    def disconnect(self, refused: Refused) -> None:
        """Close the link from this side and say why."""
        detach(self._link, refused)
        self.on_close()

    def on_close(self) -> None:
        self._closed = True
        while self.on_closed:
            self.on_closed.pop()()
