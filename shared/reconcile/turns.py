"""Going on with whoever is next at a hub in the function that has just written to it, rather than through the queue."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from datetime import datetime, timedelta

MOST = 50
"""Runs that one function goes on with."""
SECONDS = 8.0
"""After so long another function is asked to go on: one is to answer in seconds."""
LONGEST = 60.0
"""Seconds after which one goes on no more, whoever comes: the host ends the process of a function after minutes."""


class Convoy:
    """The runs that follow from the one that a message asked for: each has the turn that the one before gave back.

    What is left of the one before (reading back, its record) goes on beside them.
    """

    def __init__(self) -> None:
        self._begun = 0
        self._since: datetime | None = None
        self._ends: datetime | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def goes_on(self) -> bool:
        """Whether the function has more to do than the run that its message asked for."""
        return bool(self._running)

    def takes_more(self, now: datetime) -> bool:
        """Whether the function may go on with one more."""
        lasts = now - self._since if self._since else timedelta()
        return self._begun < MOST and lasts < timedelta(seconds=LONGEST)

    def is_over(self, now: datetime) -> bool:
        """Whether it has gone on for so long that another function is asked first."""
        return self._ends is not None and now >= self._ends

    def go_on(self, run: Coroutine[None, None, None]) -> None:
        """Begins a run beside those that there are."""
        self._begun += 1
        self._running.add(asyncio.create_task(run))

    def begins(self, now: datetime) -> None:
        """Counts the seconds: from the first run that follows on, and anew where nobody else went on."""
        self._since = self._since or now
        if self._ends is None or now >= self._ends:
            self._ends = now + timedelta(seconds=SECONDS)

    async def ended(self) -> None:
        """Returns when all have ended. Raises what the first of them raised that did not end well."""
        failed: list[BaseException] = []
        try:
            while self._running:
                done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                self._running -= done  # others have been begun meanwhile
                failed += [error for task in done if (error := task.exception())]
        finally:
            for task in self._running:
                task.cancel()
        if failed:
            raise failed[0]


convoy: ContextVar[Convoy | None] = ContextVar("convoy", default=None)
"""What the function that runs in this context goes on with."""
