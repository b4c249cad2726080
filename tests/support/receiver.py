"""A receiver of webhooks on the loopback: it keeps what came, and answers as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """`statuses` are answered one after the other, then `status`; `hang` never answers."""

    url: str = ""
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"said by the receiver"
    hang: bool = False
    received: list[Received] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        got = Received(request.path, {k.lower(): v for k, v in request.headers.items()}, await request.read())
        self.received.append(got)
        if self.hang:
            await asyncio.Event().wait()
        status = self.statuses.pop(0) if self.statuses else self.status
        return web.Response(status=status, headers=self.headers, body=self.body)


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """On a free port, until the block ends."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
