"""What a run leaves behind: its record, its history, its mesh events, and a dead letter where it gave up."""

import logging
from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import Conflict, MeshError
from shared.domain.mesh import Timing
from shared.domain.node import LastRun, NodeRecord
from shared.ports import Clock, DeadLetters, EventStream, History, NodeStore
from shared.ports.mesh import EdgeTouch, HubTouch
from shared.reconcile.attempt import Attempt, counted, never_a_node
from shared.reconcile.claim import Claim
from shared.reconcile.journal import (
    concerns_edges,
    entry_of,
    event_of,
    hubs_changed,
    key_letter,
    key_letter_id,
)
from shared.reconcile.settle import exhausted, given_up

log = logging.getLogger(__name__)

OUTBOX_LIMIT = 20
OUTBOX_SECONDS = 600.0  # each attempt costs a look at Azure


class Ending:
    """Writes down what came of a run."""

    def __init__(
        self,
        nodes: NodeStore,
        history: History,
        dead_letters: DeadLetters,
        events: EventStream,
        edges: EdgeTouch,
        hubs: HubTouch,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self._nodes = nodes
        self._history = history
        self._dead_letters = dead_letters
        self._events = events
        self._edges = edges
        self._hubs = hubs
        self._clock = clock
        self._timing = timing

    async def record(
        self, before: NodeRecord, attempt: Attempt, last_run: LastRun, claim: Claim
    ) -> NodeRecord | None:
        """The record as it is stored, without the lease; None where the group never was a node and leaves no row.

        Raises LeaseLost, and what the stores raise.
        """
        now = self._clock.now()
        record = await self._without_letter(counted(before, attempt.record, last_run), attempt)
        if never_a_node(attempt) and await self._forgotten(record):
            return None
        if exhausted(record, self._timing):
            reason = str(attempt.errors[0]) if attempt.errors else "Azure did not finish."
            record = given_up(record, reason, now, self._timing)
            await self._dead_letters.add(key_letter(record.key, reason, now))
        entry = entry_of(before, record, attempt.performed, now, last_run)
        if entry and not never_a_node(attempt):
            await self._history.append(entry)
            record = msgspec.structs.replace(record, outbox=(*record.outbox, event_of(entry, record)))
        stored = await claim.finish(self._waiting(record))
        if concerns_edges(before, record):
            await self._edges.node_changed(record.key, before.cause)
        for hub in hubs_changed(attempt.performed):
            await self._hubs.hub_changed(hub)
        return await self._published(stored, record.next_due)

    async def _without_letter(self, record: NodeRecord, attempt: Attempt) -> NodeRecord:
        """The record of a key that has come to a good end needs no dead letter any more."""
        done = not attempt.errors and record.state in ("Ready", "Offboarded")
        if not record.letter or not (done or never_a_node(attempt)):
            return record
        await self._dead_letters.remove(key_letter_id(record.key))
        return msgspec.structs.replace(record, letter=False)

    async def _forgotten(self, record: NodeRecord) -> bool:
        try:
            await self._nodes.delete(record)
        except Conflict:
            return False
        return True

    def _waiting(self, record: NodeRecord) -> NodeRecord:
        """The record with what it has to tell, due soon: whoever looks at it then sends what this run could not."""
        if not record.outbox:
            return record
        kept = record.outbox[-OUTBOX_LIMIT:]
        if len(kept) < len(record.outbox):
            log.warning("%d mesh events of %s are lost", len(record.outbox) - len(kept), record.key)
        soon = self._clock.now() + timedelta(seconds=OUTBOX_SECONDS)
        return msgspec.structs.replace(record, outbox=kept, next_due=min(record.next_due or soon, soon))

    async def _published(self, record: NodeRecord, next_due: datetime | None) -> NodeRecord:
        """The stored record with its mesh events sent, due when it would be without them.

        The lease is given back by then, so that a stream that does not answer holds nobody up. Whoever wrote in
        between keeps the events in the record, and they are sent twice rather than never.
        """
        if not record.outbox:
            return record
        try:
            await self._events.publish(record.outbox)
            told = msgspec.structs.replace(record, outbox=(), next_due=self._due(record, next_due))
            return await self._nodes.save(told)
        except Conflict:
            return record
        except MeshError as error:
            log.warning("%d mesh events of %s wait: %s", len(record.outbox), record.key, error.reason)
            return record

    def _due(self, record: NodeRecord, next_due: datetime | None) -> datetime | None:
        """What came during the run stays due soon."""
        return record.next_due if record.generation != record.observed_generation else next_due
