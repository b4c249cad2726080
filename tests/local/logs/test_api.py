"""Microsoft's own client against the log store: queries, refusals, batches, and what the Event Hubs feed it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.eventhub import EventData, EventHubProducerClient
from azure.monitor.query import LogsBatchQuery, LogsQueryResult
from azure.monitor.query.aio import LogsQueryClient

from tests.support.local_event_hubs import running_event_hubs
from tests.support.local_logs import AUDIENCE, RunningLogs, SignedCredential, running_logs

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("local-logs"), pytest.mark.timeout(600)]

SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sales"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/mesh-logs"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/secrets"
LOOKS = 200


@pytest.fixture(scope="module")
def logs() -> Iterator[RunningLogs]:
    """A log store fed with two records of a vault and one event of an application, of this moment."""
    groups = ("--consumer-group", "telemetry=logs", "--consumer-group", "mesh-events=logs")
    with running_event_hubs("--hub", "telemetry=2", "--hub", "mesh-events=1", *groups) as hubs:
        now = datetime.now(UTC).isoformat()
        record = {"time": now, "resourceId": VAULT.upper(), "category": "AuditEvent", "properties": {"n": 1}}
        send(
            hubs.connection_string, "telemetry", json.dumps({"records": [record]}), json.dumps([record]), "{"
        )
        send(hubs.connection_string, "mesh-events", json.dumps({"type": "AlertChanged", "at": now}))
        fed = {"telemetry": "records", "mesh-events": "events"}
        with running_logs(hubs.connection_string, fed) as running:
            yield running


@pytest.fixture
async def client(logs: RunningLogs) -> AsyncIterator[LogsQueryClient]:
    async with connected(logs, logs.credential()) as made:
        yield made


def connected(logs: RunningLogs, credential: SignedCredential) -> LogsQueryClient:
    return LogsQueryClient(
        credential,
        endpoint=logs.endpoint,
        audience=AUDIENCE,
        connection_verify=str(logs.authority),
        retry_total=0,
    )


def send(connection_string: str, hub: str, *bodies: str) -> None:
    with EventHubProducerClient.from_connection_string(connection_string, eventhub_name=hub) as producer:
        producer.send_batch([EventData(body) for body in bodies])


async def rows(client: LogsQueryClient, kql: str) -> list[list[object]]:
    result = await client.query_workspace("a-workspace", kql, timespan=None)
    assert isinstance(result, LogsQueryResult)
    return [list(row) for row in result.tables[0].rows]


async def arrived(client: LogsQueryClient) -> list[list[object]]:
    """How many rows each table has, once there are three, or no more have come for long."""
    asked = "union AzureDiagnostics, AppEvents | summarize Rows = count() by Type | order by Type asc"
    for _ in range(LOOKS):
        found = await rows(client, asked)
        if sum(int(str(row[1])) for row in found) >= 3:
            break
        await asyncio.sleep(0.1)
    return found


async def test_what_the_event_hubs_carry_is_found_by_a_query(client: LogsQueryClient) -> None:
    """Two records in two forms, an event that is no JSON behind them, and an application's event."""
    assert await arrived(client) == [["AppEvents", 1], ["AzureDiagnostics", 2]]
    assert await rows(client, "AzureDiagnostics | where n_d == 1 | count") == [[2]]


async def test_columns_have_kustos_types_and_values(client: LogsQueryClient) -> None:
    asked = "print t=datetime(2026-01-05T08:00:00.5Z), s=1d+90s, d=dynamic({'a':1}), n=real(nan), b=true, l=5"
    result = await client.query_workspace("a-workspace", asked, timespan=None)
    assert isinstance(result, LogsQueryResult)
    table = result.tables[0]
    assert dict(zip(table.columns, table.columns_types, strict=True)) == {
        "t": "datetime",
        "s": "timespan",
        "d": "dynamic",
        "n": "real",
        "b": "bool",
        "l": "long",
    }
    [row] = table.rows
    assert row["t"] == datetime(2026, 1, 5, 8, 0, 0, 500_000, tzinfo=UTC)
    assert (row["s"], json.loads(row["d"]), row["n"], row["b"], row["l"]) == (
        "1.00:01:30",
        {"a": 1},
        "NaN",
        True,
        5,
    )


