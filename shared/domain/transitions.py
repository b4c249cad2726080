"""Tables of states: where a command leads from a state, what a state takes, and when it was told. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.domain.errors import Conflict


class Transitions[S: str, C: str]:
    """Of something (`what`, with its article) in one of several states; what is not in the table is refused."""

    def __init__(self, what: str, table: Mapping[tuple[S, C], S]) -> None:
        self._what = what
        self._table = dict(table)

    def allowed(self, state: S) -> tuple[C, ...]:
        """The commands that a state takes."""
        return tuple(command for here, command in self._table if here == state)

    def moved(self, state: S, command: C) -> S:
        """The state that a command leads to. Raises Conflict (`TransitionNotAllowed`), naming what is allowed."""
        after = self._table.get((state, command))
        if after is None:
            ways = ", ".join(f"{c} (to {self._table[state, c]})" for c in self.allowed(state)) or "none"
            message = f"{self._what} that is {state} does not take {command!r}; it takes: {ways}."
            raise Conflict("TransitionNotAllowed", message)
        return after


def later(at: datetime, told: Iterable[datetime | None]) -> datetime:
    """The time of an entry that follows what was told before: histories are read by time, and clocks differ."""
    return max([at, *(before + timedelta(microseconds=1) for before in told if before)])
