"""What an alert owes its handlers: claiming it, striking it out, trying it again. Pure.

A claim is an entry whose time lies ahead: nobody else takes it until then, and who dies leaves it to be taken again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.alert import Alert, Owed


def claimed(alert: Alert, now: datetime, seconds: float) -> tuple[Alert, tuple[Owed, ...]]:
    """The alert with what may be told now claimed for so long, and the claims: one for each handler, the oldest."""
    mine: list[Owed] = []
    heads: set[str] = set()
    rows: list[Owed] = []
    for owed in alert.owed:
        if owed.handler not in heads and owed.at <= now:
            owed = msgspec.structs.replace(
                owed, attempts=owed.attempts + 1, at=now + timedelta(seconds=seconds)
            )
            mine.append(owed)
        heads.add(owed.handler)
        rows.append(owed)
    return msgspec.structs.replace(alert, owed=tuple(rows)), tuple(mine)


def struck(alert: Alert, done: Sequence[Owed]) -> Alert:
    """The alert without what was told or given up, by whomever it is claimed now."""
    gone = {_which(o) for o in done}
    return msgspec.structs.replace(alert, owed=tuple(o for o in alert.owed if _which(o) not in gone))


def postponed(alert: Alert, claim: Owed, later: Owed) -> Alert:
    """The alert whose claim is tried again later; untouched where the claim ran out and somebody else has it."""
    return msgspec.structs.replace(alert, owed=tuple(later if o == claim else o for o in alert.owed))


def owing_again(alert: Alert, owed: Owed) -> Alert:
    """The alert that owes something once more which had been given up; as it is where it owes that already."""
    if _which(owed) in {_which(o) for o in alert.owed}:
        return alert
    return msgspec.structs.replace(alert, owed=(*alert.owed, owed))


def _which(owed: Owed) -> tuple[str, int, str, datetime]:
    return owed.handler, owed.episode, owed.transition, owed.since
