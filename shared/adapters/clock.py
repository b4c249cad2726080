"""The system's clock."""

from datetime import UTC, datetime


class SystemClock:
    """Clock on the machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)
