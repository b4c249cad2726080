"""GET /api/telemetry: named queries over HTTP."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from shared.domain.actor import Role
from shared.domain.errors import Denied, MeshError, Terminal, Transient, Waiting
from shared.ports.telemetry import LogTable
from shared.telemetry.log_queries import LogQueries
from tests.fakes.logs import InMemoryLogs
from tests.unit.functions.api import ROOT, Api, api, principal

FOUND = LogTable(
    (("Hour", "datetime"), ("Node", "string"), ("Errors", "long"), ("Share", "real"), ("Silent", "bool")),
    ((datetime(2026, 1, 5, 8, tzinfo=UTC), "node/s/sales", 3, 0.5, True), (None, "", 0, None, False)),
)


def answering(answer: LogTable | MeshError, *, authenticated: bool = False) -> tuple[Api, InMemoryLogs]:
    made, store = api(authenticated=authenticated), InMemoryLogs(answer)
    made.app = replace(made.app, queries=LogQueries(store, ROOT / "infra" / "queries"))
    return made, store


async def test_the_list_tells_what_may_be_asked() -> None:
    said = await api().ask("list_queries")
    queries = {item["name"]: item for item in said.body["items"]}
    assert {"errors", "coverage", "freshness", "alert-history"} <= set(queries)
    hours, node = queries["errors"]["parameters"]
    assert (hours["name"], hours["kind"], hours["default"], hours["least"], hours["most"]) == (
        "hours",
        "whole number",
        "24",
        1.0,
        720.0,
    )
    assert (node["name"], node["kind"], node["default"]) == ("node", "text", "")


async def test_rows_are_objects_and_columns_tell_their_types() -> None:
    made, store = answering(FOUND)
    said = await made.ask(
        "run_query", path={"query": "errors"}, query={"hours": "3", "node": "", "code": "k"}
    )
    assert said.status == 200
    assert said.body["columns"][0] == {"name": "Hour", "type": "datetime"}
    assert said.body["rows"] == [
        {"Hour": "2026-01-05T08:00:00Z", "Node": "node/s/sales", "Errors": 3, "Share": 0.5, "Silent": True},
        {"Hour": None, "Node": "", "Errors": 0, "Share": None, "Silent": False},
    ]
    assert (said.body["query"], said.body["more"], said.body["partial"]) == ("errors", False, "")
    assert store.asked[0][1] == 3


async def test_rows_are_bounded_and_what_is_missing_is_said() -> None:
    made, store = answering(LogTable(FOUND.columns, FOUND.rows, "the workspace of the north did not answer"))
    said = await made.ask("run_query", path={"query": "errors"}, query={"top": "1"})
    assert (len(said.body["rows"]), said.body["more"]) == (1, True)
    assert said.body["partial"] == "the workspace of the north did not answer"
    assert store.asked[0][0].endswith("| take 2\n")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"kql": "AzureDiagnostics"}, "ParameterUnknown"),
        ({"query": "coverage", "milliseconds": "5"}, "ParameterUnknown"),
        ({"hours": "a day"}, "ParameterInvalid"),
        ({"hours": "1; AzureDiagnostics"}, "ParameterInvalid"),
        ({"node": "a\nb"}, "ParameterInvalid"),
        ({"top": "5000"}, "BadRequest"),
    ],
)
async def test_a_wrong_parameter_is_refused_and_nothing_is_asked(query: dict[str, str], code: str) -> None:
    made, store = answering(FOUND)
    said = await made.ask("run_query", path={"query": "errors"}, query=query)
    assert (said.status, said.body["code"]) == (400, code)
    assert store.asked == []


async def test_an_unknown_query_is_not_found() -> None:
    said = await api().ask("run_query", path={"query": "everything"})
    assert (said.status, said.body["code"]) == (404, "QueryUnknown")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Terminal("LogStoreMissing", "MESH_LOGS names no log store"), 409, "LogStoreMissing"),
        (Waiting("QueryTimeout", "no answer: ask for fewer hours"), 504, "QueryTimeout"),
        (Waiting("LogStoreBusy", "too many", retry_after=7), 503, "LogStoreBusy"),
        (Transient("LogStoreUnreachable", "no route"), 503, "LogStoreUnreachable"),
        (Denied("LogStoreDenied", "no right"), 502, "LogStoreDenied"),
        (Terminal("QueryInvalid", "a semantic error"), 502, "QueryInvalid"),
    ],
)
async def test_each_failure_of_the_store_says_what_it_is(error: MeshError, status: int, code: str) -> None:
    made, _ = answering(error)
    said = await made.ask("run_query", path={"query": "errors"})
    assert (said.status, said.body["code"]) == (status, code)
    assert said.headers.get("Retry-After", "") == (
        {"LogStoreBusy": "7"}.get(code, "5") if status == 503 else ""
    )


async def test_a_reader_may_ask_and_nobody_else() -> None:
    made, _ = answering(FOUND, authenticated=True)
    made.principal = principal(Role.READER)
    assert (await made.ask("run_query", path={"query": "errors"})).status == 200
    made.principal = principal()
    assert (await made.ask("run_query", path={"query": "errors"})).status == 403
