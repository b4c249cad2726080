"""Ports that get into trouble: a worker that dies in the middle, stalls, meets errors, or sleeps through its lease."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from shared.domain.errors import MeshError
from tests.fakes import FakeClock

type Kind = Literal["die before", "die after", "error before", "error after", "stall", "oversleep"]
OVERSLEPT_SECONDS = 31.0


class WorkerDied(Exception):
    """The process of a run was killed."""


@dataclass
class Trouble:
    """What happens to one worker at its `countdown`-th call of a port; a dead worker reaches no port any more."""

    clock: FakeClock
    kind: Kind | None = None
    countdown: int = 0
    error: Callable[[str], MeshError | None] = lambda call: None
    dead: bool = False
    stalled: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Whoever stalled goes on."""
        self.stalled = False
        self.gate.set()

    def arm(self, kind: Kind, countdown: int, error: Callable[[str], MeshError | None]) -> None:
        """`error` answers what a call may raise, or None where that call is left alone and the next one is met."""
        self.kind, self.countdown, self.error = kind, countdown, error

    async def call[T](self, name: str, body: Callable[[], Awaitable[T]]) -> T:
        """One call of a port."""
        if self.dead:
            raise WorkerDied(name)
        kind = self._due(name)
        if kind is None:
            return await body()
        if kind == "die before":
            self.dead = True
            raise WorkerDied(name)
        await self._pause(kind)
        error = self.error(name)
        if kind == "error before" and error:
            raise error
        answer = await body()
        if kind == "error after" and error:
            raise error
        if kind == "die after":
            self.dead = True
            raise WorkerDied(name)
        return answer

    async def _pause(self, kind: Kind) -> None:
        if kind == "oversleep":
            self.clock.advance(OVERSLEPT_SECONDS)
        if kind == "stall":
            await self.stall()

    async def stall(self) -> None:
        """Waits until somebody wakes it; `reached` tells that it does."""
        self.stalled = not self.gate.is_set()
        self.reached.set()
        await self.gate.wait()

    def _due(self, name: str) -> Kind | None:
        if self.kind is None or (self.kind.startswith("error") and self.error(name) is None):
            return None
        self.countdown -= 1
        if self.countdown > 0:
            return None
        kind, self.kind = self.kind, None
        return kind


class _Troubled:
    def __init__(self, port: object, prefix: str, trouble: Trouble) -> None:
        self._port = port
        self._prefix = prefix
        self._trouble = trouble

    # A proxy for any port: what it answers is whatever the port's method answers.
    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*args: object, **kwargs: object) -> object:
            return await self._trouble.call(f"{self._prefix}.{name}", lambda: method(*args, **kwargs))

        return call


def troubled[P](port: P, prefix: str, trouble: Trouble) -> P:
    """The port as a worker in trouble reaches it."""
    return cast(P, _Troubled(port, prefix, trouble))
