"""What the query API answers becomes rows, or one of our errors."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from local import certificates
from local.certificates import Certificates
from shared.adapters.log_analytics import LogAnalytics
from shared.domain.errors import Denied, MeshError, Terminal, Transient, Waiting
from tests.unit.adapters.credential import CountingCredential

WORKSPACE = "/subscriptions/s/resourceGroups/hub/providers/Microsoft.OperationalInsights/workspaces/logs"
NORTH = f"{WORKSPACE}-north"
SCOPE = "https://api.loganalytics.io/.default"
TABLE = {
    "name": "PrimaryResult",
    "columns": [{"name": "At", "type": "datetime"}, {"name": "Errors", "type": "long"}],
    "rows": [["2026-01-05T08:00:00.5Z", 3], [None, 0]],
}

type Reply = Callable[[web.Request], web.StreamResponse]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.ensure(tmp_path_factory.mktemp("certificates"))


@asynccontextmanager
async def store_that(
    reply: Reply, served: Certificates, *workspaces: str, seconds: int = 60
) -> AsyncIterator[tuple[LogAnalytics, CountingCredential]]:
    """The adapter, towards a service that answers everything so."""

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        return reply(request)

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(served.certificate, served.private_key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    credential = CountingCredential()
    endpoint = f"https://localhost:{runner.addresses[0][1]}"
    store = LogAnalytics(
        endpoint,
        SCOPE,
        workspaces or (WORKSPACE,),
        credential,
        ca_file=str(served.authority),
        seconds=seconds,
    )
    try:
        yield store, credential
    finally:
        await store.close()
        await runner.cleanup()


def refusing(status: int, headers: Mapping[str, str] | None = None) -> Reply:
    error = {"code": "SomeError", "message": "outer", "innererror": {"code": "Inner", "message": "why"}}
    return lambda _: web.json_response({"error": error}, status=status, headers=headers)


async def test_the_workspace_is_asked_by_its_resource_id_and_rows_come_with_their_types(
    served: Certificates,
) -> None:
    asked: list[str] = []

    def reply(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.path} {request.headers['Prefer']}")
        return web.json_response({"tables": [TABLE]})

    async with store_that(reply, served) as (store, credential):
        table = await store.query("errors", hours=2)
    assert asked == [f"/v1{WORKSPACE}/query wait=60"]
    assert credential.asked == [SCOPE]
    assert table.columns == (("At", "datetime"), ("Errors", "long"))
    assert table.rows == ((datetime(2026, 1, 5, 8, 0, 0, 500_000, tzinfo=UTC), 3), (None, 0))
    assert table.partial == ""


async def test_several_workspaces_are_asked_once_each_and_their_rows_follow_each_other(
    served: Certificates,
) -> None:
    def reply(request: web.Request) -> web.StreamResponse:
        rows = [[None, 1]] if request.path.startswith(f"/v1{NORTH}/") else [[None, 2], [None, 3]]
        return web.json_response({"tables": [{**TABLE, "rows": rows}]})

    async with store_that(reply, served, WORKSPACE, NORTH, WORKSPACE) as (store, _):
        table = await store.query("errors", hours=2)
    assert table.rows == ((None, 2), (None, 3), (None, 1))


async def test_a_workspace_that_does_not_answer_makes_the_answer_a_partial_one(
    served: Certificates,
) -> None:
    def reply(request: web.Request) -> web.StreamResponse:
        if request.path.startswith(f"/v1{NORTH}/"):
            return refusing(403)(request)
        return web.json_response({"tables": [TABLE]})

    async with store_that(reply, served, WORKSPACE, NORTH) as (store, _):
        table = await store.query("errors", hours=2)
    assert len(table.rows) == 2
    assert table.partial == f"LogStoreDenied: why ({NORTH})"


async def test_a_partial_answer_says_why_it_is_one(served: Certificates) -> None:
    detail = {
        "code": "EngineError",
        "message": "m",
        "innererror": {"code": "-2", "message": "exceeds the limit"},
    }
    error = {"code": "PartialError", "message": "There were some errors", "details": [detail]}
    body = {"tables": [TABLE], "error": error}
    async with store_that(lambda _: web.json_response(body), served) as (store, _):
        table = await store.query("errors", hours=2)
    assert len(table.rows) == 2
    assert "some errors" in table.partial


@pytest.mark.parametrize(
    ("status", "kind", "reason", "words"),
    [
        (400, Terminal, "QueryInvalid", "why"),
        (401, Denied, "LogStoreDenied", ""),
        (403, Denied, "LogStoreDenied", "why"),
        (404, Terminal, "WorkspaceMissing", ""),
        (429, Waiting, "LogStoreBusy", ""),
        (500, Transient, "LogStoreFailed", ""),
        (503, Transient, "LogStoreFailed", ""),
        (504, Waiting, "QueryTimeout", "fewer hours"),
    ],
)
async def test_each_refusal_is_one_of_our_errors(
    served: Certificates, status: int, kind: type[MeshError], reason: str, words: str
) -> None:
    async with store_that(refusing(status, {"Retry-After": "9"}), served) as (store, _):
        with pytest.raises(MeshError) as raised:
            await store.query("errors", hours=2)
    assert (type(raised.value), raised.value.reason, raised.value.target) == (kind, reason, WORKSPACE)
    assert words in raised.value.message
    assert raised.value.retry_after == (9.0 if status == 429 else None)


async def test_an_answer_that_is_no_json_is_a_failure_of_the_store(served: Certificates) -> None:
    async with store_that(lambda _: web.Response(text="<html>", content_type="text/html"), served) as (
        store,
        _,
    ):
        with pytest.raises(Transient):
            await store.query("errors", hours=2)


async def test_a_store_that_is_not_there_is_unreachable() -> None:
    store = LogAnalytics("https://localhost:9", SCOPE, [WORKSPACE], CountingCredential())
    with pytest.raises(Transient) as raised:
        await store.query("errors", hours=2)
    assert raised.value.reason == "LogStoreUnreachable"
    await store.close()


async def test_without_an_address_the_setting_is_named() -> None:
    with pytest.raises(Terminal, match="MESH_LOGS") as raised:
        await LogAnalytics("", SCOPE, [WORKSPACE], CountingCredential()).query("errors", hours=2)
    assert raised.value.reason == "LogStoreMissing"
