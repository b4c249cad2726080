"""Long operations: what the first answer asks for, and what a polling URL says."""

import json

import pytest

from shared.adapters.arm.operations import DEFAULT_POLL, accepted, operation_status
from shared.domain.errors import Denied, MeshError, NotFound, Transient, Waiting
from shared.domain.plan import Accepted, OperationStatus

ASYNC = {"azure-asyncoperation": "https://m/operations/1", "retry-after": "10"}
BOTH = {**ASYNC, "location": "https://m/operationResults/1"}
LOCATION = {"location": "https://m/operationResults/1", "retry-after": "15"}
UPDATING = '{"properties": {"provisioningState": "Updating"}}'
SUCCEEDED = '{"properties": {"provisioningState": "Succeeded"}}'
RUNNING = Accepted("https://m/operations/1", 10.0)


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (201, ASYNC, UPDATING, RUNNING),
        (200, ASYNC, UPDATING, RUNNING),
        (200, ASYNC, SUCCEEDED, Accepted()),
        (202, BOTH, "", RUNNING),
        (202, LOCATION, "", Accepted("https://m/operationResults/1", 15.0)),
        (202, {"location": "https://m/r/1"}, "", Accepted("https://m/r/1", DEFAULT_POLL)),
        (201, {}, SUCCEEDED, Accepted()),
        (200, {}, "", Accepted()),
        (204, LOCATION, "", Accepted()),
    ],
)
def test_the_first_answer_names_where_to_look_if_anywhere(
    status: int, headers: dict[str, str], body: str, expected: Accepted
) -> None:
    assert accepted(status, headers, body) == expected


FAILURE = {"status": "Failed", "error": {"code": "RetryableError", "message": "m", "details": []}}
NESTED = {"error": {"code": "Outer", "message": "o", "details": [{"code": "Inner", "message": "i"}]}}
PASCAL = {"Status": "Failed", "Error": {"Code": "ResourceGroupDeletionBlocked", "Message": "m"}}


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (200, {"retry-after": "7"}, {"status": "InProgress"}, OperationStatus("Running", 7.0)),
        (200, {"retry-after": "0"}, {"status": "InProgress"}, OperationStatus("Running", 0.0)),
        (200, {}, {"status": "Accepted"}, OperationStatus("Running", DEFAULT_POLL)),
        (200, {}, {"status": "Succeeded"}, OperationStatus("Succeeded")),
        (200, {}, {"Status": "Succeeded"}, OperationStatus("Succeeded")),
        (200, {}, FAILURE, OperationStatus("Failed", code="RetryableError", message="m")),
        (200, {}, {"status": "Failed", **NESTED}, OperationStatus("Failed", code="Inner", message="o i")),
        (200, {}, PASCAL, OperationStatus("Failed", code="ResourceGroupDeletionBlocked", message="m")),
        (200, {}, {"status": "Canceled"}, OperationStatus("Failed", code="Canceled")),
        (202, {"retry-after": "15"}, None, OperationStatus("Running", 15.0)),
        (202, {}, None, OperationStatus("Running", DEFAULT_POLL)),
        (200, {}, None, OperationStatus("Succeeded")),
        (204, {}, None, OperationStatus("Succeeded")),
        (
            200,
            {},
            {"properties": {"provisioningState": "Updating"}},
            OperationStatus("Running", DEFAULT_POLL),
        ),
        (
            200,
            {},
            {"id": "/x", "properties": {"provisioningState": "Succeeded"}},
            OperationStatus("Succeeded"),
        ),
        (
            400,
            {},
            {"error": {"code": "Bad", "message": "m"}},
            OperationStatus("Failed", code="Bad", message="m"),
        ),
    ],
)
def test_both_styles_of_polling_are_read(
    status: int, headers: dict[str, str], body: object, expected: OperationStatus
) -> None:
    text = "" if body is None else json.dumps(body)
    assert operation_status(status, headers, text, "https://m/operations/1") == expected


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (401, Denied), (403, Denied), (429, Waiting), (500, Transient)]
)
def test_what_is_no_answer_about_the_operation_is_raised(status: int, kind: type[MeshError]) -> None:
    with pytest.raises(kind):
        operation_status(status, {}, "", "https://m/operations/1")
