"""The telemetry plane's outside: windows, alerts, silences, handlers, the log store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.alert import Alert as Alert
from shared.domain.alert import AlertState as AlertState
from shared.domain.alert import Owed as Owed
from shared.domain.alert import Silence as Silence
from shared.domain.alert import Transition as Transition
from shared.ports import Page


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
        """In the order of nodes and ids; without their etags."""
        ...

    def due(self, before: datetime) -> AsyncIterator[str]:
        """The ids of alerts whose `due` lies before a time: a handler to tell, or time to resolve."""
        ...


class Silences(Protocol):
    async def add(self, silence: Silence) -> None: ...

    async def get(self, silence_id: str) -> Silence | None: ...

    async def list(self) -> Sequence[Silence]:
        """All, those that have ended too, until they are removed."""
        ...

    async def remove(self, silence_id: str) -> None: ...


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What one partition's records say to one rule about one group.

    `rule` is the rule's name and the mark of what it counts (`shared.telemetry.windows.rule_key`), so that a rule that
    was changed counts anew. `sequence` and `enqueued` (seconds since 1970) are the high-water mark: events up to both
    are in. An event with a lower number enqueued later belongs to a hub that was made anew. `buckets` are encoded
    aggregates by their start; `node`, `resource`, `category`, `operation` are of the newest record, `first_at` and
    `last_at` the records' own times. What lies before `judged` (seconds since 1970) needs no judgement any more; `due`
    is when the timer has to look, and from `kept_until` on it removes the row.
    """

    rule: str
    group: str
    partition: str
    sequence: int
    enqueued: float
    node: str
    resource: str
    category: str
    operation: str
    first_at: float
    last_at: float
    buckets: bytes = b""
    judged: float = 0.0
    due: datetime
    kept_until: datetime
    etag: str | None = None


class Windows(Protocol):
    async def of(self, rule: str, group: str) -> Sequence[Window]:
        """What every partition says."""
        ...

    async def get(self, rule: str, group: str, partition: str) -> Window | None: ...

    async def save(self, window: Window) -> Window:
        """Inserts where `etag` is None, else replaces the very version read. Raises Conflict if somebody was first."""
        ...

    def open(self, rule: str) -> AsyncIterator[Window]:
        """Every row of a rule, without its buckets; those of one group follow each other."""
        ...

    def due(self, before: datetime) -> AsyncIterator[tuple[str, str]]:
        """The rules and groups of rows whose `due` lies before a time, each once."""
        ...

    async def remove(self, window: Window) -> None:
        """Raises Conflict where the row changed since it was read; one that is gone is removed."""
        ...


class StreamEnds(Protocol):
    async def ends(self) -> Mapping[str, float]:
        """When the newest event of each partition was enqueued (seconds since 1970); without those that are empty."""
        ...


class StoredEvent(msgspec.Struct, frozen=True):
    """One event as the Event Hub holds it."""

    body: bytes
    offset: str
    sequence: int
    enqueued_at: datetime


class EventReader(Protocol):
    async def read(self, partition: str, sequence: int, enqueued_at: datetime) -> StoredEvent:
        """One event again. Raises NotFound where the Event Hub no longer has it, or another one under its number."""
        ...


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


class Sender(Protocol):
    """What posts a notice to an address of somebody's."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Raises Waiting where the receiver is busy, Transient where it may take it later, else Terminal.

        What the receiver says beyond a status is not read, and no error names the address: it may hold a secret.
        """
        ...


class Metrics(Protocol):
    """Azure Monitor's custom metrics of one resource."""

    async def publish(self, name: str, dimensions: Mapping[str, str], value: float, at: datetime) -> None:
        """One value. Raises as `Sender.post`, and Denied."""
        ...


class AppEvents(Protocol):
    """Custom events of Application Insights."""

    def write(self, name: str, properties: Mapping[str, str], at: datetime) -> None:
        """One event. Nothing where nobody exports telemetry."""
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
