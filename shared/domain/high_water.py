"""High-water marks: which events of a partition a row has counted already. Pure.

An event lies below a mark where both its sequence number and its time do: sequence numbers begin at 0 again in an
Event Hub that was made anew, at a later time.
"""

from collections.abc import Mapping

from shared.domain.alert import Mark


def is_above(mark: Mark | None, sequence: int, enqueued: float) -> bool:
    """Whether an event was not counted yet."""
    return mark is None or sequence > mark[0] or enqueued > mark[1]


def raised(mark: Mark | None, events: Mapping[int, float]) -> Mark | None:
    """The mark once events (their times by their sequence numbers) are counted as well."""
    fresh = {s: at for s, at in events.items() if is_above(mark, s, at)}
    if not fresh:
        return mark
    if mark is None:
        return max(fresh), max(fresh.values())
    # Numbers that begin again at a later time: the old ones never come back.
    since = min((at for s, at in fresh.items() if s <= mark[0]), default=0.0)
    return max(s for s, at in fresh.items() if at >= since), max(mark[1], *fresh.values())
