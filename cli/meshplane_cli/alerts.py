"""Alerts: what fires, what became of it, and who looks after it."""

from typing import Annotated, Literal

import typer

from meshplane_cli.client import Json, segment
from meshplane_cli.decisions import decide
from meshplane_cli.history import with_history
from meshplane_cli.options import History, IfMatch, Limit, OfNode, Reason
from meshplane_cli.parts import show_history
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

app = typer.Typer(name="alerts", help="Alerts: what fires, and who looks after it.", no_args_is_help=True)

State = Literal["Firing", "Acknowledged", "Resolved"]
Severity = Literal["critical", "error", "warning"]
Alert = Annotated[str, typer.Argument(help="An alert's id.", show_default=False)]

_LIST = (
    Column("ALERT", "id"),
    Column("SEVERITY", "severity"),
    Column("STATE", "state"),
    Column("TITLE", "title"),
    Column("COUNT", "count"),
    Column("LAST", "last_at"),
    Column("NODE", lambda alert: str(alert.get("node", "")).removeprefix("node/")),
    Column("RULE", "rule"),
    Column("SINCE", "first_at"),
    Column("SILENCED BY", "silenced_by"),
)
_FACTS = (
    ("Alert", "id"),
    ("Title", "title"),
    ("State", "state"),
    ("Severity", "severity"),
    ("Rule", "rule"),
    ("Node", "node"),
    ("Domain", "domain"),
    ("Resource", "resource"),
    ("Category", "category"),
    ("Operation", "operation"),
    ("Group", "group"),
    ("Count", "count"),
    ("Episode", "episode"),
    ("Since", "first_at"),
    ("Last", "last_at"),
    ("Told at", "told_at"),
    ("Resolves by itself", "resolves_at"),
    ("Quiet until", "quiet_until"),
    ("Silenced by", "silenced_by"),
    ("Decided by", "by"),
    ("Reason", "reason"),
    ("It takes", "commands"),
)
_WAITING = (
    Column("HANDLER", "handler"),
    Column("OF", "transition"),
    Column("TRIES", "tries"),
    Column("NEXT TRY", "next_try"),
    Column("REASON", "reason"),
)


@command(app, "list")
def list_alerts(
    session: Session,
    node: OfNode = "",
    state: Annotated[State | None, typer.Option("--state", help="Only alerts in this state.")] = None,
    rule: Annotated[str, typer.Option("--rule", help="Only alerts of this rule.", show_default=False)] = "",
    severity: Annotated[Severity | None, typer.Option("--severity", help="Only alerts so severe.")] = None,
    limit: Limit = 0,
) -> None:
    """Alerts in the order of nodes."""
    query = {"node": node, "state": state, "rule": rule, "severity": severity}
    session.screen.items(
        list(session.client.items("alerts", query, limit)), _LIST, "There are no such alerts."
    )


@command(app, "show")
def show(session: Session, alert: Alert, history: History = False) -> None:
    """One alert: what it is about, who has not been told of it yet, and its history."""
    found = with_history(session.client, _path(alert), whole=history)
    session.screen.one(found, lambda told: _show(session.screen, told))


@command(app, "acknowledge")
def acknowledge(session: Session, alert: Alert, reason: Reason, if_match: IfMatch = "") -> None:
    """Says that somebody looks after an alert."""
    _decide(session, alert, "acknowledge", reason, if_match)


@command(app, "resolve")
def resolve(session: Session, alert: Alert, reason: Reason, if_match: IfMatch = "") -> None:
    """Says that an alert is over; its next firing is a new episode."""
    _decide(session, alert, "resolve", reason, if_match)


def _decide(session: Session, alert: str, what: str, reason: str, if_match: str) -> None:
    found = decide(session.client, _path(alert), what, {"reason": reason}, if_match, ("state", "episode"))
    session.screen.one(found, lambda told: _show(session.screen, told))


def _path(alert: str) -> str:
    return f"alerts/{segment(alert.strip().removeprefix('alert/'))}"


def _show(screen: Screen, alert: Json) -> None:
    screen.facts([(title, alert.get(name)) for title, name in _FACTS])
    screen.part("Still to be told", alert.get("waiting", []), _WAITING)
    show_history(screen, alert)
