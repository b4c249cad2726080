"""The telemetry plane's outside: windows, alerts, silences, handlers, the log store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from shared.ports import Page, Severity

type AlertState = Literal["Firing", "Acknowledged", "Resolved"]
type Transition = Literal["fired", "acknowledged", "resolved"]


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One handler that has not yet been told of a transition: when to try (again), and how often it was tried."""

    handler: str
    transition: Transition
    at: datetime
    attempts: int = 0
    reason: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert per `id`, its deduplication key: rule and group, however many instances see it.

    `group` is what the rule groups by. `episode` counts how often it fired anew: with `id` it names one firing
    towards handlers. `count` is of the present episode. `seen` is the high-water mark of each partition whose
    records `count` holds (sequence number and time of the last event), so that a redelivered batch counts once.
    `owed` are handlers still to be told; `silenced_by` the silence that kept it quiet. `by` is the subject id of
    who acknowledged or resolved it, or `meshplane`; `reason` what they said. `due` is when the timer has to look.
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
    seen: Mapping[str, tuple[int, float]] = {}
    owed: tuple[Owed, ...] = ()
    told_at: datetime | None = None
    silenced_by: str = ""
    by: str = ""
    reason: str = ""
    due: datetime | None = None
    etag: str | None = None


class AlertStore(Protocol):
    async def get(self, alert_id: str) -> Alert | None: ...

    async def save(self, alert: Alert) -> Alert:
        """Inserts where `etag` is None, else replaces the very version read. Raises Conflict if somebody was first."""
        ...

    async def list(
        self,
        *,
        node: str = "",
        state: str = "",
        rule: str = "",
        severity: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[Alert]:
        """In the order of their ids."""
        ...

    def due(self, before: datetime) -> AsyncIterator[str]:
        """The ids of alerts whose `due` lies before a time: a handler to tell, or time to resolve."""
        ...


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Keeps alerts quiet until a time: those of a node (or of all), of a rule (or of all). They are still recorded."""

    id: str
    node: str = ""
    rule: str = ""
    until: datetime
    by: str
    reason: str
    created_at: datetime


class Silences(Protocol):
    async def add(self, silence: Silence) -> None: ...

    async def get(self, silence_id: str) -> Silence | None: ...

    async def list(self) -> Sequence[Silence]:
        """All, those that have ended too, until they are removed."""
        ...

    async def remove(self, silence_id: str) -> None: ...


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What one partition's records say to one rule about one group: `buckets` by their start (seconds since 1970).

    `sequence` and `enqueued` (seconds since 1970) are the high-water mark: events up to it are in. An event with a
    lower number enqueued later belongs to a hub that was made anew. Each bucket is an encoded
    `shared.telemetry.aggregate.Aggregate`.
    """

    rule: str
    group: str
    partition: str
    sequence: int
    enqueued: float
    buckets: bytes
    etag: str | None = None


class Windows(Protocol):
    async def of(self, rule: str, group: str) -> Sequence[Window]:
        """What every partition says."""
        ...

    async def get(self, rule: str, group: str, partition: str) -> Window | None: ...

    async def save(self, window: Window) -> Window:
        """Inserts where `etag` is None, else replaces the very version read. Raises Conflict if somebody was first."""
        ...

    def open(self, rule: str) -> AsyncIterator[str]:
        """The groups of a rule that have windows."""
        ...

    async def remove(self, rule: str, group: str) -> None: ...


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler is told: an alert as it is, and what happened to it; `id` is the same on every try."""

    id: str
    alert: Alert
    transition: Transition
    at: datetime


class Handler(Protocol):
    name: str

    async def handle(self, notice: Notice) -> None:
        """Raises MeshError where it could not: a Terminal is kept as a dead letter, others are tried again."""
        ...


type Cell = str | int | float | bool | datetime | None


class LogTable(msgspec.Struct, frozen=True):
    """The answer to a query: the columns with their Kusto types, and the rows."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    partial: str = ""


class LogStore(Protocol):
    async def query(self, kql: str, *, hours: float) -> LogTable:
        """Runs a query over the last hours. Raises Terminal where it is wrong, Waiting where the store is busy."""
        ...


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """About how much one node streamed in one category in one day (UTC): bytes and records."""

    node: str
    category: str
    day: str
    bytes: int
    records: int


class Volumes(Protocol):
    async def add(self, volumes: Sequence[Volume]) -> None:
        """Adds to what is there; an estimate: a process that dies loses what it had not yet added."""
        ...

    async def of(self, node: str, *, days: int = 7) -> Sequence[Volume]: ...
