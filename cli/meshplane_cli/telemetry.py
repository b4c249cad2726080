"""Named queries over the telemetry."""

from operator import itemgetter
from typing import Annotated

import typer

from meshplane_cli.client import Json, segment
from meshplane_cli.errors import Unusable
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

app = typer.Typer(name="telemetry", help="Telemetry: named queries.", no_args_is_help=True)

_QUERIES = (
    Column("QUERY", "name"),
    Column("PARAMETERS", lambda query: [_parameter(each) for each in query.get("parameters", [])]),
    Column("ABOUT", "about"),
)
_DEFAULT_ROWS = 100
_MOST_ROWS = 1000


@command(app, "list")
def list_queries(session: Session) -> None:
    """Every named query: what it answers, and which parameters it takes."""
    session.screen.items(session.client.whole("telemetry"), _QUERIES, "There are no queries.")


@command(app, "run")
def run(
    session: Session,
    query: Annotated[str, typer.Argument(help="A query's name, as `list` shows it.", show_default=False)],
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value, as often as needed.", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=_MOST_ROWS, help="How many rows at most.")
    ] = _DEFAULT_ROWS,
) -> None:
    """What a named query finds in the log store."""
    asked = dict(map(_named, parameter or []))
    found = session.client.get(f"telemetry/{segment(query)}", {**asked, "top": limit}).body
    session.screen.one(found, lambda told: _show(session.screen, told))


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise Unusable("This is no parameter.", to=text, do="Write it as name=value, such as hours=24.")
    return name, value


def _parameter(parameter: Json) -> str:
    default = parameter.get("default")
    return f"{parameter.get('name')}={default}" if default else str(parameter.get("name"))


def _show(screen: Screen, found: Json) -> None:
    names = [str(column.get("name")) for column in found.get("columns", [])]
    columns = [Column(name, itemgetter(name)) for name in names]
    screen.items(found.get("rows", []), columns, "It finds nothing.")
    if found.get("more"):
        screen.say("There are more rows: ask for them with --limit.")
    if found.get("partial"):
        screen.say(f"The log store could not look at everything: {found['partial']}")
