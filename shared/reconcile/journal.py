"""What is written down about a run: history, mesh events, dead letters. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.conditions import CONNECTED, NAMES_RESOLVE, Condition
from shared.domain.ids import AlertKey, EdgeKey, HubKey, Key, NodeKey
from shared.domain.node import HistoryEntry, LastRun, MeshEvent, NodeRecord
from shared.domain.plan import DeletePeering, PutPeering, Step
from shared.ports import DeadLetter


class Observed(Protocol):
    """What the record of any key tells of a look at it."""

    @property
    def key(self) -> Key: ...
    @property
    def generation(self) -> int: ...
    @property
    def cause(self) -> str: ...
    @property
    def conditions(self) -> tuple[Condition, ...]: ...


def entry_of(
    before: Observed,
    after: Observed,
    performed: Sequence[Step],
    now: datetime,
    last_run: LastRun,
    *,
    changed: bool = False,
) -> HistoryEntry | None:
    """A history entry where something was written or a condition changed; none for a look that found all well.

    `changed` says that something else has.
    """
    changes = [describe(step) for step in performed] + _condition_changes(before, after)
    if not changes and not changed:
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


WAITS_FOR_EDGES = frozenset({"EdgesMoving", "EdgesNotMoved", "EdgesRevoking"})


def concerns_edges(before: NodeRecord, after: NodeRecord) -> bool:
    """Whether the edges of a node may have to be routed anew, or are waited for from now on."""
    concerned = ("state", "network", "hub", "networks", "own_zones")
    changed = any(getattr(before, name) != getattr(after, name) for name in concerned)
    changed |= not _connected(before) and _connected(after)
    changed |= any(s.withholds for s in before.standings) != any(s.withholds for s in after.standings)
    if after.own_zones:
        # Edges in zones of the node's own are Active once these are linked.
        changed |= before.zone_links != after.zone_links or _resolves(before) != _resolves(after)
    waits = _reasons(after) & WAITS_FOR_EDGES
    return changed or bool(waits - _reasons(before))


def hubs_changed(performed: Sequence[Step]) -> set[str]:
    """The hubs on whose networks peerings were made or deleted."""
    return {s.on_hub for s in performed if isinstance(s, PutPeering | DeletePeering) and s.on_hub}


def _connected(record: NodeRecord) -> bool:
    return any(c.type == CONNECTED and c.status == "True" for c in record.conditions)


def _resolves(record: NodeRecord) -> str:
    return next((c.status for c in record.conditions if c.type == NAMES_RESOLVE), "")


def _reasons(record: NodeRecord) -> set[str]:
    return {c.reason for c in record.conditions}


def describe(step: Step) -> str:
    """One step as people read it: what was written, why, and which fields differed."""
    differences = getattr(step, "differences", ())
    return f"{step.method} {step.id}: {step.why}" + (f" ({'; '.join(differences)})" if differences else "")


def _condition_changes(before: Observed, after: Observed) -> list[str]:
    was = {c.type: (c.status, c.reason) for c in before.conditions}
    return [
        f"{c.type}: {' '.join(was[c.type]) if c.type in was else 'unknown'} -> {c.status} {c.reason}"
        for c in after.conditions
        if was.get(c.type) != (c.status, c.reason)
    ]


def event_of(entry: HistoryEntry, record: NodeRecord) -> MeshEvent:
    """The mesh event that tells of a history entry."""
    data = {"state": record.state, "product": record.product, "domain": record.domain, "cause": entry.cause}
    return MeshEvent(type="NodeChanged", key=str(record.key), at=entry.at, data=data)


def key_letter(key: Key, reason: str, now: datetime) -> DeadLetter:
    """The dead letter of a key that was given up: one a key, which tells of the last time."""
    return DeadLetter(id=key_letter_id(key), kind="key", at=now, reason=reason, source=str(key), key=str(key))


def key_letter_id(key: Key) -> str:
    """The id of a key's one dead letter."""
    match key:
        case NodeKey():
            return f"key-{key.subscription}-{key.group}"
        case EdgeKey():
            return f"key-edge-{key.id}"
        case HubKey():
            return f"key-hub-{key.id}"
        case AlertKey():
            return f"key-alert-{key.id}"
