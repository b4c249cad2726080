"""An alert as the mesh's own records know it, and the silences that keep alerts quiet. Pure data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.node import HistoryEntry

type Severity = Literal["critical", "error", "warning"]
SEVERITIES: tuple[Severity, ...] = ("critical", "error", "warning")
"""The worst first."""

type AlertState = Literal["Firing", "Acknowledged", "Resolved"]
type Transition = Literal["fired", "acknowledged", "resolved"]
type Mark = tuple[int, float]
"""A sequence number of a partition, and when that event was enqueued (seconds since 1970)."""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One handler that has not yet been told of a transition: when to try (again), and how often it was tried.

    `episode` and `since` are the firing that it is about, and when it happened.
    """

    handler: str
    transition: Transition
    at: datetime
    since: datetime
    episode: int = 1
    attempts: int = 0
    reason: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert per `id`, its deduplication key: rule and group, however many instances see it.

    `group` is what the rule groups by. `episode` counts how often it fired anew: with `id` it names one firing
    towards handlers. `count` is of the present episode. `seen` is the high-water mark of each partition whose
    records `count` holds, so that a redelivered batch counts once. `handlers` are those of the rule when the episode
    began, `owed` those still to be told; `told` is the last episode that they were told of, at `told_at`.
    `silenced_by` is the silence that kept the episode quiet; `quiet_until` when somebody has to look whether it may
    be told. `by` is the subject id of who acknowledged or resolved it, or `meshplane`; `reason` what they said.
    `resolve_at` is when it resolves by itself, `due` when the timer has to look. `journal` is history that is still
    to be written, `changed_at` the time of the last entry. `etag` is None until stored.
    """

    id: str
    rule: str
    group: str
    node: str
    domain: str = ""
    resource: str
    severity: Severity
    state: AlertState
    title: str
    first_at: datetime
    last_at: datetime
    count: int = 1
    episode: int = 1
    category: str = ""
    operation: str = ""
    seen: Mapping[str, Mark] = {}
    handlers: tuple[str, ...] = ()
    owed: tuple[Owed, ...] = ()
    told: int = 0
    told_at: datetime | None = None
    silenced_by: str = ""
    quiet_until: datetime | None = None
    by: str = ""
    reason: str = ""
    resolve_at: datetime | None = None
    due: datetime | None = None
    journal: tuple[HistoryEntry, ...] = ()
    changed_at: datetime | None = None
    etag: str | None = None


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """What raises an alert, or raises it again: what a rule found, and what the rule says is to follow.

    `counts` are the records of each event by its sequence number in `partition`, with the time it was enqueued;
    a timer that judges windows has none. `total` is what a window came to.
    """

    id: str
    rule: str
    group: str
    node: str
    domain: str
    resource: str
    severity: Severity
    title: str
    category: str
    operation: str
    first_at: datetime
    last_at: datetime
    partition: str = ""
    counts: Mapping[int, tuple[int, float]] = {}
    total: int | None = None
    cool_down: float = 0.0
    auto_resolve: float = 0.0
    handlers: tuple[str, ...] = ()


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Keeps alerts quiet until a time: those of a node (or of all), of a rule (or of all). They are still recorded."""

    id: str
    node: str = ""
    rule: str = ""
    until: datetime
    by: str
    reason: str
    created_at: datetime


def notice_id(alert_id: str, episode: int, transition: Transition) -> str:
    """What names one notice to handlers, the same on every try."""
    return f"{alert_id}-{episode}-{transition}"
