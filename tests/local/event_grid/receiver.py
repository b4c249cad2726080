"""A small webhook server that records what it is sent and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web

from local.events.grid.schemas import Event


@dataclass
class Delivery:
    """One notification as it arrived."""

    headers: Mapping[str, str]
    body: object

    @property
    def event(self) -> Event:
        """The one event, whichever schema wrapped it."""
        body = self.body[0] if isinstance(self.body, list) else self.body
        return cast(Event, body)


@dataclass
class Receiver:
    """`status_of` decides the answer to the nth notification; `echo` and `allow_origin` the handshakes."""

    url: str = ""
    status_of: Callable[[int], int] = lambda _: 200
    echo: bool = True
    allow_origin: str | None = "*"
    deliveries: list[Delivery] = field(default_factory=list)
    validations: list[Delivery] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait_for(self, count: int) -> list[Delivery]:
        """The deliveries, once there are `count` of them."""
        async with asyncio.timeout(45), self._arrived:
            await self._arrived.wait_for(lambda: len(self.deliveries) >= count)
        return self.deliveries

    async def post(self, request: web.Request) -> web.Response:
        """Both the Event Grid handshake and notifications arrive as POST."""
        received = Delivery(request.headers, json.loads(await request.text()))
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            self.validations.append(received)
            code = cast(dict[str, str], received.event["data"])["validationCode"]
            return web.json_response({"validationResponse": code} if self.echo else {})
        self.deliveries.append(received)
        async with self._arrived:
            self._arrived.notify_all()
        return web.Response(status=self.status_of(len(self.deliveries)))

    async def options(self, request: web.Request) -> web.Response:
        """The CloudEvents handshake."""
        self.validations.append(Delivery(request.headers, None))
        headers = {"WebHook-Allowed-Origin": self.allow_origin} if self.allow_origin else {}
        return web.Response(headers=headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of loopback; its URL carries a key in the query, as a function's does."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.post)
    app.router.add_options("/hook", receiver.options)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook?functionName=on_event&code=secret"
    try:
        yield receiver
    finally:
        await runner.cleanup()
