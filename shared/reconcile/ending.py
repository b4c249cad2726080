"""What a run leaves behind: its record, its history, its mesh events, and a dead letter where it gave up."""

import msgspec

from shared.domain.errors import Conflict
from shared.domain.ids import NodeKey
from shared.domain.mesh import Timing
from shared.domain.node import LastRun, NodeRecord
from shared.ports import Clock
from shared.ports.mesh import EdgeTouch, HubTouch
from shared.reconcile.attempt import Attempt, counted, never_a_node
from shared.reconcile.claim import KeyClaim
from shared.reconcile.engine_parts import Stores
from shared.reconcile.journal import (
    concerns_edges,
    entry_of,
    event_of,
    hubs_changed,
    key_letter,
    key_letter_id,
)
from shared.reconcile.outbox import Outbox
from shared.reconcile.settle import exhausted, given_up


class Ending:
    """Writes down what came of a run."""

    def __init__(
        self, stores: Stores, edges: EdgeTouch, hubs: HubTouch, clock: Clock, timing: Timing
    ) -> None:
        self._nodes = stores.nodes
        self._history = stores.history
        self._dead_letters = stores.dead_letters
        self._outbox: Outbox[NodeKey, NodeRecord] = Outbox(stores.nodes, stores.events, clock)
        self._edges = edges
        self._hubs = hubs
        self._clock = clock
        self._timing = timing

    async def record(
        self, before: NodeRecord, attempt: Attempt, last_run: LastRun, claim: KeyClaim[NodeKey, NodeRecord]
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
        entry = entry_of(
            before, record, attempt.performed, now, last_run, changed=before.state != record.state
        )
        if entry and not never_a_node(attempt):
            await self._history.append(entry)
            record = msgspec.structs.replace(record, outbox=(*record.outbox, event_of(entry, record)))
        stored = await claim.finish(self._outbox.waiting(record))
        if concerns_edges(before, record):
            await self._edges.node_changed(record.key, before.cause)
        for hub in hubs_changed(attempt.performed):
            await self._hubs.hub_changed(hub)
        return await self._outbox.published(stored, record.next_due)

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
