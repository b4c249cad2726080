"""Time that passes only when a test says so."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class FakeClock:
    """A Clock that stands still until it is advanced."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Moves time on and answers the new present."""
        self._now += timedelta(seconds=seconds)
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        await asyncio.sleep(0)
        self.advance(seconds)
