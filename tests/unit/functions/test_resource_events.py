"""What is read of an Event Grid event before anything is done about it."""

from datetime import UTC, datetime

import azure.functions as func
import pytest

from functions.resource_events import OBJECT_ID, changed_nothing, decode

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/sales"


def event(data: object, kind: str = "Microsoft.Resources.ResourceWriteSuccess") -> func.EventGridEvent:
    return func.EventGridEvent(
        id="1",
        data=data,  # type: ignore[arg-type]  # what arrives need not be what the type says
        topic="/subscriptions/00000000-0000-0000-0000-000000000001",
        subject=GROUP,
        event_type=kind,
        event_time=datetime(2026, 1, 1, tzinfo=UTC),
        data_version="2",
    )


def test_only_the_resource_the_operation_and_the_callers_object_id_are_read() -> None:
    found = decode(
        event(
            {
                "resourceUri": GROUP + "/providers/Microsoft.KeyVault/vaults/v",
                "operationName": "Microsoft.KeyVault/vaults/write",
                "claims": {OBJECT_ID: "me", "name": "Robin Example"},
            }
        )
    )
    assert (found.resource, found.operation, found.principal) == (
        GROUP + "/providers/Microsoft.KeyVault/vaults/v",
        "Microsoft.KeyVault/vaults/write",
        "me",
    )


@pytest.mark.parametrize("data", [None, [], "text", {"resourceUri": 5}, {"resourceUri": "/" + "x" * 3000}])
def test_an_event_that_names_no_resource_is_malformed(data: object) -> None:
    with pytest.raises(ValueError):
        decode(event(data))


def test_an_operation_name_without_end_is_cut() -> None:
    assert len(decode(event({"resourceUri": GROUP, "operationName": "x" * 100_000})).operation) == 200


@pytest.mark.parametrize(
    ("kind", "nothing"),
    [
        ("Microsoft.Resources.ResourceWriteSuccess", False),
        ("Microsoft.Resources.ResourceDeleteSuccess", False),
        ("Microsoft.Resources.ResourceWriteFailure", True),
        ("Microsoft.Resources.ResourceDeleteCancel", True),
    ],
)
def test_a_refused_write_changed_nothing(kind: str, nothing: bool) -> None:
    assert changed_nothing(event({}, kind)) is nothing
