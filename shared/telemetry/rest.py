"""Leaving a handler alone that is down, so that it holds up nobody. In this process only: nothing depends on it."""

from datetime import datetime, timedelta

from shared.domain.errors import MeshError, Terminal, Waiting

FAILURES = 3
SECONDS = 30.0


class Rest:
    """After so many failures in a row a handler is left alone for a while, and then tried by one caller first."""

    def __init__(self) -> None:
        self._failures = 0
        self._until: datetime | None = None

    def refuses(self, now: datetime) -> bool:
        """Whether the handler is to be left alone now; who is let through while it is down keeps the others away."""
        if self._until is None:
            return False
        # A clock that was put back does not lengthen it.
        if now < self._until <= now + timedelta(seconds=SECONDS):
            return True
        self._until = now + timedelta(seconds=SECONDS)
        return False

    def ended(self, error: MeshError | None, now: datetime) -> None:
        """Takes note of how a call ended; what a handler refused for good says nothing of whether it is up."""
        if error is None or isinstance(error, Terminal):
            self._failures, self._until = 0, None
            return
        self._failures += 1
        if self._failures >= FAILURES or isinstance(error, Waiting):
            wait = min(error.retry_after or SECONDS, SECONDS)
            self._until = now + timedelta(seconds=wait)
