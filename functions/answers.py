"""HTTP answers: JSON, and errors as application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil

import azure.functions as func
import msgspec

from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient, Waiting

DEFAULT_RETRY_SECONDS = 5


class Answer[T]:
    """What a handler answers: a view, the status where it is not its route's own, and headers."""

    def __init__(
        self, view: T, status: HTTPStatus | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._view = view
        self.status = status
        self.headers = headers or {}

    @property
    def view(self) -> T:
        """What is shown."""
        return self._view


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457: `title` says what kind of problem, `detail` what happened and what to do.

    `code` is one word for programs; `allowed` lists what would be possible instead, where that is known.
    """

    status: int
    title: str
    detail: str
    code: str = ""
    type: str = "about:blank"
    allowed: tuple[str, ...] = ()


class BadRequest(Exception):
    """The request cannot be understood; the message says what is allowed."""


class UnsupportedMediaType(Exception):
    """The body is not JSON."""


class NotAllowed(Exception):
    """What was asked for does not fit the state of things; `allowed` says what would."""

    def __init__(self, error: MeshError, allowed: tuple[str, ...]) -> None:
        super().__init__(str(error))
        self.error = error
        self.allowed = allowed


_STATUS: tuple[tuple[type[MeshError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Waiting, HTTPStatus.SERVICE_UNAVAILABLE),
    (Transient, HTTPStatus.SERVICE_UNAVAILABLE),
    (Denied, HTTPStatus.BAD_GATEWAY),
    (Terminal, HTTPStatus.BAD_GATEWAY),
)

_BY_REASON: dict[str, HTTPStatus] = {
    **dict.fromkeys(
        (
            "IdempotencyKeyInvalid",
            "InterfaceMismatch",
            "InvalidContinuation",
            "LeaseInvalid",
            "ParameterInvalid",
            "ParameterUnknown",
            "PurposeRequired",
            "ReasonRequired",
            "SilenceInvalid",
            "SameNode",
            "TargetInvalid",
            "TargetOutsideProvider",
            "TargetRequired",
            "TextTooLong",
            "VolumeInvalid",
        ),
        HTTPStatus.BAD_REQUEST,
    ),
    **dict.fromkeys(
        ("NotApprover", "NotConsumerOwner", "NotResponsible", "OwnRequest", "RoleRequired"),
        HTTPStatus.FORBIDDEN,
    ),
    **dict.fromkeys(("AlertChanged", "EdgeChanged"), HTTPStatus.PRECONDITION_FAILED),
    "PreconditionRequired": HTTPStatus.PRECONDITION_REQUIRED,
    "IdempotencyKeyReused": HTTPStatus.UNPROCESSABLE_ENTITY,
    **dict.fromkeys(
        (
            "HubFull",
            "HubMissing",
            "HubOfAnotherRegion",
            "HubUnchanged",
            "LogStoreMissing",
            "NodeNotReady",
            "PolicyEnforced",
        ),
        HTTPStatus.CONFLICT,
    ),
    "QueryTimeout": HTTPStatus.GATEWAY_TIMEOUT,
    "NodeUnknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    **dict.fromkeys(("NotReplayable", "RuleGone", "StillUnreadable"), HTTPStatus.UNPROCESSABLE_ENTITY),
}
"""Reasons that callers can do something about, where the kind of the error says too little."""


def json_answer(body: object, status: HTTPStatus, headers: Mapping[str, str]) -> func.HttpResponse:
    """An answer with a JSON body."""
    return func.HttpResponse(
        msgspec.json.encode(body), status_code=status, headers=headers, mimetype="application/json"
    )


def problem(
    status: HTTPStatus,
    detail: str,
    code: str,
    *,
    allowed: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """An error."""
    body = msgspec.json.encode(Problem(status.value, status.phrase, detail, code, allowed=allowed))
    return func.HttpResponse(body, status_code=status, headers=headers, mimetype="application/problem+json")


def problem_of(error: MeshError, allowed: tuple[str, ...] = ()) -> func.HttpResponse:
    """One of our errors."""
    kind = next(status for kind, status in _STATUS if isinstance(error, kind))
    status = _BY_REASON.get(error.reason, kind)
    headers = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(ceil(error.retry_after or DEFAULT_RETRY_SECONDS))
    return problem(status, str(error), error.reason, allowed=allowed, headers=headers)
