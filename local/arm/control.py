"""The control endpoint: what tests and demonstrations do to Resource Manager, under `/_control/`, on loopback only.

POST   /_control/reset
GET    /_control/mode          PUT  {"operations": {...}, "latency_ms": 80, "throttling": {...}, "page_size": 5,
                                    "ceilings": {"peerings": 3, "networks": 5}}
GET    /_control/faults        POST {"match": {...}, "status": 503, "times": 2, ...}          DELETE
DELETE /_control/faults/{id}   (one of them)
GET    /_control/operations?since=N                                                            DELETE
GET    /_control/state         PUT  (a document that GET gave)
POST   /_control/state/save    (to the file the server was started with)
GET    /_control/resolve?network=ID&name=FQDN    (what Azure DNS answers inside a virtual network)
"""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec
from aiohttp import web

from local.arm import persistence
from local.arm.ceilings import Ceilings
from local.arm.documents import JsonObject
from local.arm.faults import Fault
from local.arm.operations import OperationsMode
from local.arm.providers.private_link_targets.resolution import resolve
from local.arm.resource_manager import ResourceManager
from local.arm.throttling import Limits

PREFIX = "/_control"

type Handler = Callable[[web.Request], Awaitable[web.Response]]


class ModeChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is absent stays as it is. `latency_ms` is added to every request."""

    operations: OperationsMode | None = None
    latency_ms: float | None = None
    throttling: Limits | None = None
    page_size: int | None = None
    ceilings: Ceilings | None = None


@dataclass(frozen=True, slots=True)
class Control:
    manager: ResourceManager
    state_file: Path | None

    def add_routes(self, app: web.Application) -> None:
        for method, path, handler in (
            ("POST", "/reset", self._reset),
            ("GET", "/mode", self._read_mode),
            ("PUT", "/mode", self._change_mode),
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("DELETE", "/faults/{id}", self._remove_fault),
            ("GET", "/operations", self._list_operations),
            ("DELETE", "/operations", self._clear_operations),
            ("GET", "/state", self._read_state),
            ("PUT", "/state", self._load_state),
            ("POST", "/state/save", self._save_state),
            ("GET", "/resolve", self._resolve),
        ):
            app.router.add_route(method, PREFIX + path, guarded(handler))

    async def _reset(self, _request: web.Request) -> web.Response:
        self.manager.reset()
        return web.Response(status=204)

    async def _read_mode(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "operations": msgspec.to_builtins(self.manager.operations.mode),
                "latency_ms": self.manager.latency * 1000,
                "throttling": msgspec.to_builtins(self.manager.throttling.limits),
                "page_size": self.manager.page_size,
                "ceilings": msgspec.to_builtins(self.manager.ceilings),
            }
        )

    async def _change_mode(self, request: web.Request) -> web.Response:
        change = msgspec.json.decode(await request.read(), type=ModeChange)
        if change.operations is not None:
            self.manager.operations.mode = change.operations
            self.manager.operations.changed()
        if change.latency_ms is not None:
            self.manager.latency = change.latency_ms / 1000
        if change.throttling is not None:
            self.manager.throttling.configure(change.throttling)
        if change.page_size is not None:
            self.manager.page_size = change.page_size
        if change.ceilings is not None:
            self.manager.ceilings = change.ceilings
        return await self._read_mode(request)

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"value": msgspec.to_builtins(self.manager.faults.all())})

    async def _add_fault(self, request: web.Request) -> web.Response:
        fault = msgspec.json.decode(await request.read(), type=Fault)
        self.manager.faults.add(fault)
        return web.json_response(msgspec.to_builtins(fault), status=201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.manager.faults.clear()
        return web.Response(status=204)

    async def _remove_fault(self, request: web.Request) -> web.Response:
        removed = self.manager.faults.remove(request.match_info["id"])
        return web.Response(status=204 if removed else 404)

    async def _list_operations(self, request: web.Request) -> web.Response:
        since = int(request.query.get("since", "0"))
        return web.json_response({"value": msgspec.to_builtins(self.manager.log.since(since))})

    async def _clear_operations(self, _request: web.Request) -> web.Response:
        self.manager.log.clear()
        return web.Response(status=204)

    async def _read_state(self, _request: web.Request) -> web.Response:
        return web.json_response(persistence.dump(self.manager))

    async def _load_state(self, request: web.Request) -> web.Response:
        persistence.load(self.manager, cast(JsonObject, await request.json()))
        return web.Response(status=204)

    async def _save_state(self, _request: web.Request) -> web.Response:
        if self.state_file is None:
            raise ValueError("the server was started without a state file")
        persistence.save_file(self.manager, self.state_file)
        return web.Response(status=204)

    async def _resolve(self, request: web.Request) -> web.Response:
        found = resolve(self.manager.store, request.query.get("network", ""), request.query.get("name", ""))
        return web.json_response(found)


def guarded(handler: Handler) -> Handler:
    """Loopback only, and a readable 400 for what cannot be understood."""

    async def guarded(request: web.Request) -> web.Response:
        if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
            return web.json_response(
                {"message": "The control endpoint answers on loopback only."}, status=403
            )
        try:
            return await handler(request)
        except (ValueError, msgspec.MsgspecError) as error:
            return web.json_response({"message": str(error)}, status=400)

    return guarded
