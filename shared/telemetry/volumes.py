"""How much each node streams, by category and day: an estimate of what it costs."""

from datetime import datetime, timedelta

from shared.ports import Clock
from shared.ports.telemetry import Volume, Volumes
from shared.telemetry.batch import Volumes as Found

GATHERED = timedelta(seconds=30)


class VolumeMeter:
    """Gathers volumes in memory and adds them to the store from time to time.

    A batch that is delivered again adds again, and a process that dies loses what it gathered: half a minute of it.
    """

    def __init__(self, volumes: Volumes, clock: Clock) -> None:
        self._volumes = volumes
        self._clock = clock
        self._gathered: dict[tuple[str, str, str], tuple[float, int]] = {}
        self._since: datetime | None = None

    async def add(self, found: Found, at: datetime) -> None:
        """Takes what a batch came to; `at` is when its events were enqueued. Raises what the store raises when it was
        time to write, and keeps what was gathered."""
        day = at.date().isoformat()
        for (node, category), (size, records) in found.items():
            place = (node, category, day)
            before = self._gathered.get(place, (0.0, 0))
            self._gathered[place] = (before[0] + size, before[1] + records)
        now = self._clock.now()
        if self._since is None:
            self._since = now
        elif self._gathered and now - self._since >= GATHERED:
            await self.flush()

    async def flush(self) -> None:
        """Writes what was gathered."""
        gathered, self._gathered = self._gathered, {}
        self._since = self._clock.now()
        await self._volumes.add(
            [
                Volume(node=node, category=category, day=day, bytes=round(size), records=records)
                for (node, category, day), (size, records) in gathered.items()
            ]
        )
