"""The states of an alert and what moves it from one to another, as data. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from shared.domain.alert import Alert, AlertState, Mark, Occurrence, Owed, Silence, Transition
from shared.domain.high_water import is_above, raised
from shared.domain.node import HistoryEntry
from shared.domain.transitions import Transitions, later

type Command = Literal[
    "fire",  # the rule's condition holds, again or still
    "acknowledge",
    "resolve",
    "clear",  # the condition holds no longer, or it has not fired for long
]

TRANSITIONS: dict[tuple[AlertState, Command], AlertState] = {
    ("Firing", "fire"): "Firing",
    ("Firing", "acknowledge"): "Acknowledged",
    ("Firing", "resolve"): "Resolved",
    ("Firing", "clear"): "Resolved",
    ("Acknowledged", "fire"): "Acknowledged",
    ("Acknowledged", "resolve"): "Resolved",
    ("Acknowledged", "clear"): "Resolved",
    ("Resolved", "fire"): "Firing",
}
"""Where a command leads from a state; what is not here is refused."""

MESHPLANE = "meshplane"
RECORD = "record"
"""The handler that has nothing to do: every alert is recorded."""
REMEDIATE = "remediate"
"""The handler that acts rather than tells: it hears of every firing, whatever keeps people from hearing of it."""
MOST_OWED = 100
"""Notices that one alert may owe; while it owes more, episodes are recorded and not told."""
BEHIND_SECONDS = 600.0
LONGEST_JOURNAL = 500
MOST_SEEN = 2_000


_STATES: Transitions[AlertState, Command] = Transitions("An alert", TRANSITIONS)
allowed = _STATES.allowed
moved = _STATES.moved


def fired(stored: Alert | None, found: Occurrence, now: datetime, silence: Silence | None) -> Alert:
    """The alert with what a rule found; the stored one itself where that tells it nothing new.

    What was counted before is left out event by event. `silence` is the one that keeps it quiet now.
    """
    if stored is None:
        return _acting(_told(_begun(_new(found), found, now), found.cool_down, now, silence), now)
    if not _is_news(stored, found):
        return stored
    if stored.state == "Resolved":
        return _acting(_told(_begun(stored, found, now), found.cool_down, now, silence), now)
    alert = _counted(stored, found, now)
    alert = msgspec.structs.replace(
        alert, first_at=min(stored.first_at, found.first_at), last_at=max(stored.last_at, found.last_at)
    )
    return _acting(told_if_quiet(alert, now, silence), now)


def told_if_quiet(alert: Alert, now: datetime, silence: Silence | None) -> Alert:
    """The alert with its handlers owed what a silence or a cool-down kept from them, once these are over."""
    if alert.state != "Firing" or alert.quiet_until is None:
        return alert
    if silence is None and not alert.silenced_by and alert.quiet_until > now:
        return alert
    return _told(alert, 0.0, now, silence)


def acknowledged(alert: Alert, by: str, reason: str, now: datetime) -> Alert:
    """Somebody looks after it. Raises as `moved`."""
    return _moved(alert, "acknowledge", "acknowledged", by, reason, now)


def resolved(alert: Alert, by: str, reason: str, now: datetime) -> Alert:
    """Somebody says that it is over. Raises as `moved`."""
    return _moved(alert, "resolve", "resolved", by, reason, now)


def cleared(alert: Alert, reason: str, now: datetime) -> Alert:
    """The alert once its condition holds no longer; one that is Resolved stays as it is."""
    if alert.state == "Resolved":
        return alert
    return _moved(alert, "clear", "resolved", MESHPLANE, reason, now)


def with_due(alert: Alert) -> Alert:
    """The alert with the time at which somebody has to look at it, after whatever happened to it."""
    open_since = alert.resolve_at if alert.state != "Resolved" else None
    quiet = alert.quiet_until if alert.state == "Firing" else None
    untold = alert.journal[0].at if alert.journal else None
    heads = {o.handler: o for o in reversed(alert.owed)}  # later ones wait for the first
    times = [t for t in (open_since, quiet, untold, *(o.at for o in heads.values())) if t]
    return msgspec.structs.replace(alert, due=min(times, default=None))


def noted(alert: Alert, cause: str, now: datetime, *changes: str) -> Alert:
    """The alert with one more entry that its history is to have."""
    at = later(now, [*(e.at for e in alert.journal[-1:]), alert.changed_at])
    entry = HistoryEntry(
        at=at,
        key=f"alert/{alert.id}",
        cause=cause,
        outcome=alert.state,
        changes=changes,
        generation=alert.episode,
    )
    # Only what nobody wrote down for hours gets so long; an alert that flaps must not outgrow its row.
    kept = alert.journal if len(alert.journal) < LONGEST_JOURNAL else alert.journal[1:]
    return msgspec.structs.replace(alert, journal=(*kept, entry), changed_at=at)


def _new(found: Occurrence) -> Alert:
    return Alert(
        id=found.id,
        rule=found.rule,
        group=found.group,
        node=found.node,
        domain=found.domain,
        resource=found.resource,
        severity=found.severity,
        state="Resolved",
        title=found.title,
        first_at=found.first_at,
        last_at=found.last_at,
        count=0,
        episode=0,
    )


def _is_news(stored: Alert, found: Occurrence) -> bool:
    if not found.counts:
        grown = stored.state != "Resolved" and found.total is not None and found.total > stored.count
        return grown or found.last_at > stored.last_at
    mark = stored.seen.get(found.partition)
    return any(is_above(mark, sequence, at) for sequence, (_, at) in found.counts.items())


def _begun(stored: Alert, found: Occurrence, now: datetime) -> Alert:
    """A new episode."""
    fresh = msgspec.structs.replace(
        stored,
        state=moved(stored.state, "fire"),
        count=0,
        episode=stored.episode + 1,
        first_at=found.first_at,
        last_at=found.last_at,
        handlers=tuple(h for h in dict.fromkeys(found.handlers) if h != RECORD),
        silenced_by="",
        by="",
        reason="",
    )
    alert = _counted(fresh, found, now)
    before = stored.state if stored.episode else "none"
    return noted(
        alert, f"rule {found.rule}", now, f"state: {before} -> {alert.state}", f"count: {alert.count}"
    )


def _counted(stored: Alert, found: Occurrence, now: datetime) -> Alert:
    mark = stored.seen.get(found.partition)
    fresh = sum(n for s, (n, at) in found.counts.items() if is_above(mark, s, at))
    marked = raised(mark, {s: at for s, (_, at) in found.counts.items()})
    later = found.last_at >= stored.last_at
    return msgspec.structs.replace(
        stored,
        severity=found.severity,
        title=found.title if later else stored.title,
        resource=found.resource if later else stored.resource,
        category=found.category if later else stored.category,
        operation=found.operation if later else stored.operation,
        count=stored.count + fresh if found.total is None else max(stored.count, found.total),
        seen=_kept({**stored.seen, found.partition: marked}) if marked else stored.seen,
        resolve_at=now + timedelta(seconds=found.auto_resolve) if found.auto_resolve > 0 else None,
    )


def _kept(seen: Mapping[str, Mark]) -> Mapping[str, Mark]:
    """The marks without the oldest of too many: each event that is replayed has a partition of its own."""
    if len(seen) <= MOST_SEEN:
        return seen
    return dict(sorted(seen.items(), key=lambda each: each[1][1])[-MOST_SEEN:])


def _told(alert: Alert, cool_down: float, now: datetime, silence: Silence | None) -> Alert:
    """The alert with its handlers owed its firing, or with what keeps it quiet."""
    if silence:
        if alert.silenced_by == silence.id and alert.quiet_until == silence.until:
            return alert
        quiet = msgspec.structs.replace(alert, silenced_by=silence.id, quiet_until=silence.until)
        return noted(quiet, f"silence {silence.id}", now, f"told: not before {silence.until.isoformat()}")
    until = _cool_until(alert, cool_down)
    if until and until > now:
        quiet = msgspec.structs.replace(alert, silenced_by="", quiet_until=until)
        return noted(quiet, "cool-down", now, f"told: not before {until.isoformat()}")
    if len(alert.owed) >= MOST_OWED:
        until = now + timedelta(seconds=BEHIND_SECONDS)
        return msgspec.structs.replace(alert, silenced_by="", quiet_until=until)
    open_ = msgspec.structs.replace(alert, silenced_by="", quiet_until=None, told=alert.episode, told_at=now)
    return _owing(open_, "fired", now)


def _cool_until(alert: Alert, cool_down: float) -> datetime | None:
    if alert.told_at is None or cool_down <= 0:
        return None
    return alert.told_at + timedelta(seconds=cool_down)


def _moved(
    alert: Alert, command: Command, transition: Transition, by: str, reason: str, now: datetime
) -> Alert:
    after = moved(alert.state, command)
    changed = msgspec.structs.replace(alert, state=after, by=by, reason=reason, quiet_until=None)
    changes = (f"state: {alert.state} -> {after}", f"reason: {reason}")
    changed = noted(changed, f"{command} by {by}", now, *changes)
    # Whoever never heard of the firing has nothing to hear of its end.
    return _owing(changed, transition, now) if alert.told == alert.episode else changed


def _owing(alert: Alert, transition: Transition, now: datetime) -> Alert:
    owed = (_notice(alert, h, transition, now) for h in alert.handlers if h != REMEDIATE)
    return msgspec.structs.replace(alert, owed=(*alert.owed, *owed))


def _acting(alert: Alert, now: datetime) -> Alert:
    """The alert that owes the handler which acts another look, unless one is owed that nobody has begun."""
    waits = any(o.handler == REMEDIATE and not o.attempts for o in alert.owed)
    if REMEDIATE not in alert.handlers or waits:
        return alert
    return msgspec.structs.replace(alert, owed=(*alert.owed, _notice(alert, REMEDIATE, "fired", now)))


def _notice(alert: Alert, handler: str, transition: Transition, now: datetime) -> Owed:
    return Owed(handler=handler, transition=transition, at=now, since=now, episode=alert.episode)
