"""From a request to an answer: who calls, whether they may, what they ask, and every error as a problem."""

import logging
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING

import azure.functions as func
import msgspec

from functions.answers import BadRequest, NotAllowed, UnsupportedMediaType, json_answer, problem, problem_of
from functions.call import Call
from functions.identity import Unidentified, caller
from shared.domain.calls import waited_for
from shared.domain.errors import MeshError

if TYPE_CHECKING:
    from functions.routes import Route
    from shared.bootstrap import Application

log = logging.getLogger(__name__)

LONGEST_BODY = 64 * 1024


async def respond(route: "Route", req: func.HttpRequest, app: "Application") -> func.HttpResponse:
    """The answer of a route; what nobody foresaw is logged whole and answered as 500."""
    try:
        return await _handle(route, req, app)
    except BadRequest as error:
        return problem(HTTPStatus.BAD_REQUEST, str(error), "BadRequest")
    except UnsupportedMediaType as error:
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error), "UnsupportedMediaType")
    except Unidentified:
        detail = "Sign in: the platform's authentication named no caller."
        return problem(
            HTTPStatus.UNAUTHORIZED, detail, "Unidentified", headers={"WWW-Authenticate": "Bearer"}
        )
    except NotAllowed as error:
        return problem_of(error.error, error.allowed)
    except MeshError as error:
        return problem_of(error)
    except Exception:
        log.exception("a request failed in a way that nobody foresaw")
        detail = "Meshplane failed; the log says how."
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, "Unforeseen")


async def _handle(route: "Route", req: func.HttpRequest, app: "Application") -> func.HttpResponse:
    actor = caller(req, platform_authentication=app.platform_authentication)
    if not actor.may(route.role):
        return problem(HTTPStatus.FORBIDDEN, f"This needs the role {route.role}.", "RoleMissing")
    call = Call(app, actor, {p.name: p.read(req) for p in route.parameters}, _others(route, req))
    asked = (_body(req, getattr(import_module("functions.bodies"), route.body)),) if route.body else ()
    with waited_for():
        answer = await route.handler(call, *asked)
    return json_answer(answer.view, answer.status or route.status, answer.headers)


def _others(route: "Route", req: func.HttpRequest) -> dict[str, str]:
    """What the query holds beside what the route declares and the function key, where the route takes such."""
    declared = {parameter.name for parameter in route.parameters} | {"code"}
    given = req.params.items() if route.others else ()
    return {name: value for name, value in given if value and name not in declared}


def _body[T](req: func.HttpRequest, kind: type[T]) -> T:
    """The request's body, strictly: unknown members, other types and too much of it are refused by name."""
    media = req.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedMediaType(f"The body must be application/json, not {media[:100] or 'of no type'}.")
    body = req.get_body()
    if len(body) > LONGEST_BODY:
        raise BadRequest(f"The body may have {LONGEST_BODY} bytes, not {len(body)}.")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body: {error}.") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
