"""Whose turn it is to write to one hub's network, who waits for it, and how fast writes may follow each other. Pure.

Azure's network provider takes 1,000 writes in five minutes for a subscription and region, and one at a time for a
network ("Azure Resource Manager request limits: network throttling"). Writes of others count as well: a refusal
tells that the bucket is empty, and what follows is paced as it fills.
"""

from collections.abc import Sequence
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
NEXT = 50
"""How many of those in line the row names, so that not every turn reads the whole line."""


class Turn(msgspec.Struct, frozen=True):
    """The row of one hub. `upcoming` are the first in line, the first of whom was called until `called_until`;
    `filled_at` is when the bucket is full again, as far as our own writes empty it.
    """

    holder: str = ""
    until: datetime | None = None
    upcoming: tuple[str, ...] = ()
    called_until: datetime | None = None
    filled_at: datetime | None = None
    empty_until: datetime | None = None


class Next(msgspec.Struct, frozen=True):
    """Who is to be called, and in how many seconds."""

    owner: str
    delay: float


class Taken(msgspec.Struct, frozen=True):
    """A turn that was granted, and whose places in line are free by now: the holder's, and theirs who did not come."""

    turn: Turn
    leaving: tuple[str, ...]


def take(turn: Turn, owner: str, seconds: float, now: datetime) -> Taken | None:
    """The turn as its asker's; None where it is not theirs, and they have to get into line."""
    held = turn.holder and turn.until is not None and turn.until > now
    if held and turn.holder == owner:
        return Taken(_held_by(turn, owner, seconds, now), ())
    called = turn.upcoming[0] if turn.upcoming and turn.called_until and turn.called_until > now else owner
    if held or called != owner or _opens_at(turn, now) > now:
        return None
    # Whoever was called and did not come loses the place, not the right to ask again.
    missing = turn.upcoming[:1] if turn.called_until and turn.upcoming[:1] != (owner,) else ()
    leaving = (owner, *missing)
    upcoming = tuple(w for w in turn.upcoming if w not in leaving)
    return Taken(_held_by(msgspec.structs.replace(turn, upcoming=upcoming), owner, seconds, now), leaving)


def needs_line(turn: Turn, owner: str) -> bool:
    """Whether the line has to be read before an owner gives the turn back."""
    return turn.holder == owner and not turn.upcoming


def give_back(
    turn: Turn, owner: str, now: datetime, line: Sequence[str] = (), *, writes: int = 0, pause: float = 0.0
) -> tuple[Turn, Next | None]:
    """The turn after its holder is done, and who is next; `line` where it had to be read.

    `writes` were sent meanwhile; a `pause` in seconds is what Azure asked for when it refused one. Of somebody who
    holds it no longer, only these are taken in.
    """
    turn = _spent(turn, now, writes, pause)
    if turn.holder != owner:
        return turn, None
    upcoming = turn.upcoming or tuple(w for w in line if w != owner)[:NEXT]
    return _call_first(msgspec.structs.replace(turn, holder="", until=None, upcoming=upcoming), now)


def is_called(turn: Turn, owner: str) -> bool:
    """Whether everybody waits for this one to come."""
    return not turn.holder and turn.called_until is not None and turn.upcoming[:1] == (owner,)


def leave(turn: Turn, owner: str, now: datetime, line: Sequence[str] = ()) -> tuple[Turn, Next | None]:
    """The turn after somebody waits for it no longer, and who is next where that one was called.

    `line` where they were called, and are the last that the row names.
    """
    called = is_called(turn, owner)
    upcoming = tuple(w for w in turn.upcoming if w != owner)
    if not called:
        return msgspec.structs.replace(turn, upcoming=upcoming), None
    upcoming = upcoming or tuple(w for w in line if w != owner)[:NEXT]
    return _call_first(msgspec.structs.replace(turn, upcoming=upcoming), now)


def is_idle(turn: Turn, now: datetime) -> bool:
    """Whether nothing of it needs to be remembered."""
    filled = turn.filled_at is None or turn.filled_at <= now
    emptied = turn.empty_until is not None and turn.empty_until > now
    return not turn.holder and not turn.upcoming and filled and not emptied


def _call_first(turn: Turn, now: datetime) -> tuple[Turn, Next | None]:
    if not turn.upcoming:
        return msgspec.structs.replace(turn, called_until=None), None
    opens = _opens_at(turn, now)
    turn = msgspec.structs.replace(turn, called_until=max(opens, now) + COMES_WITHIN)
    return turn, Next(turn.upcoming[0], max(0.0, (opens - now).total_seconds()))


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
