"""Which records raise an alert, what the alert says, and which activities ask for a look at a group."""

import msgspec
import pytest

from shared.domain.ids import NodeKey
from shared.telemetry.attribute import REMEMBERED, Attribution
from shared.telemetry.healing import key_to_look_at
from shared.telemetry.record import Record
from shared.telemetry.rules import Severity, alert_of, error_level
from tests.unit.telemetry.samples import ENQUEUED, OTHER, SALES, VAULT, envelope, records_of, resource, sample


def record(**fields: object) -> Record:
    return records_of(envelope(sample(**fields)))[0]


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("Critical", "critical"),
        ("CRITICAL", "critical"),
        ("Emergency", "critical"),
        ("Alert", "critical"),
        (1, "critical"),
        ("1", "critical"),
        ("Error", "error"),
        ("ERROR", "error"),
        ("err", "error"),
        (2, "error"),
        ("Warning", None),
        (3, None),
        ("Informational", None),
        ("Information", None),
        ("info", None),
        ("4", None),
        (0, None),
        ("", None),
        ("something new", None),
    ],
)
def test_the_level_decides(level: str | int, severity: Severity | None) -> None:
    assert error_level(record(level=level)) == severity


def test_of_two_levels_the_one_that_says_something_counts() -> None:
    assert error_level(record(level="Error", Level="")) == "error"
    assert error_level(record(level="", Level="Error")) == "error"


@pytest.mark.parametrize(
    ("result", "severity"), [("Failed", "error"), ("Failure", "error"), ("Success", None), (None, None)]
)
def test_a_record_without_a_level_is_judged_by_its_result(
    result: str | None, severity: Severity | None
) -> None:
    assert error_level(record(level=None, resultType=result)) == severity
    assert error_level(record(level="Informational", resultType=result)) is None


def test_records_that_agree_in_any_case_share_one_alert() -> None:
    shouted = record(resourceId=VAULT.upper(), operationName="SECRETGET", category="auditevent")
    assert alert_id(record()) == alert_id(shouted)


@pytest.mark.parametrize(
    "difference",
    [
        {"operationName": "SecretSet"},
        {"category": "Other"},
        {"resourceId": VAULT + "2"},
        {"category": "AuditEventSecret", "operationName": "Get"},
    ],
)
def test_another_operation_category_or_resource_is_another_alert(difference: dict[str, object]) -> None:
    assert alert_id(record()) != alert_id(record(**difference))


def alert_id(of: Record) -> str:
    return alert_of(of, SALES, "error", ENQUEUED, ENQUEUED, 1).id


def test_an_alert_says_what_happened_and_nothing_about_who() -> None:
    alert = alert_of(record(), SALES, "error", ENQUEUED, ENQUEUED, 1)
    assert (alert.node, alert.resource, alert.severity) == (str(SALES), VAULT, "error")
    assert alert.title == "error: SecretGet on kv-sales"
    assert b"ada@" not in msgspec.json.encode(alert)
    assert b"203.0.113.7" not in msgspec.json.encode(alert)


PEERING = resource("Microsoft.Network/virtualNetworks/vnet/virtualNetworkPeerings/to-hub")


def test_a_deleted_peering_names_its_group_in_any_case() -> None:
    deleted = record(
        resourceId=PEERING.upper(),
        category="Administrative",
        operationName="MICROSOFT.NETWORK/VIRTUALNETWORKS/VIRTUALNETWORKPEERINGS/DELETE",
        level="Information",
        resultType="Success",
    )
    assert key_to_look_at(deleted) == SALES


@pytest.mark.parametrize("result", ["Start", "Accept", "Failure"])
def test_an_operation_that_has_not_succeeded_asks_for_nothing(result: str) -> None:
    operation = "Microsoft.Insights/diagnosticSettings/delete"
    assert key_to_look_at(record(operationName=operation, resultType=result)) is None
    assert key_to_look_at(record(operationName=operation, resultType="Success")) == SALES


@pytest.mark.parametrize("operation", ["SecretGet", "Microsoft.Network/virtualNetworks/write", None])
def test_other_operations_ask_for_nothing(operation: str | None) -> None:
    assert key_to_look_at(record(operationName=operation, resultType="Success")) is None


def test_a_tag_written_on_a_group_that_is_no_node_yet_names_it() -> None:
    tagged = record(
        resourceId=f"{OTHER.group_id}/providers/Microsoft.Resources/tags/default",
        operationName="Microsoft.Resources/tags/write",
        resultType="Success",
    )
    assert key_to_look_at(tagged) == OTHER


@pytest.mark.parametrize(
    ("resource_id", "node"),
    [
        (VAULT, SALES),
        (VAULT.upper(), SALES),
        (SALES.group_id, SALES),
        (resource("Microsoft.KeyVault/vaults/kv", OTHER), None),
        (SALES.group_id + "-2/providers/Microsoft.KeyVault/vaults/kv", None),
        (f"/subscriptions/{SALES.subscription}", None),
        ("/tenants/x/providers/Microsoft.aadiam", None),
        ("", None),
    ],
)
def test_a_record_belongs_to_the_node_whose_group_its_id_lies_in(resource_id: str, node: NodeKey) -> None:
    attribution = Attribution([SALES])
    assert [attribution.node_of(resource_id) for _ in range(2)] == [node, node]


def test_the_memory_of_resource_ids_is_bounded() -> None:
    attribution = Attribution([SALES])
    for number in range(REMEMBERED + 10):
        assert attribution.node_of(f"{VAULT}{number}") == SALES
    assert len(attribution._seen) <= REMEMBERED
