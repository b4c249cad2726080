"""The host's own endpoints: ping, status, and running a function by hand.

Source: https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from aiohttp import web

from local.functions_host.host.functions import Function
from local.functions_host.host.http import key_of
from local.functions_host.host.invocation import Call, FunctionFailed, Invoker
from local.functions_host.host.keys import AuthLevel, Keys
from local.functions_host.host.worker_pool import WorkerPool
from local.functions_host.host.worker_process import WorkerLost

RUN_BY_HAND = "This function was programmatically called via the host APIs."

type ManualCall = Callable[[Function, str, str], Call]


class _Run(msgspec.Struct):
    input: str = ""


@dataclass(frozen=True, slots=True)
class Admin:
    """`manual` makes the call of a function from the text that a person gave, per trigger type."""

    functions: Mapping[str, Function]
    manual: Mapping[str, ManualCall]
    keys: Keys
    pool: WorkerPool
    invoker: Invoker
    background: set[asyncio.Task[None]]

    def add_to(self, application: web.Application) -> None:
        application.router.add_get("/admin/host/ping", self.ping)
        application.router.add_get("/admin/host/status", self.status)
        application.router.add_post("/admin/functions/{name}", self.run)

    async def ping(self, _request: web.Request) -> web.StreamResponse:
        return web.Response()

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Azure's `state`, and beyond Azure's the process id of each instance's worker."""
        if not self.keys.allows(AuthLevel.ADMIN, key_of(request)):
            return web.Response(status=401)
        workers = [
            {
                "instance": instance.number,
                "pid": instance.worker.pid if instance.worker else None,
                "ready": instance.ready.is_set(),
                "running": instance.running,
            }
            for instance in self.pool.instances
        ]
        return web.json_response({"state": "Running", "errors": [], "workers": workers})

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Accept at once, run afterwards, as Azure does; `{"input": "..."}` becomes what the trigger carries."""
        if not self.keys.allows(AuthLevel.ADMIN, key_of(request)):
            return web.Response(status=401)
        function = self.functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        manual = self.manual.get(function.trigger.type.lower())
        if manual is None:
            return web.Response(status=400, text=f"a {function.trigger.type} is not run by hand")
        try:
            text = msgspec.json.decode(await request.read() or b"{}", type=_Run).input
        except msgspec.DecodeError as error:
            return web.Response(status=400, text=str(error))
        task = asyncio.create_task(self._run(function, manual(function, text, RUN_BY_HAND)))
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return web.Response(status=202)

    async def _run(self, function: Function, call: Call) -> None:
        try:
            await self.invoker.invoke(function, call)
        except (FunctionFailed, WorkerLost):
            return  # the invoker has logged it, and nobody waits for the answer
