"""Which node a record belongs to, and which activities ask for a look at a group."""

import pytest

from shared.domain.ids import NodeKey
from shared.telemetry import kinds
from shared.telemetry.attribute import REMEMBERED, Attribution
from shared.telemetry.batch import read_batch
from shared.telemetry.healing import key_of_operation
from shared.telemetry.matching import Matcher
from shared.telemetry.record import Record
from tests.support.mesh import SUBSCRIPTION, InMemoryMesh
from tests.unit.telemetry.samples import (
    OTHER,
    SALES,
    VAULT,
    envelope,
    event,
    records_of,
    resource,
    rule,
    sample,
)


def record(**fields: object) -> Record:
    return records_of(envelope(sample(**fields)))[0]


PEERING = resource("Microsoft.Network/virtualNetworks/vnet/virtualNetworkPeerings/to-hub")


def key_to_look_at(record: Record) -> NodeKey | None:
    return key_of_operation(record.resource, record.operation_name or "", record.result)


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


def test_what_is_remembered_of_very_long_words_is_bounded() -> None:
    attribution, matcher = Attribution([SALES]), Matcher([rule()])
    for number in range(60):
        long = f"{number}-" + "x" * 500_000
        strange = sample(operationName=long, resourceId=resource(f"Microsoft.KeyVault/vaults/{long}"))
        found = read_batch([event(envelope(strange))], attribution, matcher)
        assert (found.records, found.unattributed) == (1, 0)
    remembered = kinds.kinds_of(attribution, matcher)
    assert sum(len(str(word)) for key in remembered for word in key) <= kinds.REMEMBERED_TEXT
    assert len(attribution._seen) == 0


@pytest.mark.parametrize("name", ["v", "v" * 1900, "v" * 3000, "v" * 1_000_000, "a\nb", "\x00", "😀", "'\"%"])
async def test_whatever_is_asked_for_is_taken(name: str) -> None:
    """An id that nobody takes would fail its batch on every delivery."""
    mesh = InMemoryMesh()
    node = NodeKey.of(SUBSCRIPTION, "sales")
    peering = resource(f"Microsoft.Network/virtualNetworks/{name}/virtualNetworkPeerings/to-hub", node)
    operation = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete"
    deleted = record(resourceId=peering, operationName=operation, resultType="Success")
    key = key_to_look_at(deleted)
    assert key == (node if len(name) < 2000 else None)
    if key:
        assert (await mesh.intake.touch(deleted.resource, operation)).keys == (node,)


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


@pytest.mark.parametrize(
    ("resource_id", "kind"),
    [
        (VAULT.upper(), "microsoft.keyvault/vaults"),
        (
            f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/x",
            "microsoft.insights/diagnosticsettings",
        ),
        (resource("Microsoft.Sql/servers/s/databases/d"), "microsoft.sql/servers/databases"),
        (SALES.group_id, "microsoft.resources/subscriptions/resourcegroups"),
    ],
)
def test_a_record_s_resource_has_a_type_and_its_node_a_domain(resource_id: str, kind: str) -> None:
    place = Attribution([SALES], {SALES: "Sales"}).place_of(resource_id)
    assert (place.node, place.domain, place.type) == (SALES, "sales", kind)


def test_kinds_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "REMEMBERED", 50)
    attribution, matcher = Attribution([SALES]), Matcher([rule()])
    body = envelope(*(sample(operationName=f"SecretGet{n % 120}") for n in range(600)))
    found = read_batch([event(body)], attribution, matcher)
    assert [t.samples[100][0].count for t in found.tallies] == [600]
    assert found.volumes[str(SALES), "AuditEvent"][1] == 600
    assert len(kinds.kinds_of(attribution, matcher)) <= 50
