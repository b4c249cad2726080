"""Azure Monitor's query API over the log store: `/v1/workspaces/{id}/query`, `/v1/{resource id}/query`, `/v1/$batch`.

Sources: REST API "Query - Execute", "Azure Monitor Log Analytics API request format", "Querying logs for Azure
resources", "Batch queries". Every workspace id is answered from the one store.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple, cast

import duckdb
from aiohttp import web
from duckdb_kql import KqlError

from local.identity.tokens import InvalidToken, read
from local.logs.answers import Reply, failure_reply, refusal, table_reply
from local.logs.store import SECONDS_TO_ANSWER, LogStore, QueryTimeout, Scope
from local.logs.timespan import interval

AUDIENCES = ("https://api.loganalytics.io", "https://api.loganalytics.azure.com")
LONGEST_WAIT = 600.0
_WORKSPACE = re.compile(
    r"(/subscriptions/[^/]+/.+/microsoft\.operationalinsights)?/workspaces/[^/]+", re.IGNORECASE
)


class Asked(NamedTuple):
    """A query as it arrived: what it may see is in `path`, without the leading version."""

    path: str
    query: str
    timespan: str
    prefer: str


class LogsApi:
    """`key` is what tokens are signed with; None accepts any signature."""

    def __init__(self, store: LogStore, key: bytes | None = None) -> None:
        self._store = store
        self._key = key

    def application(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/v1/$batch", self.batch)
        app.router.add_route("*", "/v1{path:/.+}/query", self.query)
        return app

    async def query(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused:
            return _json(refused)
        body: Mapping[str, object] = dict(request.query)
        if request.method == "POST":
            read_body = await _body(request)
            if isinstance(read_body, Reply):
                return _json(read_body)
            body = {**body, **read_body}
        asked = Asked(
            request.match_info["path"],
            str(body.get("query") or ""),
            str(body.get("timespan") or ""),
            request.headers.get("Prefer", ""),
        )
        return _json(await self._answer(asked))

    async def batch(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused:
            return _json(refused)
        body = await _body(request)
        if isinstance(body, Reply):
            return _json(body)
        entries = cast("list[Mapping[str, object]]", body.get("requests") or [])
        answers = []
        for entry in entries:
            inner = cast("Mapping[str, object]", entry.get("body") or {})
            headers = cast("Mapping[str, str]", entry.get("headers") or {})
            asked = Asked(
                f"/workspaces/{entry.get('workspace')}",
                str(inner.get("query") or ""),
                str(inner.get("timespan") or ""),
                headers.get("Prefer", ""),
            )
            reply = await self._answer(asked)
            answers.append({"id": entry.get("id"), "status": reply.status.value, "body": reply.body})
        return web.json_response({"responses": answers})

    async def _answer(self, asked: Asked) -> Reply:
        if not asked.query.strip() or asked.query.lstrip().startswith("."):
            inner = {"code": "SyntaxError", "message": "The query is empty, or a management command."}
            return _invalid(inner)
        try:
            start, end = interval(asked.timespan, datetime.now(UTC))
        except ValueError as error:
            return _invalid({"code": "InvalidTimespan", "message": str(error)})
        whole = _WORKSPACE.fullmatch(asked.path)
        scope = Scope(start, end, "" if whole else asked.path)
        try:
            answer = await asyncio.to_thread(
                self._store.query, asked.query, scope, seconds=_wait(asked.prefer)
            )
        except (KqlError, duckdb.Error, QueryTimeout) as error:
            return failure_reply(error)
        return table_reply(answer)

    def _refused(self, request: web.Request) -> Reply | None:
        """401 and 403 as the API answers them."""
        header = request.headers.get("Authorization", "")
        if not header:
            message = "Authentication failed. The 'Authorization' header is missing."
            return refusal(HTTPStatus.UNAUTHORIZED, "AuthenticationFailed", message)
        try:
            claims = read(header.partition(" ")[2].strip(), self._key)
        except InvalidToken:
            code, message = "InvalidAuthenticationToken", "The access token is invalid."
            return refusal(HTTPStatus.FORBIDDEN, code, message)
        audience, expires = claims.get("aud"), claims.get("exp")
        if not isinstance(audience, str) or audience.rstrip("/") not in {
            *AUDIENCES,
            str(request.url.origin()),
        }:
            message = f"The access token has been obtained from wrong audience or resource '{audience}'."
            return refusal(HTTPStatus.FORBIDDEN, "InvalidAuthenticationTokenAudience", message)
        if not isinstance(expires, int | float) or expires <= datetime.now(UTC).timestamp():
            return refusal(
                HTTPStatus.UNAUTHORIZED, "ExpiredAuthenticationToken", "The access token has expired."
            )
        return None


def _wait(prefer: str) -> float:
    found = re.search(r"wait=(\d+)", prefer)
    return min(float(found[1]), LONGEST_WAIT) if found else SECONDS_TO_ANSWER


def _invalid(inner: Mapping[str, object]) -> Reply:
    message = "The request had some invalid properties"
    return refusal(HTTPStatus.BAD_REQUEST, "BadArgumentError", message, inner)


async def _body(request: web.Request) -> Mapping[str, object] | Reply:
    try:
        body: object = await request.json()
    except json.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return body
    return _invalid({"code": "InvalidJsonBody", "message": "The request body is not a JSON object."})


def _json(reply: Reply) -> web.Response:
    return web.json_response(reply.body, status=reply.status)
