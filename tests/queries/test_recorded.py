"""Every query, run on what Azure recorded; where it recorded nothing of a kind, on our samples of that kind."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from demo.records import RECORDED, peering_deleted, recorded_records, sample_records
from local.logs.mapping import Json, event_row, row_of
from local.logs.store import LogStore, Scope, shape
from shared.telemetry.queries import parse_query
from tests.queries.parser import files

MARIA = "69b51384-146c-4685-9dab-5ae01877d7b8"
SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"
NODE = f"node/{SUBSCRIPTION}/sales"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
RESOURCES = (
    "Microsoft.KeyVault/vaults/secrets",
    "Microsoft.DataFactory/factories/loader",
    "Microsoft.Storage/storageAccounts/lake",
    "Microsoft.Sql/servers/orders/databases/orders",
)

type Rows = list[Mapping[str, object]]


@pytest.fixture(scope="module")
def recorded() -> Iterator[LogStore]:
    """All recorded records, at the times they were recorded with."""
    if not RECORDED.exists():
        pytest.skip("no recorded samples: ../shared/real-data/D-telemetry is absent")
    store = LogStore()
    add(store, recorded_records())
    yield store
    store.close()


@pytest.fixture(scope="module")
def sampled() -> Iterator[LogStore]:
    """The repository's own samples, of the morning of 2026-01-05; each test may add records of its own kind."""
    store = LogStore()
    for resource in RESOURCES:
        add(store, sample_records(resource_id(resource)))
    yield store
    store.close()


def add(store: LogStore, records: list[Json]) -> None:
    store.add(row for record in records if (row := row_of(record, datetime(2000, 1, 1, tzinfo=UTC))))


