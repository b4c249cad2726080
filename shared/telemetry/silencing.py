"""Which silence keeps an alert quiet now."""

from datetime import datetime, timedelta

from shared.domain.alert import Silence
from shared.ports import Clock
from shared.ports.telemetry import Silences

SILENCES_SECONDS = 2.0


class CurrentSilences:
    """The silences as of a few seconds ago."""

    def __init__(self, silences: Silences, clock: Clock) -> None:
        self._silences = silences
        self._clock = clock
        self._known: tuple[Silence, ...] = ()
        self._read_at: datetime | None = None

    async def keeping_quiet(self, node: str, rule: str, now: datetime) -> Silence | None:
        """The silence that keeps alerts of a node and a rule quiet now, the longest; None where none does."""
        at = self._clock.now()
        if self._read_at is None or not timedelta() <= at - self._read_at < timedelta(
            seconds=SILENCES_SECONDS
        ):
            self._known = tuple(await self._silences.list())
            self._read_at = at
        matching = [s for s in self._known if s.until > now and s.node in ("", node) and s.rule in ("", rule)]
        return max(matching, key=lambda s: s.until, default=None)
