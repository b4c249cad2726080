"""Dead letters: what could not be handled, and handling it again."""

from typing import Annotated, Any, Literal

import typer

from meshplane_cli.client import Client, Json, segment
from meshplane_cli.errors import Refused, Unusable
from meshplane_cli.options import Limit, OfNode
from meshplane_cli.render import Column
from meshplane_cli.session import Session, command

app = typer.Typer(name="deadletters", help="Dead letters: what could not be handled.", no_args_is_help=True)

Kind = Annotated[
    Literal["event", "telemetry", "key", "delivery"] | None,
    typer.Option("--kind", help="Only dead letters of this kind."),
]
Since = Annotated[
    str, typer.Option("--from", help="Only since then, such as 2026-01-05T08:00:00Z.", show_default=False)
]
Until = Annotated[str, typer.Option("--to", help="Only until then.", show_default=False)]

_LIST = (
    Column("DEAD LETTER", "id"),
    Column("KIND", "kind"),
    Column("AT", "at"),
    Column("REASON", "reason"),
    Column("KEY", "key"),
    Column("NODE", lambda letter: str(letter.get("node", "")).removeprefix("node/")),
    Column("SOURCE", "source"),
)
_KEPT = (Column("KEPT", "id"), Column("CODE", "code"), Column("REASON", "reason"))
_AT_ONCE = 100  # the API handles no more in one request


@command(app, "list")
def list_letters(
    session: Session,
    kind: Kind = None,
    node: OfNode = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 0,
) -> None:
    """Dead letters, the newest first."""
    query = {"kind": kind, "node": node, "from": since, "to": until}
    session.screen.items(list(session.client.items("deadletters", query, limit)), _LIST, "There are none.")


@command(app, "replay")
def replay(
    session: Session,
    letter: Annotated[str, typer.Argument(help="One dead letter's id; else --all.", show_default=False)] = "",
    every: Annotated[bool, typer.Option("--all", help="All that the other options leave.")] = False,
    kind: Kind = None,
    node: OfNode = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 0,
) -> None:
    """Has dead letters handled again; exit code 1 where one still cannot be, and is kept."""
    if bool(letter) == every:
        raise Unusable("Name one dead letter, or give --all.", do="`meshplane deadletters list` shows them.")
    if letter:
        found = session.client.post(f"deadletters/{segment(letter)}/replay").body
        session.screen.one(found, lambda told: session.screen.line(f"{told.get('id')} was handled again."))
        return
    query = {"kind": kind, "node": node, "from": since, "to": until}
    taken, kept = _replay_all(session.client, query, limit)
    session.screen.one(
        {"taken": taken, "kept": kept}, lambda _: session.screen.line(f"Handled again: {len(taken)}.")
    )
    if kept:
        if session.screen.output == "table":
            session.screen.part(f"Kept: {len(kept)}", kept, _KEPT)
        raise Refused(
            "Some still cannot be handled.",
            to="dead letters",
            do="Mend what their reasons name, replay again.",
        )


def _replay_all(client: Client, query: dict[str, Any], limit: int) -> tuple[list[str], list[Json]]:
    """The ids of those that are gone, and those that are kept. Raises as `Client.post`."""
    taken: list[str] = []
    kept: list[Json] = []
    continuation = ""
    while True:
        left = limit - len(taken) - len(kept)
        top = min(left, _AT_ONCE) if limit else _AT_ONCE
        page = client.post(
            "deadletters/replay", query={**query, "top": top, "continuation": continuation}
        ).body
        taken += page.get("taken", [])
        kept += page.get("kept", [])
        continuation = page.get("continuation", "")
        if not continuation or (limit and len(taken) + len(kept) >= limit):
            return taken, kept
