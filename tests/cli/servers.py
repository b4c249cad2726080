"""Small HTTP servers for the client: the API's own routes on ports in memory, and one that says what a test wishes."""

import asyncio
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import azure.functions as func

from functions.routes import Route
from functions.serving import respond
from tests.unit.functions.api import ROUTES, Api

KEY = "a-key-that-nobody-may-see"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server got it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Says:
    """An answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


type Answering = Callable[[Asked], Says]


@dataclass
class Server:
    """A running server: where it is, and what it was asked."""

    url: str
    asked: list[Asked]


@contextmanager
def serving(answering: Answering) -> Iterator[Server]:
    """A server on a free port of this machine until the block ends."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # who asked has gone
                self.close_connection = True

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", "0"))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Asked(self.command, parts.path, query, headers, self.rfile.read(length))
            asked.append(request)
            says = answering(request)
            self.send_response(says.status)
            for name, value in {"Content-Type": "application/json", **says.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(says.body)))
            self.end_headers()
            self.wfile.write(says.body)

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            """Tests read `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def saying(*says: Says) -> Answering:
    """One answer after the other, the last one again and again."""
    left = deque(says)
    return lambda _: left.popleft() if len(left) > 1 else left[0]


@contextmanager
def serving_api(on: Api) -> Iterator[Server]:
    """The app's own routes, which refuse a wrong key as the platform does, on one event loop of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def answer(asked: Asked) -> Says:
        return asyncio.run_coroutine_threadsafe(_respond(on, asked), loop).result(30)

    try:
        with serving(answer) as server:
            yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _respond(on: Api, asked: Asked) -> Says:
    if asked.headers.get("x-functions-key") != KEY:
        return Says(401, b"", {"Content-Type": "text/plain"})
    found = route_of(asked)
    if found is None:
        return Says(404, b"", {"Content-Type": "text/plain"})
    route, values = found
    request = func.HttpRequest(
        asked.method,
        asked.path,
        headers={**asked.headers, **({"X-MS-CLIENT-PRINCIPAL": on.principal} if on.principal else {})},
        params=asked.query,
        route_params=values,
        body=asked.body,
    )
    answer = await respond(route, request, on.app)
    headers = {**answer.headers, "Content-Type": str(answer.mimetype)}
    return Says(answer.status_code, answer.get_body(), headers)


def route_of(asked: Asked) -> tuple[Route, dict[str, str]] | None:
    """The route that a request reaches, those with fewer parameters first, and what its path names."""
    for route in sorted(ROUTES, key=lambda each: each.path.count("{")):
        shape = "".join(
            f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"({\w+})", f"/api/{route.path}")
        )
        found = re.fullmatch(shape, asked.path)
        if found and route.method == asked.method:
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    return None
