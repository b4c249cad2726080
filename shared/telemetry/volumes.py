"""How much each node streams, by category and day: an estimate of what it costs."""

import logging
from datetime import datetime, timedelta

from shared.domain.errors import MeshError
from shared.ports import Clock
from shared.ports.telemetry import Volume, Volumes
from shared.telemetry.batch import Volumes as Found

log = logging.getLogger(__name__)

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
        """Takes what a batch came to; `at` is when its events were enqueued."""
        day = at.date().isoformat()
        for (node, category), (size, records) in found.items():
            place = (node, category, day)
            before = self._gathered.get(place, (0.0, 0))
            self._gathered[place] = (before[0] + size, before[1] + records)
        now = self._clock.now()
        if self._since is None:
            self._since = now
        elif self._gathered and abs(now - self._since) >= GATHERED:
            await self._flush(now)

    async def _flush(self, now: datetime) -> None:
        gathered, self._gathered, self._since = self._gathered, {}, now
        try:
            await self._volumes.add(
                [
                    Volume(node=node, category=category, day=day, bytes=round(size), records=records)
                    for (node, category, day), (size, records) in gathered.items()
                ]
            )
        except MeshError as error:
            # It holds up no batch: an estimate that is short of half a minute.
            log.warning("%d volumes are not counted: %s", len(gathered), error.reason)