def resource_id(resource: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Sales/providers/{resource}"


def asked(store: LogStore, name: str, now: datetime, **values: str) -> Rows:
    """What a named query answers at a moment."""
    query = parse_query(name, files()[f"{name}.kql"])
    scope = Scope(now - timedelta(hours=query.hours(values)), now)
    return shape(store.query(query.filled(values), scope, now=now))


def test_coverage_tells_who_sends_what_and_who_fell_silent(recorded: LogStore) -> None:
    rows = asked(recorded, "coverage", datetime(2021, 8, 12, 8, tzinfo=UTC), hours="720", quiet="24")
    shown = {(str(r["Resource"]).rpartition("/")[2], r["Reports"], r["Silent"], r["Logs"]) for r in rows}
    assert ("mssql-log-test", "logs", False, 7) in shown
    assert ("postgresql-logs", "logs", True, 3) in shown
    [hub] = asked(recorded, "coverage", datetime(2018, 3, 7, 15, tzinfo=UTC), hours="1")
    assert (hub["Reports"], hub["Metrics"]) == ("metrics", 6)


def test_errors_are_counted_by_node_and_hour(recorded: LogStore) -> None:
    rows = asked(recorded, "errors", datetime(2021, 2, 10, tzinfo=UTC), hours="720")
    assert [(r["Node"], r["Category"], r["Errors"]) for r in rows] == [
        (f"node/{MARIA}/mw-gr1", "Administrative", 1),
        (f"node/{MARIA}/logs-ingest-function", "FunctionAppLogs", 2),
    ]
    assert str(rows[0]["Hour"]) == "2021-02-09 11:00:00"
    sql = asked(
        recorded, "errors", datetime(2021, 8, 12, 8, tzinfo=UTC), hours="24", node=f"node/{MARIA}/TEST-DK"
    )
    assert {(r["Operation"], r["Errors"]) for r in sql} == {
        ("ErrorEvent", 2),
        ("TimeoutEvent", 1),
        ("DeadlockEvent", 1),
    }


def test_slow_queries_are_in_milliseconds_whatever_the_database_counts_in(recorded: LogStore) -> None:
    """Microseconds of SQL Database, milliseconds as texts of PostgreSQL, seconds of MySQL."""
    rows = asked(
        recorded, "slow-queries", datetime(2021, 8, 12, 8, tzinfo=UTC), hours="720", milliseconds="0"
    )
    shown = [(str(r["Resource"]).rpartition("/")[2], r["Runs"], r["AverageMs"], r["SlowestMs"]) for r in rows]
    assert shown == [
        ("mysql-custom", 1, 9188.0, 9188.0),
        ("postgresql-logs", 1, 76.772, 76.772),
        ("mariadb-test", 1, 1.0, 1.0),
        ("mssql-log-test", 15, 0.191, 0.468),
        ("mssql-database", 2, 0.077, 0.084),
    ]
    [slow] = asked(recorded, "slow-queries", datetime(2021, 8, 12, 8, tzinfo=UTC), hours="720")
    assert str(slow["Query"]).startswith("select location0_.name")


def test_volume_is_counted_by_node_day_and_table(recorded: LogStore) -> None:
    rows = asked(recorded, "data-volume", datetime(2021, 8, 12, 8, tzinfo=UTC), hours="720")
    assert [(r["Node"], str(r["Day"])[:10], r["Table"], r["Records"]) for r in rows] == [
        (f"node/{MARIA}/test-dk", "2021-08-12", "AzureDiagnostics", 11),
        (f"node/{MARIA}/rg-ms-logs", "2021-08-05", "AzureDiagnostics", 3),
        (f"node/{MARIA}/new-resources-clients", "2021-07-19", "AzureDiagnostics", 7),
    ]
    assert all(0 < float(str(r["Megabytes"])) < 1 for r in rows)


def test_freshness_tells_how_long_each_category_has_been_quiet(recorded: LogStore) -> None:
    rows = asked(recorded, "freshness", datetime(2018, 3, 7, 15, tzinfo=UTC))
    assert [(r["Category"], r["QuietMinutes"], r["Records"]) for r in rows] == [
        ("metrics", 37, 6),
        ("Write", 37, 1),
    ]


def test_each_failed_run_of_a_pipeline_is_told_with_its_error(sampled: LogStore) -> None:
    [run] = asked(sampled, "failed-pipelines", NOON)
    assert (run["Node"], run["Pipeline"], run["FailureType"], run["ErrorCode"], run["Minutes"]) == (
        NODE,
        "load-orders",
        "UserError",
        "2200",
        5.6,
    )
    assert str(run["Error"]).startswith("Operation on target copy-orders failed")


def test_denials_of_a_key_vault_are_told_without_the_caller(sampled: LogStore) -> None:
    [denial] = asked(sampled, "key-vault-denials", NOON, node=NODE)
    assert (denial["Vault"], denial["Operation"], denial["Denials"]) == ("secrets", "SecretGet", 1)
    assert "203.0.113.10" not in str(denial)


def test_throttled_requests_are_told_with_their_share(sampled: LogStore) -> None:
    """One request of three to write was refused with ServerBusy; the read that went through is not told."""
    account = resource_id("Microsoft.Storage/storageAccounts/lake")
    [write] = [r for r in sample_records(account) if r["category"] == "StorageWrite"]
    add(sampled, [{**write, "statusCode": 503, "statusText": "ServerBusy"}, {**write, "statusCode": 201}])
    [row] = asked(sampled, "throttled-storage", NOON)
    assert (row["Account"], row["Service"], row["Operation"]) == ("lake", "StorageBlobLogs", "PutBlob")
    assert (row["Throttled"], row["Requests"], row["Share"]) == (1, 3, 33.33)


def test_a_peering_that_started_and_ended_to_be_deleted_is_one_change(sampled: LogStore) -> None:
    network = resource_id("Microsoft.Network/virtualNetworks/net")
    [ended] = json.loads(peering_deleted(network))["records"]
    started = {
        **ended,
        "time": "2026-01-05T08:15:30Z",
        "resultType": "Start",
        "resultSignature": "Started.",
    }
    add(sampled, [started, ended])
    [change] = asked(sampled, "peering-changes", NOON)
    assert (change["Network"], change["Peering"], change["Change"], change["Status"]) == (
        "net",
        "to-hub",
        "deleted",
        "Success",
    )


def test_a_notice_of_an_alert_that_was_told_twice_is_one_line_of_its_history(sampled: LogStore) -> None:
    data = {
        "notice": "a-1-fired",
        "transition": "fired",
        "rule": "denied",
        "severity": "error",
        "node": NODE,
        "title": "x",
    }
    told = {"type": "AlertChanged", "key": "alert/a", "at": "2026-01-05T08:00:00Z", "data": data}
    ended = {
        **told,
        "at": "2026-01-05T09:00:00Z",
        "data": {**data, "notice": "a-1-resolved", "transition": "resolved"},
    }
    other = {"type": "NodeChanged", "key": "node/x", "at": "2026-01-05T09:00:00Z", "data": {"to": "Ready"}}
    sampled.add(row for event in (told, told, ended, other) if (row := event_row(event, NOON)))
    rows = asked(sampled, "alert-history", NOON, rule="denied")
    assert [(r["Transition"], r["Alert"], r["Node"]) for r in rows] == [
        ("resolved", "alert/a", NODE),
        ("fired", "alert/a", NODE),
    ]
    assert asked(sampled, "alert-history", NOON, rule="another") == []


def test_the_overview_has_a_line_for_each_node_with_its_errors(sampled: LogStore) -> None:
    rows = asked(sampled, "mesh-overview", NOON, node=NODE)
    [row] = rows
    assert row["Node"] == NODE
    assert int(str(row["Resources"])) >= 4
    [errors] = [asked(sampled, "errors", NOON, node=NODE)]
    assert row["Errors"] == sum(int(str(e["Errors"])) for e in errors)
    assert [r["Node"] for r in asked(sampled, "nodes", NOON, node=NODE)] == [NODE]


def test_changes_of_networks_are_counted_once_each_and_reads_are_not(sampled: LogStore) -> None:
    endpoint = resource_id("Microsoft.Network/privateEndpoints/inbound")
    [deleted] = json.loads(peering_deleted(endpoint))["records"]
    made = {
        **deleted,
        "operationName": "MICROSOFT.NETWORK/PRIVATEENDPOINTS/WRITE",
        "correlationId": "00000000-0000-0000-0000-0000000000a1",
    }
    failed = {
        **made,
        "time": "2026-01-05T09:15:35Z",
        "resultType": "Failure",
        "correlationId": "00000000-0000-0000-0000-0000000000a2",
    }
    read = {**made, "operationName": "MICROSOFT.NETWORK/PRIVATEENDPOINTS/READ"}
    add(sampled, [{**made, "time": "2026-01-05T08:15:30Z", "resultType": "Start"}, made, failed, read])
    rows = [r for r in asked(sampled, "network-changes", NOON) if "privateendpoints" in str(r["Operation"])]
    shown = [(str(r["Hour"])[11:13], r["Operation"], r["Operations"], r["Failed"]) for r in rows]
    assert shown == [
        ("09", "microsoft.network/privateendpoints/write", 1, 1),
        ("08", "microsoft.network/privateendpoints/write", 1, 0),
    ]


def test_an_alert_is_open_until_it_is_resolved(sampled: LogStore) -> None:
    def told(alert: str, at: str, transition: str) -> dict[str, object]:
        data = {"notice": f"{alert}-{transition}", "transition": transition, "rule": "open", "node": NODE}
        return {"type": "AlertChanged", "key": alert, "at": f"2026-01-05T{at}:00Z", "data": data}

    events = (
        told("alert/b", "08:00", "fired"),
        told("alert/b", "08:10", "acknowledged"),
        told("alert/c", "08:00", "fired"),
        told("alert/c", "08:20", "resolved"),
    )
    sampled.add(row for event in events if (row := event_row(event, NOON)))
    rows = asked(sampled, "open-alerts", NOON, rule="open")
    assert [(r["Alert"], r["State"]) for r in rows] == [("alert/b", "acknowledged")]


@pytest.mark.parametrize("name", sorted(files()))
def test_another_node_sees_nothing_of_it(sampled: LogStore, name: str) -> None:
    assert asked(sampled, name.removesuffix(".kql"), NOON, node=f"node/{SUBSCRIPTION}/marketing") == []
