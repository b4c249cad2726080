"""Whose turn it is to write to one hub's network, who waits for it, and how fast writes may follow each other. Pure.

Azure's network provider takes 1,000 writes in five minutes for a subscription and region, and one at a time for a
network ("Azure Resource Manager request limits: network throttling"). Writes of others count as well: a refusal
tells that the bucket is empty, and what follows is paced as it fills.
"""

from datetime import datetime, timedelta

import msgspec

PACE = timedelta(seconds=0.3)
"""How often the bucket takes one more write."""
BUCKET = PACE * 1000
SIPS = PACE * 10
"""What is used of a bucket that was found empty: little, since others drink from it."""
EMPTY_FOR = timedelta(minutes=5)
COMES_WITHIN = timedelta(seconds=10)
"""How long the first in line has to come when it is called; after that anybody may go."""
MOST_WAITING = 1000


class Turn(msgspec.Struct, frozen=True):
    """The row of one hub. `filled_at` is when the bucket is full again, as far as our own writes empty it."""

    holder: str = ""
    until: datetime | None = None
    waiting: tuple[str, ...] = ()
    called_until: datetime | None = None
    filled_at: datetime | None = None
    empty_until: datetime | None = None


class Next(msgspec.Struct, frozen=True):
    """Who is to be called, and in how many seconds."""

    owner: str
    delay: float


def take(turn: Turn, owner: str, seconds: float, now: datetime) -> tuple[Turn, bool]:
    """The turn as it is after somebody asked for it, and whether it is theirs; whoever has to wait is in line."""
    held = turn.holder and turn.until is not None and turn.until > now
    if held and turn.holder == owner:
        return _held_by(turn, owner, seconds, now), True
    called = turn.waiting[0] if turn.waiting and turn.called_until and turn.called_until > now else owner
    if held or called != owner or _opens_at(turn, now) > now:
        line = turn.waiting if owner in turn.waiting else (*turn.waiting, owner)[:MOST_WAITING]
        return msgspec.structs.replace(turn, waiting=line), False
    # Whoever was called and did not come loses the place, not the right to ask again.
    line = turn.waiting[1:] if turn.called_until else turn.waiting
    line = tuple(w for w in line if w != owner)
    return _held_by(msgspec.structs.replace(turn, waiting=line), owner, seconds, now), True


def give_back(
    turn: Turn, owner: str, now: datetime, *, writes: int = 0, pause: float = 0.0
) -> tuple[Turn, Next | None]:
    """The turn after its holder is done, and who is next.

    `writes` were sent meanwhile; a `pause` in seconds is what Azure asked for when it refused one. Of somebody who
    holds it no longer, only these are taken in.
    """
    turn = _spent(turn, now, writes, pause)
    if turn.holder != owner:
        return turn, None
    turn = msgspec.structs.replace(turn, holder="", until=None, called_until=None)
    if not turn.waiting:
        return turn, None
    opens = _opens_at(turn, now)
    turn = msgspec.structs.replace(turn, called_until=max(opens, now) + COMES_WITHIN)
    return turn, Next(turn.waiting[0], max(0.0, (opens - now).total_seconds()))


def is_idle(turn: Turn, now: datetime) -> bool:
    """Whether nothing of it needs to be remembered."""
    filled = turn.filled_at is None or turn.filled_at <= now
    emptied = turn.empty_until is not None and turn.empty_until > now
    return not turn.holder and not turn.waiting and filled and not emptied


def _held_by(turn: Turn, owner: str, seconds: float, now: datetime) -> Turn:
    until = now + timedelta(seconds=seconds)
    return msgspec.structs.replace(turn, holder=owner, until=until, called_until=None)


def _spent(turn: Turn, now: datetime, writes: int, pause: float) -> Turn:
    filled = max(turn.filled_at or now, now) + PACE * writes
    if not pause:
        return msgspec.structs.replace(turn, filled_at=filled)
    opens = now + timedelta(seconds=pause)
    return msgspec.structs.replace(
        turn, filled_at=max(filled, opens + SIPS), empty_until=max(opens, now) + EMPTY_FOR
    )


def _opens_at(turn: Turn, now: datetime) -> datetime:
    """When the bucket holds enough for one more node."""
    if turn.filled_at is None:
        return now
    room = SIPS if turn.empty_until and turn.empty_until > now else BUCKET
    return turn.filled_at - room
