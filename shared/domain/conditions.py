"""Conditions: observed facts about a key, each with a status, a reason and a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

type Status = Literal["True", "False", "Unknown"]
type Severity = Literal["info", "warning", "error"]

READY = "Ready"
TAGS_VALID = "TagsValid"
CONNECTED = "Connected"
OBSERVED = "Observed"
NAMES_RESOLVE = "NamesResolve"
"""Shown only by a node whose networks need private DNS zones."""


class Condition(msgspec.Struct, frozen=True):
    """One fact. `reason` is one CamelCase word for programs; `message` says what happened, to what, what to do."""

    type: str
    status: Status
    reason: str
    message: str = ""
    severity: Severity = "info"
    since: datetime | None = None


class Finding(msgspec.Struct, frozen=True):
    """Something a decision found to be in the way, before it becomes part of a condition."""

    condition: str
    reason: str
    message: str
    severity: Severity = "error"
    waiting: bool = False  # it passes by itself: an operation is running


def conditions_from(
    findings: list[Finding], types: list[str], undecided: Sequence[str] = ()
) -> tuple[Condition, ...]:
    """The conditions of some types and `Ready` above them; the worst finding of a type names its reason.

    What is `undecided` is Unknown: something else has to be put right before anybody looks at it.
    """
    conditions = (
        Condition(kind, "Unknown", "Undecided", "Looked at once Ready's reason is put right.")
        if kind in undecided
        else _condition(kind, [f for f in findings if f.condition == kind])
        for kind in types
    )
    return (_ready(findings), *conditions)


def _condition(kind: str, findings: list[Finding]) -> Condition:
    if not findings:
        return Condition(kind, "True", "AsWanted")
    worst = min(findings, key=_rank)
    status: Status = "Unknown" if worst.waiting else "True" if worst.severity == "info" else "False"
    return Condition(kind, status, worst.reason, " ".join(f.message for f in findings), worst.severity)


def _ready(findings: list[Finding]) -> Condition:
    blocking = [f for f in findings if f.severity == "error" or f.waiting]
    if not blocking:
        return Condition(READY, "True", "Converged")
    worst = min(blocking, key=_rank)
    return Condition(READY, "False", worst.reason, worst.message, worst.severity)


def _rank(finding: Finding) -> tuple[bool, bool, int]:
    """What is merely told comes last; what passes by itself after what does not."""
    told = finding.severity == "info" and not finding.waiting
    return (told, finding.waiting, ("error", "warning", "info").index(finding.severity))


def carried(
    previous: tuple[Condition, ...], current: tuple[Condition, ...], now: datetime
) -> tuple[Condition, ...]:
    """The current conditions, each dated from when its status and reason last changed."""
    before = {c.type: c for c in previous}
    return tuple(msgspec.structs.replace(c, since=_since(before.get(c.type), c, now)) for c in current)


def _since(before: Condition | None, current: Condition, now: datetime) -> datetime:
    if before and before.since and (before.status, before.reason) == (current.status, current.reason):
        return before.since
    return now
