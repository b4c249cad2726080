"""Silences: alerts that are recorded and not told of for a while."""

from datetime import UTC, datetime, timedelta
from re import fullmatch
from typing import Annotated

import typer

from meshplane_cli.client import segment
from meshplane_cli.errors import Unusable
from meshplane_cli.options import Reason
from meshplane_cli.render import Column
from meshplane_cli.session import Session, command

app = typer.Typer(
    name="silences", help="Silences: alerts to be kept quiet for a while.", no_args_is_help=True
)

_LIST = (
    Column("SILENCE", "id"),
    Column("UNTIL", "until"),
    Column("ENDED", "ended"),
    Column("RULE", "rule"),
    Column("NODE", lambda silence: str(silence.get("node", "")).removeprefix("node/")),
    Column("BY", "by"),
    Column("REASON", "reason"),
)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@command(app, "list")
def list_silences(session: Session) -> None:
    """Every silence, the one that ends last first."""
    session.screen.items(session.client.whole("silences"), _LIST, "There are no silences.")


@command(app, "create")
def create(
    session: Session,
    reason: Reason,
    until: Annotated[
        str,
        typer.Option(
            "--until", "-u", help="When it ends: a time with its zone, or 30m, 8h, 7d.", show_default=False
        ),
    ],
    node: Annotated[str, typer.Option("--node", help="Alerts of this node.", show_default=False)] = "",
    rule: Annotated[str, typer.Option("--rule", help="Alerts of this rule.", show_default=False)] = "",
) -> None:
    """Keeps alerts quiet: of a node, of a rule, or of a rule at a node."""
    body = {"node": node, "rule": rule, "until": _time(until, datetime.now(UTC)), "reason": reason}
    found = session.client.post("silences", {name: value for name, value in body.items() if value}).body
    session.screen.one(found, lambda told: session.screen.items([told], _LIST))


@command(app, "delete")
def delete(
    session: Session, silence: Annotated[str, typer.Argument(help="A silence's id.", show_default=False)]
) -> None:
    """Ends a silence: what still fires is told of soon."""
    found = session.client.delete(f"silences/{segment(silence)}").body
    session.screen.one(found, lambda told: session.screen.items([told], _LIST))


def _time(text: str, now: datetime) -> str:
    """A time, or one so far away. Raises Unusable."""
    span = fullmatch(r"(\d{1,5})([mhd])", text.strip())
    if span:
        return (now + timedelta(**{_UNITS[span[2]]: int(span[1])})).isoformat()
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Unusable("This is no time.", to=text, do="Give one such as 2026-12-24T18:00Z, or 30m, 8h, 7d.")
    return time.isoformat()
