"""The route table: what a route is declared with registers it with the platform, guards it and describes it.

A handler is `async def name(call: Call) -> Answer[View]`, or takes a body of `functions.bodies` beside the call.
Its annotations are texts: views and bodies are imported by the request that needs them, and all by the first that
asks for the description.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal

import azure.functions as func
import msgspec

from functions.answers import Answer
from functions.parameters import Parameter
from shared.domain.actor import Role

type Handler = Callable[..., Awaitable[Answer[object]]]


class Route(msgspec.Struct, frozen=True):
    """One method on one path. `problems` are the statuses of errors that are its own, beyond those of every route."""

    name: str
    method: str
    path: str
    role: Role
    tag: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    status: HTTPStatus = HTTPStatus.OK
    also: tuple[HTTPStatus, ...] = ()  # other statuses with the same body
    headers: tuple[str, ...] = ()  # that its answer carries
    problems: tuple[HTTPStatus, ...] = ()
    others: str = ""  # what query parameters it takes beside those declared; empty where none

    @property
    def body(self) -> str:
        """The name of its body's type in `functions.bodies`; empty where it takes none."""
        return str(self.handler.__annotations__.get("body", ""))


class Routes:
    """The routes of one resource, each registered on `blueprint` as it is declared."""

    def __init__(self, tag: str) -> None:
        self.blueprint = func.Blueprint()
        self.table: list[Route] = []
        self._tag = tag

    def route(
        self,
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        *parameters: Parameter,
        role: Role = Role.READER,
        status: HTTPStatus = HTTPStatus.OK,
        also: tuple[HTTPStatus, ...] = (),
        headers: tuple[str, ...] = (),
        problems: tuple[HTTPStatus, ...] = (),
        takes_others: str = "",
    ) -> Callable[[Handler], Handler]:
        """Declares that a handler answers a method on a path; its name is the function's."""

        def declare(handler: Handler) -> Handler:
            name = handler.__name__
            self._add(
                Route(
                    name,
                    method,
                    path,
                    role,
                    self._tag,
                    handler,
                    parameters,
                    status,
                    also,
                    headers,
                    problems,
                    takes_others,
                )
            )
            return handler

        return declare

    def _add(self, route: Route) -> None:
        async def answer(req: func.HttpRequest) -> func.HttpResponse:
            from functions.serving import respond
            from shared.bootstrap import application

            return await respond(route, req, application())

        answer.__name__, answer.__doc__ = route.name, route.handler.__doc__  # the platform's name for it
        self.table.append(route)
        self.blueprint.route(route.path, methods=[route.method])(answer)
