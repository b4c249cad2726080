"""What the query API answers becomes rows, or one of our errors."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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

type Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.ensure(tmp_path_factory.mktemp("certificates"))


@asynccontextmanager
async def store_that(
    reply: Reply, served: Certificates, *workspaces: str, seconds: float = 60
) -> AsyncIterator[tuple[LogAnalytics, CountingCredential]]:
    """The adapter, towards a service that answers everything so."""

    app = web.Application()
    app.router.add_post("/{path:.*}", reply)
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
    return answering({"error": error}, status, headers)


def answering(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return reply


async def test_the_workspace_is_asked_by_its_resource_id_and_rows_come_with_their_types(
    served: Certificates,
) -> None:
    asked: list[str] = []

    async def reply(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.path} {request.headers['Prefer']}")
        return web.json_response({"tables": [TABLE]})

    async with store_that(reply, served) as (store, credential):
        table = await store.query("errors", hours=2)
    assert asked == [f"/v1{WORKSPACE}/query wait=60"]
    assert credential.asked == [SCOPE]
    assert table.columns == (("At", "datetime"), ("Errors", "long"))
    assert table.rows == ((datetime(2026, 1, 5, 8, 0, 0, 500_000, tzinfo=UTC), 3), (None, 0))
    assert table.partial == ""


async def test_several_workspaces_are_asked_in_one_request(served: Certificates) -> None:
    asked: list[tuple[str, object]] = []

    async def reply(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, await request.json()))
        return web.json_response({"tables": [TABLE]})

    async with store_that(reply, served, WORKSPACE, NORTH, WORKSPACE) as (store, _):
        await store.query("errors", hours=0.5)
    body = {"query": "errors", "timespan": "PT1800S", "workspaces": [NORTH]}
    assert asked == [(f"/v1{WORKSPACE}/query", body)]


async def test_a_partial_answer_says_why_it_is_one(served: Certificates) -> None:
    detail = {
        "code": "EngineError",
        "message": "m",
        "innererror": {"code": "-2", "message": "exceeds the limit"},
    }
    error = {"code": "PartialError", "message": "There were some errors", "details": [detail]}
    body = {"tables": [TABLE], "error": error}
    async with store_that(answering(body), served) as (store, _):
        table = await store.query("errors", hours=2)
    assert len(table.rows) == 2
    assert table.partial == "exceeds the limit"


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


@pytest.mark.parametrize("body", ["<html>", [1], {"tables": []}, {"tables": [{"rows": []}]}, None])
async def test_an_answer_in_another_shape_is_a_failure_of_the_store(
    served: Certificates, body: object
) -> None:
    async with store_that(answering(body), served) as (store, _):
        with pytest.raises(Transient) as raised:
            await store.query("errors", hours=2)
    assert raised.value.reason == "UnreadableAnswer"


async def test_a_page_of_a_proxy_is_told_by_its_status(served: Certificates) -> None:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html", status=502)

    async with store_that(reply, served) as (store, _):
        with pytest.raises(Transient, match="answered 502"):
            await store.query("errors", hours=2)


async def test_a_store_that_says_nothing_is_given_up_in_time(
    served: Certificates,
) -> None:
    heard = asyncio.Event()

    async def reply(_: web.Request) -> web.StreamResponse:
        await heard.wait()
        return web.Response()

    async with store_that(reply, served, seconds=0.1) as (store, _):
        with pytest.raises(Waiting, match="fewer hours") as raised:
            await store.query("errors", hours=2)
        heard.set()
    assert raised.value.reason == "QueryTimeout"


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
