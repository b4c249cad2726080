"""The Event Grid trigger's webhook, `/runtime/webhooks/EventGrid?functionName=NAME&code=KEY`.

Source: https://learn.microsoft.com/azure/event-grid/receive-events, end-point validation in both schemas, and
https://learn.microsoft.com/azure/azure-functions/functions-event-grid-blob-trigger for the address.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from aiohttp import web

from local.functions_host.host.functions import Function
from local.functions_host.host.http import key_of
from local.functions_host.host.invocation import Call, FunctionFailed, Invoker
from local.functions_host.host.keys import Keys
from local.functions_host.host.logs import HOST
from local.functions_host.host.worker_process import WorkerLost
from local.functions_host.messages import TypedData

PATH = "/runtime/webhooks/EventGrid"


class _ValidationData(msgspec.Struct, rename="camel"):
    validation_code: str


class _Validation(msgspec.Struct):
    data: _ValidationData


@dataclass(frozen=True, slots=True)
class EventGridWebhook:
    """Delivers events to Event-Grid-triggered functions, whose names are looked up in lower case."""

    functions: Mapping[str, Function]
    keys: Keys
    invoker: Invoker

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """202 when every event's function succeeded, 500 otherwise, so that Event Grid delivers again."""
        if not self.keys.allows_event_grid(key_of(request)):
            return web.Response(status=401)
        function = self.functions.get(request.query.get("functionName", "").lower())
        if function is None:
            return web.Response(status=404, text="There is no such Event Grid function.")
        if request.method == "OPTIONS":
            return _allow_origin(request)
        try:
            return await self._accept(function, request)
        except msgspec.DecodeError as error:
            return web.Response(status=400, text=str(error))

    async def _accept(self, function: Function, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        kind = request.headers.get("aeg-event-type", "Notification").lower()
        if kind == "subscriptionvalidation":
            [event] = msgspec.json.decode(body, type=list[_Validation])
            HOST.info("Event Grid validated its subscription for '%s'", function.name)
            return web.json_response({"validationResponse": event.data.validation_code})
        if kind == "unsubscribe":
            return web.Response(status=202)
        if kind != "notification":
            return web.Response(status=400, text=f"aeg-event-type '{kind}' is not known")
        return await self._deliver(function, _events(body))

    async def _deliver(self, function: Function, events: list[msgspec.Raw]) -> web.StreamResponse:
        calls = [event_grid_call(bytes(event).decode(), "EventGrid trigger fired") for event in events]
        outcomes = await asyncio.gather(
            *(self.invoker.invoke(function, call) for call in calls), return_exceptions=True
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for outcome in failed:
            if not isinstance(outcome, FunctionFailed | WorkerLost):
                raise outcome
        return web.Response(status=500 if failed else 202)


def event_grid_call(event: str, reason: str) -> Call:
    """The call for one event, given as JSON."""
    return Call(TypedData(json=event), {"data": TypedData(json=event)}, reason)


def _events(body: bytes) -> list[msgspec.Raw]:
    """The events of a delivery: an array in Event Grid's schema, one or an array in CloudEvents'."""
    if body.lstrip().startswith(b"["):
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    msgspec.json.decode(body)
    return [msgspec.Raw(body)]


def _allow_origin(request: web.Request) -> web.Response:
    """CloudEvents' abuse protection: allow the origin that asks."""
    origin = request.headers.get("WebHook-Request-Origin")
    if not origin:
        return web.Response(status=400)
    return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
