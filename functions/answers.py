"""HTTP answers: JSON, and errors as application/problem+json (RFC 9457)."""

import functools
import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import azure.functions as func
import msgspec

from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import NodeKey

log = logging.getLogger(__name__)

type Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

MOST_ITEMS = 1000


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457: `title` says what kind of problem, `detail` what happened and what to do."""

    status: int
    title: str
    detail: str
    code: str = ""
    type: str = "about:blank"


class BadRequest(Exception):
    """The request cannot be understood; the message says what is allowed."""


_STATUS: tuple[tuple[type[MeshError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Waiting, HTTPStatus.SERVICE_UNAVAILABLE),
    (Transient, HTTPStatus.SERVICE_UNAVAILABLE),
    (Denied, HTTPStatus.BAD_GATEWAY),
    (Terminal, HTTPStatus.BAD_GATEWAY),
)


_BY_REASON = {
    "InvalidContinuation": HTTPStatus.BAD_REQUEST,
    "NotReplayable": HTTPStatus.UNPROCESSABLE_ENTITY,
}


def answering(handler: Handler) -> Handler:
    """The handler with every error as a problem; what nobody foresaw is logged whole and answered as 500."""

    @functools.wraps(handler)
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return await handler(req)
        except BadRequest as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error), "BadRequest")
        except MeshError as error:
            return _problem_of(error)
        except Exception:
            log.exception("a request failed in a way that nobody foresaw")
            return problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "Meshplane failed; the log says how.", "Unforeseen"
            )

    return answer


def json_answer(body: object, status: HTTPStatus = HTTPStatus.OK) -> func.HttpResponse:
    """An answer with a JSON body."""
    return func.HttpResponse(msgspec.json.encode(body), status_code=status, mimetype="application/json")


def problem(
    status: HTTPStatus, detail: str, code: str, headers: dict[str, str] | None = None
) -> func.HttpResponse:
    """An error."""
    body = msgspec.json.encode(Problem(status.value, status.phrase, detail, code))
    return func.HttpResponse(body, status_code=status, headers=headers, mimetype="application/problem+json")


def _problem_of(error: MeshError) -> func.HttpResponse:
    status = next(s for kind, s in _STATUS if isinstance(error, kind))
    status = _BY_REASON.get(error.reason, status)
    headers = (
        {"Retry-After": str(int(error.retry_after or 5))}
        if status == HTTPStatus.SERVICE_UNAVAILABLE
        else None
    )
    return problem(status, str(error), error.reason, headers)


def node_key(req: func.HttpRequest) -> NodeKey:
    """The key that a route names. Raises BadRequest."""
    try:
        return NodeKey.of(req.route_params["subscription"], req.route_params["group"])
    except ValueError as error:
        raise BadRequest(f"{error}.") from None


def page_size(req: func.HttpRequest) -> int:
    """The page size asked for, 100 where none is. Raises BadRequest."""
    text = req.params.get("top", "100")
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MOST_ITEMS:
        raise BadRequest(f"top must be a whole number from 1 to {MOST_ITEMS}, not {text[:40]!r}.")
    return int(text)


def chosen(req: func.HttpRequest, name: str, allowed: tuple[str, ...]) -> str:
    """A query parameter out of a fixed set, empty where it is absent. Raises BadRequest."""
    value = str(req.params.get(name, ""))
    if value and value not in allowed:
        raise BadRequest(f"{name} must be one of {', '.join(allowed)}, not {value[:40]!r}.")
    return value
