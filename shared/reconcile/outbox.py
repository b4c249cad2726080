"""Mesh events that wait in a record until the stream has taken them: twice rather than never."""

import logging
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.errors import Conflict, MeshError
from shared.domain.ids import Key
from shared.domain.node import MeshEvent
from shared.ports import Clock, EventStream
from shared.reconcile.claim import Claimable, Records, replaced

log = logging.getLogger(__name__)

OUTBOX_LIMIT = 20
OUTBOX_SECONDS = 600.0  # each attempt costs a look at Azure


class Telling(Claimable, Protocol):
    """A record that has mesh events to tell."""

    @property
    def outbox(self) -> tuple[MeshEvent, ...]: ...


class Outbox[K: Key, R: Telling]:
    """Sends what records have to tell."""

    def __init__(self, records: Records[K, R], events: EventStream, clock: Clock) -> None:
        self._records = records
        self._events = events
        self._clock = clock

    def waiting(self, record: R) -> R:
        """The record with what it has to tell, due soon: whoever looks at it then sends what this run could not."""
        if not record.outbox:
            return record
        kept = record.outbox[-OUTBOX_LIMIT:]
        if len(kept) < len(record.outbox):
            log.warning("%d mesh events of %s are lost", len(record.outbox) - len(kept), record.key)
        soon = self._clock.now() + timedelta(seconds=OUTBOX_SECONDS)
        return replaced(record, outbox=kept, next_due=min(record.next_due or soon, soon))

    async def published(self, record: R, next_due: datetime | None) -> R:
        """The stored record with its mesh events sent, due when it would be without them.

        The lease is given back by then, so that a stream that does not answer holds nobody up. Whoever wrote in
        between keeps the events in the record, and they are sent twice rather than never.
        """
        if not record.outbox:
            return record
        due = record.next_due if record.generation != record.observed_generation else next_due
        try:
            await self._events.publish(record.outbox)
            return await self._records.save(replaced(record, outbox=(), next_due=due))
        except Conflict:
            return record
        except MeshError as error:
            log.warning("%d mesh events of %s wait: %s", len(record.outbox), record.key, error.reason)
            return record
