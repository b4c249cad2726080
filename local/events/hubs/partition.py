"""One partition of an event hub: an ordered log in memory."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from local.events.hubs.message import Draft
from local.events.hubs.position import Field, Position
from local.events.hubs.refusal import bad_argument

# How the service says "never" for an empty partition: 0001-01-01, in milliseconds since 1970.
NEVER = -62_135_596_800_000


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event, encoded in three parts; `enqueued_at` is milliseconds since 1970."""

    sequence: int
    offset: int
    enqueued_at: int
    header: bytes
    annotations: bytes
    body: memoryview

    @property
    def size(self) -> int:
        return len(self.header) + len(self.annotations) + len(self.body)


class Partition:
    """The log, the newest `retained_bytes` of it; older events expire as they do in Azure, though by size.

    Sequence numbers count events from 0; an offset is the position in the stream of bytes, as text.
    """

    def __init__(self, id_: str, now: Callable[[], int], retained_bytes: int) -> None:
        self.id = id_
        self._now = now
        self._retained_bytes = retained_bytes
        self._events: list[Event] = []
        self._bytes = 0
        self._next_sequence = 0
        self._next_offset = 0
        self._last: Event | None = None
        self._listeners: dict[Callable[[], None], None] = {}

    @property
    def first_sequence(self) -> int:
        """The oldest event still here, or the number the next event gets."""
        return self._events[0].sequence if self._events else self._next_sequence

    @property
    def last(self) -> Event | None:
        """The newest event ever enqueued."""
        return self._last

    @property
    def is_empty(self) -> bool:
        return not self._events

    def append(self, drafts: list[Draft]) -> None:
        """Store events, all with one enqueued time, and tell the listeners once."""
        now = max(self._now(), self._last.enqueued_at if self._last else 0)
        for draft in drafts:
            self._store(draft, now)
        self._expire()
        for listener in list(self._listeners):
            listener()

    def _store(self, draft: Draft, now: int) -> None:
        sequence, offset = self._next_sequence, self._next_offset
        annotations = draft.annotate(sequence, str(offset), now)
        event = Event(sequence, offset, now, draft.header, annotations, draft.body)
        self._events.append(event)
        self._bytes += event.size
        self._next_sequence += 1
        self._next_offset += event.size
        self._last = event

    def _expire(self) -> None:
        expired = 0
        while self._bytes > self._retained_bytes and expired < len(self._events) - 1:
            self._bytes -= self._events[expired].size
            expired += 1
        if expired:
            del self._events[:expired]

    def read(self, sequence: int) -> Event | None:
        """The event with this number, the oldest one left if that expired, None if it is yet to come."""
        if sequence >= self._next_sequence or not self._events:
            return None
        return self._events[max(0, sequence - self.first_sequence)]

    def start(self, position: Position) -> int:
        """The sequence number of the first event after `position`.

        Raises Refused (`com.microsoft:argument-error`) for a place that was never reached.
        """
        if position.is_latest:
            behind = 1 if position.inclusive and self._events else 0
            return self._next_sequence - behind
        wanted = position.number
        if wanted is None:
            raise bad_argument(f"The supplied {position.field.label} '{position.value}' is invalid.")
        if position.field is not Field.ENQUEUED_TIME:
            self._check_reached(position, wanted)
        key = attrgetter(position.field.attribute)
        after = wanted if position.inclusive else wanted + 1
        return self.first_sequence + bisect_left(self._events, after, key=key)

    def _check_reached(self, position: Position, wanted: int) -> None:
        last = getattr(self._last, position.field.attribute) if self._last else -1
        if wanted > last:
            label = position.field.label
            raise bad_argument(
                f"The supplied {label} '{position.value}' is invalid. The last {label} in the system is '{last}'"
            )

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every append, until `forget`."""
        self._listeners[listener] = None

    def forget(self, listener: Callable[[], None]) -> None:
        """No longer call `listener`."""
        self._listeners.pop(listener, None)
