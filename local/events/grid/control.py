"""The control endpoint of Event Grid, beside Resource Manager's own under `/_control/`, on loopback only.

GET  /_control/event-grid    the disturbances, and the counters of local.events.grid.delivery
PUT  /_control/event-grid    {"timeScale": 0.01, "duplicates": 2, "delaySeconds": [0, 0.5], "reorder": true,
                             "reorderWindowSeconds": 0.5, "drop": 0.1, "endpointTimeoutSeconds": 30, "seed": 7}
                             what is absent returns to calm
"""

from dataclasses import dataclass

import msgspec
from aiohttp import web

from local.arm.control import PREFIX, guarded
from local.events.grid.delivery import DeliveryService, Disturbances

PATH = f"{PREFIX}/event-grid"


@dataclass(frozen=True, slots=True)
class Control:
    """Shows and sets what happens to the deliveries of one service."""

    service: DeliveryService

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(PATH, guarded(self._read))
        app.router.add_put(PATH, guarded(self._change))

    async def _read(self, _request: web.Request) -> web.Response:
        shown = {"disturbances": self.service.disturbances, "counters": self.service.counters}
        return web.Response(body=msgspec.json.encode(shown), content_type="application/json")

    async def _change(self, request: web.Request) -> web.Response:
        self.service.disturb(msgspec.json.decode(await request.read(), type=Disturbances))
        return await self._read(request)
