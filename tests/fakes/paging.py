"""Pages of a list that lies in memory."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from shared.domain.errors import Terminal
from shared.ports import Page

_FAR = datetime(9999, 12, 31, tzinfo=UTC)


def newest_first(at: datetime) -> str:
    """A text by which later times sort first, to the microsecond."""
    return f"{(_FAR - at) // timedelta(microseconds=1):020d}"


def page_of[T](
    items: Sequence[T], scope: str, place: Callable[[T], str], size: int, continuation: str
) -> Page[T]:
    """One page of items that are sorted by their `place`; a token names its scope and the last place shown."""
    after = _read(continuation, scope)
    rest = [item for item in items if after is None or place(item) > after]
    shown = tuple(rest[:size])
    more = len(rest) > len(shown)
    return Page(shown, _write(scope, place(shown[-1])) if more else "")


def _write(scope: str, place: str) -> str:
    return urlsafe_b64encode(f"{scope}\n{place}".encode()).decode()


def _read(continuation: str, scope: str) -> str | None:
    if not continuation:
        return None
    try:
        found, separator, place = urlsafe_b64decode(continuation.encode()).decode().partition("\n")
    except ValueError:
        found, separator, place = "", "", ""
    if not separator or found != scope:
        raise Terminal("InvalidContinuation", "the continuation token was not made by this list")
    return place
