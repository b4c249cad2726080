"""What is written down about a run for an edge, beside the commands that its state tells of. Pure."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.edge import EdgeRecord
from shared.domain.ids import EdgeKey
from shared.domain.node import HistoryEntry, LastRun
from shared.domain.plan import Step
from shared.ports import DeadLetter
from shared.reconcile.journal import describe


def entry_of(
    before: EdgeRecord, after: EdgeRecord, performed: Sequence[Step], now: datetime, last_run: LastRun
) -> HistoryEntry | None:
    """A history entry where something was written or a condition changed; none for a look that found all well."""
    was = {c.type: (c.status, c.reason) for c in before.conditions}
    changes = [describe(step) for step in performed] + [
        f"{c.type}: {' '.join(was.get(c.type, ('unknown',)))} -> {c.status} {c.reason}"
        for c in after.conditions
        if was.get(c.type) != (c.status, c.reason)
    ]
    if not changes:
        return None
    return HistoryEntry(
        at=now,
        key=str(after.key),
        cause=before.cause,
        outcome=last_run.outcome,
        changes=tuple(changes),
        generation=before.generation,
        reads=last_run.reads,
        writes=last_run.writes,
        run=last_run.run,
    )


def edge_letter(key: EdgeKey, reason: str, now: datetime) -> DeadLetter:
    """The dead letter of an edge that was given up: one an edge, which tells of the last time."""
    return DeadLetter(
        id=edge_letter_id(key), kind="key", at=now, reason=reason, source=str(key), key=str(key)
    )


def edge_letter_id(key: EdgeKey) -> str:
    """The id of an edge's one dead letter."""
    return f"key-edge-{key.id}"
