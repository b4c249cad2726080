"""Looking at something until it has come to a state, in steady steps."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from meshplane_cli.client import Client, Json
from meshplane_cli.errors import EndedBadly, TooLate, Unreachable
from meshplane_cli.render import Screen
from meshplane_cli.text import in_words


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked at, the states that are wished, and those from which it does not come there by itself."""

    path: str
    name: str
    wished: Collection[str]
    bad: Collection[str]
    why: Callable[[Json], object]
    do: str


def watch(
    client: Client,
    screen: Screen,
    watched: Watch,
    *,
    interval: float,
    patience: float,
    clock: Callable[[], float] = time.monotonic,
) -> Json:
    """What was seen last, in a state that is wished. Each state is said once.

    The first look has to succeed; afterwards an app that does not answer for a while is waited for, as long as it
    asks for. Raises EndedBadly, TooLate; Refused, Unreachable by the first look.
    """
    end, seen = clock() + patience, client.get(watched.path).body
    said: object = None
    while True:
        now = (seen.get("state"), watched.why(seen))
        if now != said:
            said = now
            screen.say(f"{watched.name}: {in_words(now[0])}" + (f" ({in_words(now[1])})" if now[1] else ""))
        if now[0] in watched.wished:
            return seen
        if now[0] in watched.bad:
            what = f"It is {now[0]}, and does not become {' or '.join(watched.wished)} by itself."
            raise EndedBadly(what, to=watched.name, do=watched.do)
        wait = interval
        if clock() + wait > end:
            what = f"It is {now[0]}, not {' or '.join(watched.wished)}, after {patience:g} seconds."
            raise TooLate(
                what, to=watched.name, do="Watch on with a longer --timeout, or see its conditions."
            )
        client.pause(wait)
        seen = _again(client, watched.path, seen, screen)


def _again(client: Client, path: str, seen: Json, screen: Screen) -> Json:
    try:
        return client.get(path).body
    except Unreachable as error:
        screen.say(f"{error.what} Looking again.")
        client.pause(error.retry_after)
        return seen
