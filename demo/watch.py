"""Waiting for what is claimed, by looking; and saying it only once it was seen."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap

from azure.core.exceptions import AzureError
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding

from demo.api import ApiFailed

SECONDS_BETWEEN_LOOKS = 0.2
INDENT = 5
WIDTH = 120
SHORTEST_SECONDS_SHOWN = 0.2
SECONDS_BETWEEN_SIGNS_OF_LIFE = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found: whether it is what was claimed, and in words what it is."""

    holds: bool
    what: str


type Look = Callable[[], Seen]
type Show = Callable[[float, str], None]


class ClaimFailed(Exception):
    """Something claimed was not observed in time; the message says what was seen instead."""

    def __init__(self, claim: str, seconds: float, seen: str) -> None:
        super().__init__(f"not observed within {seconds:.0f} s: {claim}. Last seen: {seen}")


class Watch:
    """Tells the story: what people do, what is awaited, what was observed.

    On a terminal what is awaited is shown live; elsewhere every line is plain text that stays.
    """

    def __init__(self, console: Console, pause: float = SECONDS_BETWEEN_LOOKS) -> None:
        self._console = console
        self._pause = pause
        self._claims = 0

    @property
    def claims(self) -> int:
        """How many claims were observed."""
        return self._claims

    def act(self, title: str) -> None:
        """A new part of the story."""
        self._console.print()
        self._console.print(f"[bold]{escape(title)}[/bold]")

    def did(self, what: str) -> None:
        """Something that people, or fate, just did."""
        self._line("[cyan]->[/cyan]", what)

    def tell(self, what: str) -> None:
        """Something for the reader to know."""
        self._line("  ", what, style="dim")

    def show(self, what: RenderableType) -> None:
        """A table or the like, below what was just said."""
        self._console.print(Padding(what, (0, 0, 0, INDENT)))

    def claim(self, claim: str, look: Look, seconds: float = 30.0, since: float | None = None) -> float:
        """Looks until the claim holds and prints it with what was seen; answers the seconds it took.

        They count from `since` on the monotonic clock, else from now. Raises ClaimFailed.
        """
        started = time.monotonic()
        with self._waiting(claim) as show:
            seen = self._look_until(claim, look, seconds, show)
        took = time.monotonic() - (since or started)
        self._claims += 1
        what = f": {seen.what}" if seen.what else ""
        lasted = f" ({took:.1f} s)" if took >= SHORTEST_SECONDS_SHOWN else ""
        self._line("[green]ok[/green]", claim + what + lasted)
        return took

    def _line(self, mark: str, text: str, style: str = "default") -> None:
        """A line after a mark of two characters; what is too long goes on below, between its words."""
        wrapped = wrap(text, WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)
        below = f"\n{' ' * INDENT}"
        self._console.print(f"  {mark} [{style}]{escape(below.join(wrapped))}[/{style}]", soft_wrap=True)

    def _look_until(self, claim: str, look: Look, seconds: float, show: Show) -> Seen:
        started = time.monotonic()
        while True:
            seen = _seen(look)
            passed = time.monotonic() - started
            if seen.holds:
                return seen
            if passed > seconds:
                raise ClaimFailed(claim, seconds, seen.what)
            show(passed, seen.what)
            time.sleep(self._pause)

    @contextmanager
    def _waiting(self, claim: str) -> Iterator[Show]:
        """How to show what was seen while waiting: live on a terminal, else as a line every now and then."""
        if not self._console.is_terminal:
            yield self._sign_of_life()
            return
        with self._console.status(escape(f"until {claim} ...")) as status:
            yield lambda passed, what: status.update(escape(f"until {claim} ... {passed:.0f} s: {what}"))

    def _sign_of_life(self) -> Show:
        told = 0.0

        def show(passed: float, what: str) -> None:
            nonlocal told
            if passed - told > SECONDS_BETWEEN_SIGNS_OF_LIFE:
                told = passed
                self.tell(f"... {passed:.0f} s: {what}")

        return show


def _seen(look: Look) -> Seen:
    """A look that cannot be taken has seen nothing yet: it is taken again while there is time."""
    try:
        return look()
    except (ApiFailed, AzureError) as error:
        return Seen(False, f"{type(error).__name__}: {error}")
