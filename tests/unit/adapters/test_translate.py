"""Errors of Resource Manager and of the way there, as ours."""

import json

import pytest
from azure.core import exceptions as core
from azure.identity import CredentialUnavailableError

from shared.adapters.arm.translate import ArmErrors, answer_error, plain, read_error, retry_after, translate
from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient, Waiting

LOCKED = {
    "error": {
        "code": "RetryableError",
        "message": "A retryable error occurred.",
        "details": [
            {"code": "RetryableErrorDueToAnotherOperation", "message": "Operation PutSubnet (a) is running."}
        ],
    }
}
BODIES: list[tuple[int, object, type[MeshError], str, str]] = [
    (
        404,
        {"error": {"code": "ResourceGroupNotFound", "message": "gone"}},
        NotFound,
        "ResourceGroupNotFound",
        "gone",
    ),
    (404, {"error": {"code": "ParentResourceNotFound"}}, NotFound, "ParentResourceNotFound", "answered 404"),
    (404, {"code": "ResourceNotFound", "message": "bare"}, NotFound, "ResourceNotFound", "bare"),
    (
        404,
        {"error": {"code": "SubscriptionNotFound", "message": "no"}},
        Terminal,
        "SubscriptionNotFound",
        "no",
    ),
    (400, {"code": "ResourceTypeNotSupported", "message": "m"}, Terminal, "ResourceTypeNotSupported", "m"),
    (
        409,
        {"code": "Conflict", "message": "Data sink 'w' is already used"},
        Transient,
        "Conflict",
        "already used",
    ),
    (
        409,
        {"error": {"code": "ResourceGroupBeingDeleted", "message": "m"}},
        Waiting,
        "ResourceGroupBeingDeleted",
        "m",
    ),
    (429, LOCKED, Waiting, "RetryableError", "PutSubnet (a) is running"),
    (409, {"Code": "AnotherOperationInProgress", "Message": "m"}, Waiting, "AnotherOperationInProgress", "m"),
    (409, {"Error": {"Code": "ScopeLocked", "Message": "m", "Details": None}}, Terminal, "ScopeLocked", "m"),
    (403, {"error": {"code": "AuthorizationFailed", "message": "m"}}, Denied, "AuthorizationFailed", "m"),
    (
        403,
        {"error": {"code": "RequestDisallowedByPolicy", "message": "m"}},
        Denied,
        "RequestDisallowedByPolicy",
        "m",
    ),
    (
        401,
        {"error": {"code": "InvalidAuthenticationToken", "message": "m"}},
        Denied,
        "InvalidAuthenticationToken",
        "m",
    ),
    (412, {"error": {"code": "PreconditionFailed", "message": "m"}}, Conflict, "PreconditionFailed", "m"),
    (400, {"odata.error": {"code": "Bad", "message": {"lang": "en", "value": "m"}}}, Terminal, "Bad", "m"),
    (
        400,
        {"error": {"code": "DeploymentFailed", "message": json.dumps(LOCKED)}},
        Waiting,
        "RetryableError",
        "is running",
    ),
    (500, {"error": {"code": "InternalServerError", "message": "m"}}, Transient, "InternalServerError", "m"),
    (400, {"error": "invalid_request", "error_description": "m"}, Terminal, "Http400", "answered 400"),
    (400, [], Terminal, "Http400", "answered 400"),
]
RAW: list[tuple[int, str, type[MeshError]]] = [
    (503, "", Transient),
    (502, "<html><body>Bad gateway</body></html>", Transient),
    (429, "not json {", Waiting),
    (404, '{"broken": ', NotFound),
    (418, "null", Terminal),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason", "part"), BODIES)
def test_every_shape_of_body_gives_its_code_and_message(
    status: int, body: object, kind: type[MeshError], reason: str, part: str
) -> None:
    error = answer_error(status, {}, json.dumps(body), "/target")
    assert (type(error), error.reason, error.target) == (kind, reason, "/target")
    assert part in error.message


@pytest.mark.parametrize(("status", "body", "kind"), RAW)
def test_a_body_that_is_none_is_judged_by_its_status(status: int, body: str, kind: type[MeshError]) -> None:
    error = answer_error(status, {}, body, "")
    assert (type(error), error.reason) == (kind, f"Http{status}")


def test_messages_of_details_are_added_once() -> None:
    inner = {"code": "A", "message": "inner"}
    body = {"error": {"code": "A", "message": "outer", "details": [inner, inner]}}
    assert read_error(json.dumps(body)) == (["A", "A", "A"], "outer inner")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "0"}, 0.0),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_the_wait_is_read_from_any_header_azure_uses(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
    assert answer_error(429, headers, "", "").retry_after == seconds


def test_peoples_addresses_do_not_pass() -> None:
    said = "The client 'jane.doe+x@example.co.uk' with object id '1' has no right."
    assert plain(said) == "The client '(an address)' with object id '1' has no right."
    body = json.dumps({"error": {"code": "AuthorizationFailed", "message": said}})
    assert "example" not in str(answer_error(403, {}, body, "/t"))
    guest = "The client 'jane.doe_example.org#EXT#@contoso.onmicrosoft.com' may not; live.com#jane@example.org neither."
    assert plain(guest) == "The client '(an address)' may not; (an address) neither."


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (core.ServiceRequestError("cannot connect"), Transient),
        (core.ServiceResponseError("connection aborted"), Transient),
        (core.IncompleteReadError("cut off"), Transient),
        (core.DecodeError("not json"), Transient),
        (TimeoutError(), Transient),
        (core.ClientAuthenticationError("no token for jane@example.com"), Transient),
        (CredentialUnavailableError("no managed identity"), Transient),
    ],
)
def test_what_happens_on_the_way_is_ours_too(error: Exception, kind: type[MeshError]) -> None:
    with pytest.raises(MeshError) as raised, ArmErrors("/target"):
        raise error
    assert type(raised.value) is kind
    assert raised.value.__cause__ is error
    assert "@" not in str(raised.value)


def test_what_is_not_azures_passes_unchanged() -> None:
    assert translate(KeyError("x"), "") is None
    with pytest.raises(Terminal, match="already ours"), ArmErrors(""):
        raise Terminal("Ours", "already ours")
    with pytest.raises(ZeroDivisionError), ArmErrors(""):
        _ = 1 / 0
