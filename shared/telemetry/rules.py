"""The one rule there is: a record at error level raises an alert.

Levels are those of "Common and service-specific schemas for Azure resource logs" and "Azure Activity
Log event schema" (Critical, Error, Warning, Informational), the words of syslog, which virtual
machines forward, and the numbers of .NET's `EventLevel` (1 critical, 2 error), which sign-in logs and
API Management write. A record without a level, such as the operational logs of Event Hubs, is judged
by its result, which the same documents call `Failed`; the activity log writes `Failure`.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Literal

from shared.domain.ids import NodeKey, name_of, normal_id
from shared.ports import Alert
from shared.telemetry.record import Record

type Severity = Literal["critical", "error", "warning"]
type Rule = Callable[[Record], Severity | None]

ERROR_LEVEL = "error-level"
_SHOWN = 256  # characters of a category or an operation that an alert keeps

_CRITICAL = ("critical", "Critical", "crit", "emergency", "emerg", "alert", "fatal", "1")
_ERROR = ("error", "Error", "err", "2")
# The common spellings of no error stand here so that most records need one lookup.
_QUIET = ("Informational", "Information", "Warning", "4", 4, 3)
_SEVERITIES: dict[str | int, Severity | None] = {
    **dict.fromkeys(_CRITICAL, "critical"),
    **dict.fromkeys(_ERROR, "error"),
    **dict.fromkeys(_QUIET),
}
_ORDER = ("critical", "error", "warning")
_FAILED = frozenset({"Failed", "Failure", "failed", "failure", "FAILED", "FAILURE"})


def error_level(record: Record) -> Severity | None:
    """How bad a record is, or None where it is no error."""
    level = record.level_lower or record.level_upper  # Data Factory writes both, one of them empty
    if not level:
        return "error" if record.result in _FAILED else None
    try:
        return _SEVERITIES[level]
    except KeyError:
        return _SEVERITIES.get(str(level).strip().lower())


def worst(left: Severity, right: Severity) -> Severity:
    return left if left == right else min(left, right, key=_ORDER.index)


def alert_of(
    record: Record, node: NodeKey, severity: Severity, first_at: datetime, last_at: datetime, count: int
) -> Alert:
    """The alert of records of one kind; those that agree in node, resource, category and operation share its id."""
    category, operation = record.category or "", record.operation
    parts = (str(node), normal_id(record.resource), category.lower(), operation.lower())
    return Alert(
        id=sha256("\n".join(parts).encode()).hexdigest()[:32],
        node=str(node),
        resource=record.resource,
        rule=ERROR_LEVEL,
        severity=severity,
        state="Firing",
        title=f"{severity}: {operation[:_SHOWN] or category[:_SHOWN]} on {name_of(record.resource)}",
        first_at=first_at,
        last_at=last_at,
        count=count,
        category=category[:_SHOWN],
        operation=operation[:_SHOWN],
    )