async def test_a_workspace_is_found_by_its_resource_id_and_a_resource_sees_its_own(
    client: LogsQueryClient,
) -> None:
    await arrived(client)
    counts = {}
    for resource in (WORKSPACE, GROUP, VAULT, f"{VAULT}-other"):
        result = await client.query_resource(
            resource, "AzureDiagnostics | count", timespan=timedelta(hours=1)
        )
        assert isinstance(result, LogsQueryResult)
        counts[resource] = result.tables[0].rows[0][0]
    assert counts == {WORKSPACE: 2, GROUP: 2, VAULT: 2, f"{VAULT}-other": 0}


async def test_the_timespan_narrows_what_a_query_sees(client: LogsQueryClient) -> None:
    past = (datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=1))
    result = await client.query_workspace("a-workspace", "AzureDiagnostics | count", timespan=past)
    assert isinstance(result, LogsQueryResult)
    assert result.tables[0].rows[0][0] == 0


@pytest.mark.parametrize(
    ("kql", "inner"),
    [
        ("AzureDiagnostics | projec x", "SyntaxError"),
        ("Nowhere | take 1", "SemanticError"),
        ("AzureDiagnostics | where Nope == 1", "SemanticError"),
        ("AzureDiagnostics | make-series count() on TimeGenerated step 1h", "SemanticError"),
        (".show tables", "SyntaxError"),
        (" ", "SyntaxError"),
    ],
)
async def test_a_wrong_query_is_refused_as_the_service_refuses_it(
    client: LogsQueryClient, kql: str, inner: str
) -> None:
    with pytest.raises(HttpResponseError) as refused:
        await client.query_workspace("a-workspace", kql, timespan=None)
    assert refused.value.status_code == 400
    assert refused.value.error is not None
    assert refused.value.error.code == "BadArgumentError"
    assert refused.value.error.innererror
    assert dict(refused.value.error.innererror)["code"] == inner


async def test_a_batch_answers_each_of_its_queries(client: LogsQueryClient) -> None:
    good, bad = await client.query_batch(
        [
            LogsBatchQuery("a-workspace", "print 1", timespan=None),
            LogsBatchQuery("a-workspace", "nonsense |", timespan=timedelta(hours=1)),
        ]
    )
    assert isinstance(good, LogsQueryResult)
    assert good.tables[0].rows[0][0] == 1
    assert getattr(bad, "code", "") == "BadArgumentError"


async def test_a_query_that_takes_longer_than_the_caller_waits_is_a_time_out(
    client: LogsQueryClient,
) -> None:
    endless = (
        "range a from 1 to 200000 step 1 | extend k = 1 "
        "| join kind=inner (range b from 1 to 200000 step 1 | extend k = 1) on k | summarize sum(a * b % 7)"
    )
    with pytest.raises(HttpResponseError) as refused:
        await client.query_workspace("a-workspace", endless, timespan=None, server_timeout=1)
    assert refused.value.status_code == 504


@pytest.mark.parametrize(
    ("audience", "key"), [("https://management.azure.com", None), (AUDIENCE, b"x" * 40)], ids=["aud", "key"]
)
async def test_a_token_for_something_else_or_of_another_is_refused(
    logs: RunningLogs, audience: str, key: bytes | None
) -> None:
    async with connected(logs, logs.credential(audience, key)) as client:
        with pytest.raises((ClientAuthenticationError, HttpResponseError)) as refused:
            await client.query_workspace("a-workspace", "print 1", timespan=None)
    assert refused.value.status_code == 403


async def test_a_caller_without_a_token_and_a_body_that_is_no_object_are_refused(logs: RunningLogs) -> None:
    context = ssl.create_default_context(cafile=str(logs.authority))
    url = f"{logs.endpoint}/v1/workspaces/a/query"
    token = (await logs.credential().get_token()).token
    async with aiohttp.ClientSession() as session:
        async with session.get(url, params={"query": "print 1"}, ssl=context) as answer:
            assert answer.status == 401
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post(url, data="[", headers=headers, ssl=context) as answer:
            assert answer.status == 400
        async with session.get(url, params={"query": "print 1"}, headers=headers, ssl=context) as answer:
            assert (await answer.json())["tables"][0]["rows"] == [[1]]
        spoiled = {"query": "print 1", "timespan": "yesterday"}
        async with session.get(url, params=spoiled, headers=headers, ssl=context) as answer:
            assert answer.status == 400
