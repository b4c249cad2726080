"""The states of an edge and the commands that move it from one to another, as data. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.edge import EdgeRecord, EdgeState
from shared.domain.node import HistoryEntry, MeshEvent
from shared.domain.transitions import Transitions, later

type Command = Literal[
    "ask",  # a person has to decide: no rule does, or the way that is left exposes more than was approved
    "approve",
    "reject",
    "provision",  # the engine begins to make what the edge needs
    "activate",  # everything was read back
    "degrade",  # something that was there is missing, or the edge is led another way
    "fail",  # it cannot be made until somebody puts something right
    "retry",
    "resume",  # a way that was approved works again
    "warn",  # the lease ends soon
    "extend",
    "revoke",
    "expire",
    "lapse",  # nobody has decided for long
    "finish",  # everything was read back as gone
    "reopen",  # a write that was under way when the edge was revoked took effect afterwards
]

TRANSITIONS: dict[tuple[EdgeState, Command], EdgeState] = {
    ("Requested", "ask"): "PendingApproval",
    ("Requested", "approve"): "Approved",
    ("Requested", "reject"): "Rejected",
    ("Requested", "revoke"): "Revoking",
    ("PendingApproval", "approve"): "Approved",
    ("PendingApproval", "reject"): "Rejected",
    ("PendingApproval", "revoke"): "Revoking",
    ("PendingApproval", "lapse"): "Rejected",
    ("PendingApproval", "resume"): "Provisioning",
    ("PendingApproval", "expire"): "Revoking",
    ("Approved", "provision"): "Provisioning",
    ("Approved", "ask"): "PendingApproval",
    ("Approved", "fail"): "Failed",
    ("Approved", "extend"): "Approved",
    ("Approved", "revoke"): "Revoking",
    ("Approved", "expire"): "Revoking",
    ("Provisioning", "activate"): "Active",
    ("Provisioning", "ask"): "PendingApproval",
    ("Provisioning", "fail"): "Failed",
    ("Provisioning", "extend"): "Provisioning",
    ("Provisioning", "revoke"): "Revoking",
    ("Provisioning", "expire"): "Revoking",
    ("Active", "degrade"): "Provisioning",
    ("Active", "ask"): "PendingApproval",
    ("Active", "fail"): "Failed",
    ("Active", "warn"): "Expiring",
    ("Active", "extend"): "Active",
    ("Active", "revoke"): "Revoking",
    ("Active", "expire"): "Revoking",
    ("Expiring", "degrade"): "Provisioning",
    ("Expiring", "ask"): "PendingApproval",
    ("Expiring", "fail"): "Failed",
    ("Expiring", "extend"): "Active",
    ("Expiring", "revoke"): "Revoking",
    ("Expiring", "expire"): "Revoking",
    ("Failed", "retry"): "Provisioning",
    ("Failed", "ask"): "PendingApproval",
    ("Failed", "extend"): "Failed",
    ("Failed", "revoke"): "Revoking",
    ("Failed", "expire"): "Revoking",
    ("Revoking", "finish"): "Revoked",
    ("Revoked", "reopen"): "Revoking",
}
"""Where a command leads from a state; what is not here is refused."""


_STATES: Transitions[EdgeState, Command] = Transitions("An edge", TRANSITIONS)
allowed = _STATES.allowed
moved = _STATES.moved


class Move(msgspec.Struct, frozen=True):
    """One command to one edge: who gave it (a subject's id, or `meshplane`), when and why."""

    command: Command
    by: str
    at: datetime
    reason: str


def move(record: EdgeRecord, step: Move) -> EdgeRecord:
    """The record after a command, with what its history and its mesh event are to say. Raises as `moved`."""
    after = moved(record.state, step.command)
    entry = HistoryEntry(
        at=later(step.at, [*(e.at for e in record.journal), record.told_at]),
        key=str(record.key),
        cause=f"{step.command} by {step.by}",
        outcome=after,
        changes=(f"state: {record.state} -> {after}", f"reason: {step.reason}"),
        generation=record.generation,
    )
    return msgspec.structs.replace(
        record,
        state=after,
        journal=(*record.journal, entry),
        told_at=entry.at,
        outbox=(*record.outbox, event_of(record, step, after)),
    )


def event_of(record: EdgeRecord, step: Move, after: EdgeState) -> MeshEvent:
    """The mesh event that tells of a command."""
    data = {
        "command": step.command,
        "before": record.state,
        "state": after,
        "by": step.by,
        "reason": step.reason,
        "consumer": str(record.request.consumer),
        "provider": str(record.request.provider),
        "interface": record.request.interface,
    }
    kind = "EdgeExpiring" if step.command == "warn" else "EdgeChanged"
    return MeshEvent(type=kind, key=str(record.key), at=step.at, data=data)


def is_move(entry: HistoryEntry) -> bool:
    """Whether a history entry tells of a command."""
    return bool(entry.changes) and entry.changes[0].startswith("state: ")
