"""Records become the rows that Azure Monitor makes of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from demo.records import RECORDED, recorded_records, sample_records
from local.logs.mapping import Json, Row, event_row, row_of
from local.logs.schema import DUCKDB_TYPES, tables

SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"
GROUP = f"/SUBSCRIPTIONS/{SUBSCRIPTION.upper()}/RESOURCEGROUPS/SALES"
VAULT = f"{GROUP}/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/SECRETS"
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def mapped(record: Json) -> Row:
    row = row_of(record, NOW)
    assert row is not None
    return row


def values(row: Row) -> Mapping[str, object]:
    return {name: value for name, (_, value) in row.columns.items()}


def test_a_resource_log_has_its_ids_in_both_spellings_and_says_where_it_comes_from() -> None:
    row = mapped({"resourceId": VAULT.lower(), "category": "AuditEvent", "time": "2026-01-04T08:00:00.5Z"})
    found = values(row)
    assert row.table == found["Type"] == "AzureDiagnostics"
    assert (found["ResourceId"], found["_ResourceId"]) == (VAULT, VAULT.lower())
    assert (found["ResourceProvider"], found["ResourceType"]) == ("MICROSOFT.KEYVAULT", "VAULTS")
    assert (found["Resource"], found["ResourceGroup"], found["SubscriptionId"]) == (
        "SECRETS",
        "SALES",
        SUBSCRIPTION,
    )
    assert found["TimeGenerated"] == datetime(2026, 1, 4, 8, 0, 0, 500_000, tzinfo=UTC)


def test_properties_become_columns_with_their_types_in_the_names() -> None:
    properties = {
        "text": "a",
        "number": 3,
        "flag": True,
        "when": "2026-01-04T08:00:00Z",
        "who": "5f1c9a52-3f0e-4a55-9f4d-2d1f4f7f5a10",
        "list": [1, 2],
        "outer": {"inner": {"leaf": 1.5}},
        "odd name!": "x",
        "empty": "",
        "none": None,
    }
    row = mapped({"resourceId": VAULT, "category": "c", "properties": properties, "LogicalServerName": "s"})
    base = set(tables()["AzureDiagnostics"])
    assert {name: cell for name, cell in row.columns.items() if name not in base} == {
        "text_s": ("string", "a"),
        "number_d": ("real", 3.0),
        "flag_b": ("bool", True),
        "when_t": ("datetime", datetime(2026, 1, 4, 8, tzinfo=UTC)),
        "who_g": ("guid", UUID("5f1c9a52-3f0e-4a55-9f4d-2d1f4f7f5a10")),
        "list_s": ("string", "[1, 2]"),
        "outer_inner_leaf_d": ("real", 1.5),
        "odd_name__s": ("string", "x"),
        "LogicalServerName_s": ("string", "s"),
    }


def test_properties_that_are_an_encoded_text_are_taken_apart_too() -> None:
    found = values(mapped({"resourceId": VAULT, "category": "c", "properties": '{"a": 1}'}))
    assert found["a_d"] == 1.0
    broken = values(mapped({"resourceId": VAULT, "category": "c", "properties": "{'a': 1}"}))
    assert broken["properties_s"] == "{'a': 1}"


def test_a_metric_has_its_numbers_and_no_category() -> None:
    metric = {"resourceId": VAULT, "metricName": "ServiceApiHit", "total": 5, "count": 2, "average": 2.5}
    row = mapped({**metric, "minimum": 1, "maximum": 4, "timeGrain": "PT1M", "time": "2026-01-04T08:00:00Z"})
    found = values(row)
    assert row.table == "AzureMetrics"
    assert [found[c] for c in ("MetricName", "Total", "Count", "Average", "Minimum", "Maximum")] == [
        "ServiceApiHit",
        5.0,
        2.0,
        2.5,
        1.0,
        4.0,
    ]
    assert set(found) <= set(tables()["AzureMetrics"])


def test_the_activity_log_has_a_table_of_its_own() -> None:
    record = {
        "resourceId": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net",
        "category": "Administrative",
        "operationName": "Microsoft.Network/virtualNetworks/write",
        "resultType": "Success",
        "resultSignature": "Accepted.Created",
        "level": "Information",
        "properties": {"statusCode": "Created", "claims": "secret"},
    }
    row = mapped(record)
    found = values(row)
    assert row.table == "AzureActivity"
    assert found["OperationNameValue"] == "MICROSOFT.NETWORK/VIRTUALNETWORKS/WRITE"
    assert (found["ActivityStatusValue"], found["ActivitySubstatusValue"]) == ("Success", "Created")
    assert found["Properties_d"] == {"statusCode": "Created"}
    assert found["_IsBillable"] == "False"


def test_a_storage_service_has_its_own_table() -> None:
    lake = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sales/providers/Microsoft.Storage/storageAccounts/lake"
    )
    rows = [mapped(record) for record in sample_records(lake)]
    assert {row.table for row in rows} == {"StorageBlobLogs"}
    [failed] = [values(row) for row in rows if values(row)["Category"] == "StorageWrite"]
    assert (failed["AccountName"], failed["StatusCode"], failed["DurationMs"]) == ("lake", "403", 12.0)


def test_an_applications_event_is_kept_as_application_insights_keeps_it() -> None:
    event = {"type": "AlertChanged", "key": "alert/1", "at": "2026-01-04T08:00:00Z", "data": {"rule": "r"}}
    row = event_row(event, NOW)
    assert row is not None
    found = values(row)
    assert (row.table, found["Name"]) == ("AppEvents", "AlertChanged")
    assert found["Properties"] == {"key": "alert/1", "at": "2026-01-04T08:00:00Z", "rule": "r"}
    assert event_row({"key": "x"}, NOW) is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("02/02/2021 15:00:21", datetime(2021, 2, 2, 15, 0, 21, tzinfo=UTC)),
        ("9/28/2016 8:40:06 PM +00:00", datetime(2016, 9, 28, 20, 40, 6, tzinfo=UTC)),
        ("2021-02-02T15:00:21.1234567Z", datetime(2021, 2, 2, 15, 0, 21, 123_456, tzinfo=UTC)),
        ("nonsense", NOW),
        ("", NOW),
    ],
)
def test_times_are_read_in_every_recorded_form(text: str, time: datetime) -> None:
    found = values(mapped({"resourceId": VAULT, "category": "c", "time": text}))
    assert found["TimeGenerated"] == time


@pytest.mark.parametrize("record", [{}, {"resourceId": None}, {"resourceId": 5}, {"category": "c"}])
def test_a_record_of_no_resource_is_no_row(record: Json) -> None:
    assert row_of(record, NOW) is None


def test_every_recorded_record_becomes_a_row_that_names_nobody() -> None:
    """Whatever its shape; claims, callers and their addresses are left out."""
    if not RECORDED.exists():
        pytest.skip("no recorded samples: ../shared/real-data/D-telemetry is absent")
    rows = [mapped(record) for record in recorded_records()]
    assert len(rows) > 300
    assert {kind for row in rows for kind, _ in row.columns.values()} <= set(DUCKDB_TYPES)
    named = {name.lower() for row in rows for name in row.columns}
    assert not [
        name for name in named if name.startswith(("identity_", "claims", "calleripaddress", "caller_"))
    ]
