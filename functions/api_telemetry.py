"""HTTP: named queries over the telemetry."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import TOP, Parameter
from functions.routes import Routes

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.pages import List
    from functions.views.telemetry import QueryAnswer, QueryItem

routes = Routes("telemetry")

QUERY = Parameter("query", "a named query", place="path", required=True, example="errors")


@routes.route("GET", "telemetry")
async def list_queries(call: "Call") -> "Answer[List[QueryItem]]":
    """Every named query: what it answers and which parameters it takes."""
    from functions.views.pages import List
    from functions.views.telemetry import query_item

    return Answer(List([query_item(query) for query in call.app.queries.all().values()], ""))


@routes.route(
    "GET",
    "telemetry/{query}",
    QUERY,
    TOP,
    takes_others="the query's own parameters, as `GET /api/telemetry` lists them",
    problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GATEWAY_TIMEOUT),
)
async def run_query(call: "Call") -> "Answer[QueryAnswer]":
    """The first rows that a named query finds in the log store.

    409 where the settings name no log store, 504 where the query takes too long: ask for fewer hours or one node.
    """
    from functions.views.telemetry import query_answer

    name = call.text(QUERY)
    table, more = await call.app.queries.run(name, call.others, most=call.top)
    return Answer(query_answer(name, table, more=more))
