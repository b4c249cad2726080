"""What the trigger hands over: a module of its own, for it is all of this room that a cold start needs."""

from datetime import datetime

import msgspec


class StreamEvent(msgspec.Struct, frozen=True):
    """One event of an Event Hub; `offset` is text since geo-replicated namespaces write more than a number."""

    body: bytes
    partition: str
    offset: str
    sequence_number: int
    enqueued_at: datetime
