"""How far the stream was read: without it, a backlog would look like silence."""

from datetime import datetime, timedelta

from shared.domain.errors import Conflict
from shared.ports import Clock
from shared.ports.telemetry import StreamEnds, Window, Windows
from shared.telemetry.windows import Arrivals

STREAM = "stream"
"""The rule under which the rows about the stream itself are kept: no rule's key is without a digest."""

EVERY = 30.0
"""Seconds between two writes about one partition, of the clock or of the stream."""

LAG = 120.0
"""Seconds by which the stream may be behind its end."""

_KEPT = timedelta(days=31)


class Position:
    """Writes from time to time up to where this process has read each partition."""

    def __init__(self, windows: Windows, clock: Clock) -> None:
        self._windows = windows
        self._clock = clock
        self._written: dict[str, tuple[datetime, float]] = {}

    async def reached(self, arrivals: Arrivals) -> None:
        """A batch was handled. Raises what the store raises."""
        if not arrivals.enqueued:
            return
        now, partition = self._clock.now(), arrivals.partition
        sequence, enqueued = max(arrivals.enqueued.items(), key=lambda event: (event[1], event[0]))
        written = self._written.get(partition)
        if written and abs((now - written[0]).total_seconds()) < EVERY and enqueued - written[1] < EVERY:
            return
        try:
            await self._write(partition, sequence, enqueued, now)
        except Conflict:
            return  # another owner of the partition wrote; the next batch says more
        self._written[partition] = (now, enqueued)

    async def _write(self, partition: str, sequence: int, enqueued: float, now: datetime) -> None:
        row = await self._windows.get(STREAM, "", partition)
        if row and row.enqueued >= enqueued:
            return
        await self._windows.save(
            Window(
                rule=STREAM,
                group="",
                partition=partition,
                sequence=sequence,
                enqueued=enqueued,
                node="",
                resource="",
                category="",
                operation="",
                first_at=enqueued,
                last_at=enqueued,
                due=now + _KEPT,
                kept_until=now + _KEPT,
                etag=row.etag if row else None,
            )
        )


async def behind(windows: Windows, ends: StreamEnds) -> float:
    """By how many seconds the stream is behind in the partition where that is most; 0 where it is up to date."""
    read = {row.partition: row.enqueued for row in await windows.of(STREAM, "")}
    lags = [end - read.get(partition, 0.0) for partition, end in (await ends.ends()).items()]
    lag = max(lags, default=0.0)
    return lag if lag > LAG else 0.0
