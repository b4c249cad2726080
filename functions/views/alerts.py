"""Alerts and silences."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from functions.views.plans import HistoryView
from shared.domain.alert import Alert, AlertState, Owed, Severity, Silence, Transition
from shared.domain.alert_states import allowed


class AlertItem(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of a list; `count` is of its present episode, `silenced_by` the silence that keeps it quiet."""

    id: str
    rule: str
    severity: Severity
    state: AlertState
    title: str
    node: str
    domain: str
    resource: str
    category: str
    operation: str
    count: int
    episode: int
    first_at: datetime
    last_at: datetime
    silenced_by: str


class NoticeView(msgspec.Struct, frozen=True):
    """A handler that is still to be told: of what, when it is tried next, how often it was, and what it said."""

    handler: str
    transition: Transition
    next_try: datetime
    tries: int
    reason: str


class AlertDetail(AlertItem, frozen=True, kw_only=True):
    """One alert. `by` and `reason` tell who acknowledged or resolved it, `resolves_at` when it ends by itself."""

    group: str
    by: str
    reason: str
    told_at: datetime | None
    quiet_until: datetime | None
    resolves_at: datetime | None
    handlers: tuple[str, ...]
    waiting: list[NoticeView]
    commands: tuple[str, ...]
    history: list[HistoryView]
    more_history: str


class SilenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """A silence; of every node where `node` is empty, of every rule where `rule` is."""

    id: str
    node: str
    rule: str
    until: datetime
    by: str
    reason: str
    created_at: datetime
    ended: bool


def alert_item(alert: Alert) -> AlertItem:
    """An alert for a list."""
    return AlertItem(**{name: getattr(alert, name) for name in AlertItem.__struct_fields__})


def alert_detail(alert: Alert, history: Sequence[HistoryView], more_history: str) -> AlertDetail:
    """An alert with what its handlers wait for and what became of it."""
    item = {name: getattr(alert, name) for name in AlertItem.__struct_fields__}
    return AlertDetail(
        **item,
        group=alert.group,
        by=alert.by,
        reason=alert.reason,
        told_at=alert.told_at,
        quiet_until=alert.quiet_until,
        resolves_at=alert.resolve_at if alert.state != "Resolved" else None,
        handlers=alert.handlers,
        waiting=[_notice(owed) for owed in alert.owed],
        commands=commands(alert.state),
        history=list(history),
        more_history=more_history,
    )


def silence_item(silence: Silence, now: datetime) -> SilenceItem:
    """A silence for people."""
    return SilenceItem(
        id=silence.id,
        node=silence.node,
        rule=silence.rule,
        until=silence.until,
        by=silence.by,
        reason=silence.reason,
        created_at=silence.created_at,
        ended=silence.until <= now,
    )


def commands(state: AlertState) -> tuple[str, ...]:
    """What people may do to an alert in a state."""
    return tuple(command for command in allowed(state) if command in ("acknowledge", "resolve"))


def _notice(owed: Owed) -> NoticeView:
    return NoticeView(owed.handler, owed.transition, owed.at, owed.attempts, owed.reason)
