"""Leases and dead letters in memory."""

import asyncio
from datetime import datetime

import msgspec

from shared.domain.turn import Next, Turn, give_back, leave, needs_line, take
from shared.ports import TEXT_LIMIT, Clock, DeadLetter, Page
from tests.fakes.paging import newest_first, page_of


class InMemoryLeases:
    """Leases on the test's clock."""

    def __init__(self, clock: Clock) -> None:
        self.turns: dict[str, Turn] = {}
        self.lines: dict[str, list[str]] = {}
        self._clock = clock

    @property
    def held(self) -> list[str]:
        """The names that somebody holds."""
        return [name for name, turn in self.turns.items() if turn.holder]

    async def acquire(self, name: str, owner: str, seconds: float) -> bool:
        await asyncio.sleep(0)
        line = self.lines.setdefault(name, [])
        taken = take(self.turns.get(name, Turn()), owner, seconds, self._clock.now())
        if taken is None:
            line += [] if owner in line else [owner]
            return False
        self.turns[name] = taken.turn
        self.lines[name] = [waiting for waiting in line if waiting not in taken.leaving]
        return True

    async def release(self, name: str, owner: str, *, writes: int = 0, pause: float = 0.0) -> Next | None:
        await asyncio.sleep(0)
        turn = self.turns.get(name, Turn())
        line = self.lines.get(name, []) if needs_line(turn, owner) else []
        self.turns[name], following = give_back(
            turn, owner, self._clock.now(), line, writes=writes, pause=pause
        )
        return following

    async def leave(self, name: str, owner: str) -> Next | None:
        await asyncio.sleep(0)
        turn, line = self.turns.get(name, Turn()), self.lines.get(name, [])
        if turn.holder == owner:
            return None
        self.lines[name] = [waiting for waiting in line if waiting != owner]
        self.turns[name], following = leave(turn, owner, self._clock.now(), line)
        return following


class InMemoryDeadLetters:
    """DeadLetters."""

    def __init__(self) -> None:
        self.letters: dict[str, DeadLetter] = {}

    async def add(self, letter: DeadLetter) -> None:
        await asyncio.sleep(0)
        stored = self.letters.get(letter.id)
        if stored is None or stored.at < letter.at:
            self.letters[letter.id] = msgspec.structs.replace(
                letter, reason=letter.reason[:TEXT_LIMIT], source=letter.source[:TEXT_LIMIT]
            )

    async def get(self, letter_id: str) -> DeadLetter | None:
        await asyncio.sleep(0)
        return self.letters.get(letter_id)

    async def list(
        self,
        *,
        kind: str = "",
        node: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        size: int = 100,
        continuation: str = "",
    ) -> Page[DeadLetter]:
        await asyncio.sleep(0)
        rows = [r for r in self.letters.values() if kind in ("", r.kind) and node in ("", r.node or r.key)]
        rows = [r for r in rows if (not since or r.at >= since) and (not until or r.at <= until)]
        scope = f"deadletters {kind} {node} {since} {until}"
        page = page_of(sorted(rows, key=_newest_first), scope, _newest_first, size, continuation)
        return Page(tuple(msgspec.structs.replace(r, body=b"") for r in page.items), page.continuation)

    async def remove(self, letter_id: str) -> None:
        await asyncio.sleep(0)
        self.letters.pop(letter_id, None)


def _newest_first(letter: DeadLetter) -> str:
    return f"{newest_first(letter.at)} {letter.id}"
