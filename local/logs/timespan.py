"""The `timespan` of a query: an ISO 8601 duration that ends now, or an interval."""

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(
    r"P(?:(?P<weeks>[\d.]+)W)?(?:(?P<days>[\d.]+)D)?"
    r"(?:T(?:(?P<hours>[\d.]+)H)?(?:(?P<minutes>[\d.]+)M)?(?:(?P<seconds>[\d.]+)S)?)?"
)


def interval(text: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Start and end; both None where the text is empty. Raises ValueError."""
    if not text:
        return None, None
    first, slash, second = text.partition("/")
    if not slash:
        return now - _duration(first), now
    if first.startswith("P"):
        end = _moment(second)
        return end - _duration(first), end
    start = _moment(first)
    return start, start + _duration(second) if second.startswith("P") else _moment(second)


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    parts = {name: float(number) for name, number in found.groupdict().items() if number} if found else {}
    if not parts:
        raise ValueError(f"'{text}' is not an ISO 8601 duration")
    return timedelta(**parts)


def _moment(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
