"""HTTP triggers: routes under the prefix, keys, and the request and response of the worker protocol."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import hdrs, web
from multidict import CIMultiDict

from local.functions_host.host.functions import Function
from local.functions_host.host.invocation import Call, FunctionFailed, Invoker
from local.functions_host.host.keys import AuthLevel, Keys
from local.functions_host.host.routing import Route
from local.functions_host.host.settings import ConfigurationError
from local.functions_host.host.worker_process import WorkerLost
from local.functions_host.messages import RpcHttp, RpcHttpCookie, SameSite, TypedData

# Azure's load balancer ends an idle request after this long, whatever functionTimeout says.
SECONDS_TO_ANSWER = 230.0
LARGEST_BODY = 100 * 1024 * 1024

_METHODS = ("GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS", "TRACE", "CONNECT")
_SAME_SITE = {SameSite.Lax: "Lax", SameSite.Strict: "Strict", SameSite.ExplicitNone: "None"}
# These describe the connection, not the message, and are aiohttp's to write.
_CONNECTION_HEADERS = {"content-length", "transfer-encoding", "connection"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An HTTP function with its route, methods and level."""

    function: Function
    route: Route
    methods: frozenset[str]
    level: AuthLevel


def endpoint(function: Function, prefix: str) -> Endpoint:
    """The endpoint of an HTTP-triggered function. Raises ConfigurationError for a bad route or level."""
    trigger = function.trigger
    methods = trigger.properties.get("methods")
    try:
        return Endpoint(
            function,
            Route.parse(f"{prefix}/{trigger.text('route', function.name)}"),
            frozenset(str(method).upper() for method in methods)
            if isinstance(methods, list)
            else frozenset(_METHODS),
            AuthLevel(trigger.text("authLevel", "function").lower()),
        )
    except ValueError as error:
        raise ConfigurationError(f"route of '{function.name}': {error}") from None


class HttpTriggers:
    """Answers requests to the app's own routes."""

    def __init__(self, endpoints: Iterable[Endpoint], keys: Keys, invoker: Invoker) -> None:
        self._endpoints = sorted(endpoints, key=lambda each: each.route.precedence)
        self._keys = keys
        self._invoker = invoker

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """404, 405 or 401 without a call; 500 when the function fails; 504 when it takes too long."""
        matching = [
            (each, values)
            for each in self._endpoints
            if (values := each.route.match(request.rel_url.raw_path)) is not None
        ]
        if not matching:
            return web.Response(status=404)
        for each, values in matching:
            if request.method in each.methods:
                return await self._call(each, values, request)
        allowed = sorted(frozenset[str]().union(*(each.methods for each, _ in matching)))
        return web.Response(status=405, headers={hdrs.ALLOW: ", ".join(allowed)})

    async def _call(
        self, to: Endpoint, values: Mapping[str, str], request: web.Request
    ) -> web.StreamResponse:
        if not self._keys.allows(to.level, key_of(request)):
            return web.Response(status=401)
        call = Call(
            TypedData(http=await _rpc_request(request, values)),
            {},
            "This function was programmatically called via the host APIs.",
            trace_parent=request.headers.get("traceparent"),
        )
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                response = await self._invoker.invoke(to.function, call)
        except (FunctionFailed, WorkerLost):
            return web.Response(status=500)
        except TimeoutError:
            return web.Response(status=504)
        return _response(response.return_value)


def key_of(request: web.Request) -> str | None:
    """The access key a request carries, in its header or as `code`."""
    return request.headers.get("x-functions-key") or request.query.get("code")


async def _rpc_request(request: web.Request, values: Mapping[str, str]) -> RpcHttp:
    body = await request.read()
    return RpcHttp(
        method=request.method,
        url=str(request.url),
        # Azure's host sends names in lower case and joins what is repeated with commas.
        headers={name.lower(): ",".join(request.headers.getall(name)) for name in request.headers},
        params=dict(values),
        query={name: ",".join(request.query.getall(name)) for name in request.query},
        body=TypedData(bytes=body) if body else TypedData(),
    )


def _response(value: TypedData | None) -> web.Response:
    if value is None:
        return web.Response(status=204)
    if value.http is None:
        return web.Response(body=_bytes(value), content_type="text/plain", charset="utf-8")
    http = value.http
    headers: CIMultiDict[str] = CIMultiDict(
        (name, text) for name, text in http.headers.items() if name.lower() not in _CONNECTION_HEADERS
    )
    for cookie in http.cookies or []:
        headers.add(hdrs.SET_COOKIE, _set_cookie(cookie))
    return web.Response(
        status=int(http.status_code), headers=headers, body=_bytes(http.body) if http.body else b""
    )


def _bytes(value: TypedData) -> bytes:
    return value.bytes or (value.string or value.json or "").encode()


def _set_cookie(cookie: RpcHttpCookie) -> str:
    parts = [f"{cookie.name}={cookie.value}"]
    if cookie.expires:
        parts.append(f"expires={formatdate(cookie.expires.value.seconds, usegmt=True)}")
    if cookie.max_age:
        parts.append(f"max-age={cookie.max_age.value:.0f}")
    if cookie.domain and cookie.domain.value:
        parts.append(f"domain={cookie.domain.value}")
    if cookie.path and cookie.path.value:
        parts.append(f"path={cookie.path.value}")
    if cookie.secure and cookie.secure.value:
        parts.append("secure")
    if cookie.same_site in _SAME_SITE:
        parts.append(f"samesite={_SAME_SITE[cookie.same_site]}")
    if cookie.http_only and cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)
