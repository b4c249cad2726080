"""The versions of the client and of the app."""

import typer

from meshplane_cli.client import Json, document
from meshplane_cli.errors import MeshplaneError
from meshplane_cli.session import Session, command
from meshplane_cli.version import VERSION


def declare(app: typer.Typer) -> None:
    """Adds the command."""

    @command(app, "version")
    def version(session: Session) -> None:
        """The client's version, and the app's where its address is given and it answers."""
        found: Json = {"client": VERSION, "app": None}
        if session.url:
            try:
                found["app"] = (document(session.client.once("GET", "health")) or {}).get("version")
            except MeshplaneError as error:
                session.screen.say(error.what)
        session.screen.one(
            found, lambda told: session.screen.facts([("Client", told["client"]), ("App", told["app"])])
        )
