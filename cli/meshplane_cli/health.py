"""Whether the mesh answers."""

import typer

from meshplane_cli.client import document, problem
from meshplane_cli.errors import Unreachable
from meshplane_cli.render import Column
from meshplane_cli.session import Session, command

_DEPENDENCIES = (
    Column("DEPENDENCY", "name"),
    Column("STATE", lambda each: "ok" if each.get("healthy") else "failed"),
    Column("DETAIL", "detail"),
)


def declare(app: typer.Typer) -> None:
    """Adds the command."""

    @command(app, "health")
    def health(session: Session) -> None:
        """Whether each service that the mesh needs answers; exit code 3 where one does not."""
        response = session.client.once("GET", "health")
        found = document(response)
        if found is None or "dependencies" not in found:
            raise problem(response, "GET health")
        session.screen.one(found, lambda told: session.screen.items(told["dependencies"], _DEPENDENCIES))
        if not found.get("healthy"):
            ill = [str(each.get("name")) for each in found["dependencies"] if not each.get("healthy")]
            do = "See what it said; `meshplane doctor` says what to do."
            raise Unreachable(
                f"Not every dependency answers: {', '.join(ill)}.", to="GET health", do=do, status=503
            )
