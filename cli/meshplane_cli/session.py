"""What every command has: the API, the screen, and the options that decide about both."""

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, wraps
from typing import Annotated, Any, Concatenate, Self

import typer

from meshplane_cli.access import Auth, address, bearer, function_key
from meshplane_cli.client import Client, connect
from meshplane_cli.errors import BROKEN_PIPE, MeshplaneError
from meshplane_cli.render import Output, Screen

_PANEL = "Where and who"

Url = Annotated[
    str,
    typer.Option(
        "--url", envvar="MESHPLANE_URL", help="The app's address.", rich_help_panel=_PANEL, show_default=False
    ),
]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="MESHPLANE_KEY",
        help="The function key; better in the environment, as others see a command's options.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Sign = Annotated[
    Auth,
    typer.Option(
        "--auth",
        envvar="MESHPLANE_AUTH",
        help="The function key alone, or a token of Microsoft Entra beside it.",
        rich_help_panel=_PANEL,
    ),
]
Scope = Annotated[
    str,
    typer.Option(
        "--scope",
        envvar="MESHPLANE_SCOPE",
        help="What the token is for, such as <client id>/.default.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Show = Annotated[
    Output,
    typer.Option(
        "--output",
        "-o",
        envvar="MESHPLANE_OUTPUT",
        help="A table for people, or JSON.",
        rich_help_panel=_PANEL,
    ),
]


class Session:
    """One command's run: where the app is and who calls, as it was given, and the screen."""

    def __init__(self, screen: Screen, url: str, key: str, auth: Auth, scope: str) -> None:
        self.screen = screen
        self.url = url
        self.key = key
        self.auth = auth
        self.scope = scope
        self._open = ExitStack()

    @cached_property
    def client(self) -> Client:
        """What speaks to the app. Raises Unusable."""
        client = connect(address(self.url), function_key(self.key), bearer(self.auth, self.scope))
        self._open.callback(client.close)
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def command[**P](
    app: typer.Typer, name: str
) -> Callable[[Callable[Concatenate[Session, P], None]], Callable[Concatenate[Session, P], None]]:
    """Declares a command: a function of the session and of its own options, to which those of every command are added.

    Its docstring is its help. What it raises of `MeshplaneError` is shown, and becomes the exit code.
    """

    def declare(function: Callable[Concatenate[Session, P], None]) -> Callable[Concatenate[Session, P], None]:
        @wraps(function)
        def run(**options: Any) -> None:
            of_session = {option: options.pop(option) for option in OPTIONS}
            session = Session(Screen(of_session.pop("output")), **of_session)
            try:
                with session:
                    function(session, **options)  # type: ignore[call-arg]  # typer calls by name alone
            except MeshplaneError as error:
                session.screen.fault(error)
                raise typer.Exit(error.exit_code) from None
            except BrokenPipeError:
                raise typer.Exit(BROKEN_PIPE) from None

        run.__signature__ = _signature(function)  # type: ignore[attr-defined]  # where typer reads options
        app.command(name)(run)
        return function

    return declare


OPTIONS = {
    "url": (Url, ""),
    "key": (Key, ""),
    "auth": (Sign, "key"),
    "scope": (Scope, ""),
    "output": (Show, "table"),
}


def _signature(function: Callable[..., None]) -> inspect.Signature:
    own = list(inspect.signature(function).parameters.values())[1:]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in OPTIONS.items()
    ]
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    return inspect.Signature([*named, *added])
