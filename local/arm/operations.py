"""Long operations: begun by one request, ended later, looked at through a polling URL in between."""

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from local.arm.activity import CompletedOperation, Feed
from local.arm.clock import Clock
from local.arm.documents import JsonObject

type Status = Literal["InProgress", "Succeeded", "Failed", "Canceled"]
type Advance = Literal["at-once", "after-reads", "after-seconds"]

# How long a status stays readable after the end; Azure keeps it for a day.
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsMode:
    """When operations end, and what `Retry-After` announces while they run.

    `amount` is a number of reads of the operation or of its resource (after-reads), or seconds
    (after-seconds). `retry_after` None announces what the recordings show for the kind of operation; a whole
    number of seconds becomes `Retry-After`, a fraction becomes `x-ms-retry-after-ms`, which Azure's clients
    honour as well.
    """

    advance: Advance = "after-seconds"
    amount: float = 0.2
    retry_after: float | None = 1

    def retry_headers(self, recorded: int) -> dict[str, str]:
        seconds = recorded if self.retry_after is None else self.retry_after
        if math.isclose(seconds, round(seconds)):
            return {"Retry-After": str(round(seconds))}
        return {"x-ms-retry-after-ms": str(round(seconds * 1000))}


@dataclass(slots=True, kw_only=True)
class LongOperation:
    """`name` is the provider's (PutSubnetOperation), `effect` what happens to `target` at a good end.

    `event` is completed and published at the end. `failure` (code, message) makes the end a bad one.
    """

    id: str
    name: str
    subscription: str
    location: str
    target: str
    effect: str
    started: datetime
    retry_after: int
    status: Status = "InProgress"
    reads: int = 0
    ended: datetime | None = None
    failure: JsonObject | None = None
    event: CompletedOperation | None = None

    @property
    def key(self) -> str:
        return self.target.lower()

    @property
    def running(self) -> bool:
        return self.status == "InProgress"


type Effect = Callable[[LongOperation], None]


@dataclass(slots=True)
class Effects:
    """What a provider does with the target when an operation has succeeded, and when it has failed."""

    succeed: Effect
    fail: Effect


@dataclass(slots=True)
class Operations:
    """Every long operation of the last day; ends those that are due when `settle` is called.

    `changed` is called whenever the moment of the next end may have changed.
    """

    clock: Clock
    feed: Feed
    mode: OperationsMode = field(default_factory=OperationsMode)
    changed: Callable[[], None] = lambda: None
    _effects: dict[str, Effects] = field(default_factory=dict)
    _all: dict[str, LongOperation] = field(default_factory=dict)
    _running: dict[str, LongOperation] = field(default_factory=dict)

    def register(self, name: str, effects: Effects) -> None:
        self._effects[name] = effects

    def start(
        self, *, name: str, subscription: str, location: str, target: str, effect: str, retry_after: int
    ) -> LongOperation:
        """Begin an operation. It ends at the earliest after the answer that begins it has been rendered."""
        operation = LongOperation(
            id=str(uuid.uuid4()),
            name=name,
            subscription=subscription,
            location=location,
            target=target,
            effect=effect,
            started=self.clock.now(),
            retry_after=retry_after,
        )
        self._forget_old()
        self._all[operation.id] = self._running[operation.id] = operation
        self.changed()
        return operation

    def find(self, identifier: str) -> LongOperation | None:
        return self._all.get(identifier)

    def all(self) -> list[LongOperation]:
        return list(self._all.values())

    def restore(self, operations: list[LongOperation]) -> None:
        self._all = {operation.id: operation for operation in operations}
        self._running = {operation.id: operation for operation in operations if operation.running}
        self.changed()

    def running(self, key: str) -> list[LongOperation]:
        """Operations on the resource `key` or on what lies beneath it."""
        beneath = key + "/"
        return [
            operation
            for operation in self._running.values()
            if operation.key == key or operation.key.startswith(beneath)
        ]

    def note_read(self, key: str) -> None:
        """A read of `key`, a polling URL's operation id or a resource, brings operations on it nearer to their end."""
        for operation in list(self._running.values()):
            if key in (operation.id, operation.key):
                operation.reads += 1

    def settle(self) -> None:
        """End what is due."""
        for operation in list(self._running.values()):
            if self._due(operation):
                self._end(operation)

    def finish_unchanged(self, operation: LongOperation) -> None:
        """End an operation that had nothing to do, at once and without effect; the request itself is its event."""
        self._running.pop(operation.id, None)
        operation.status = "Succeeded"
        operation.ended = self.clock.now()

    def next_end(self) -> datetime | None:
        """When the next operation ends by itself, given that time passes and nobody asks."""
        if self.mode.advance == "after-reads" or not self._running:
            return None
        seconds = self.mode.amount if self.mode.advance == "after-seconds" else 0
        return min(operation.started for operation in self._running.values()) + timedelta(seconds=seconds)

    def _due(self, operation: LongOperation) -> bool:
        match self.mode.advance:
            case "at-once":
                return True
            case "after-reads":
                return operation.reads >= self.mode.amount
            case "after-seconds":
                return self.clock.now() >= operation.started + timedelta(seconds=self.mode.amount)

    def _end(self, operation: LongOperation) -> None:
        del self._running[operation.id]
        operation.ended = self.clock.now()
        effects = self._effects[operation.effect]
        if operation.failure is None:
            effects.succeed(operation)
        else:
            effects.fail(operation)
        # An effect may itself find that the work cannot be done, and then sets the failure.
        operation.status = "Succeeded" if operation.failure is None else "Failed"
        if operation.event is not None:
            outcome: Literal["Success", "Failure"] = "Success" if operation.failure is None else "Failure"
            self.feed.publish(replace(operation.event, time=operation.ended, outcome=outcome))

    def _forget_old(self) -> None:
        horizon = self.clock.now() - KEPT
        for identifier, operation in list(self._all.items()):
            if operation.ended is None or operation.ended > horizon:
                return
            del self._all[identifier]
