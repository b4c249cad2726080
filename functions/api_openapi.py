"""HTTP: the description of this API, made by the first request that asks for it."""

from functools import cache
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.routes import Routes

if TYPE_CHECKING:
    from functions.call import Call
    from functions.openapi import Description

routes = Routes("operations")


@routes.route("GET", "openapi.json")
async def openapi(call: "Call") -> "Answer[Description]":  # noqa: ARG001 - every handler takes its call
    """This API's description, OpenAPI 3.1."""
    return Answer(_description())


@cache
def _description() -> "Description":
    from functions.api import TABLES
    from functions.openapi import document

    return document(route for table in TABLES for route in table.table)
