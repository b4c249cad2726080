"""Somebody else's webhook: takes notices of alerts and checks that they are Meshplane's, as docs/handlers.md says."""

import hmac
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import msgspec

SECRET = "a secret between Meshplane and the demo"
SECONDS_TO_BE_FRESH = 300
SECONDS_BETWEEN_CHECKS_FOR_THE_END = 0.1


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice: `Fired` or `Resolved`, how severe it is, and whether its signature is right."""

    id: str
    condition: str
    severity: str
    ours: bool


@dataclass(slots=True)
class Receiver:
    """What came, each notice once: one that is sent again has the id that it had."""

    url: str = ""
    notices: dict[str, Notice] = field(default_factory=dict)

    def of(self, alert: str) -> list[Notice]:
        """The notices of one alert, by its id."""
        return [notice for notice in list(self.notices.values()) if notice.id.startswith(f"{alert}-")]

    def take(self, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
        """Keeps a notice, and refuses one that is not Meshplane's. Names of headers are in lower case."""
        told = msgspec.json.decode(body, type=_Common).data.essentials
        notice, ours = headers.get("x-meshplane-notice", ""), is_ours(SECRET, headers, body)
        self.notices[notice] = Notice(notice, told.condition, told.severity, ours)
        return HTTPStatus.OK if ours else HTTPStatus.UNAUTHORIZED


def is_ours(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether who sent this knows the secret, and sent it just now. Names of headers are in lower case."""
    timestamp = headers.get("x-meshplane-timestamp", "0")
    expected = "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()
    fresh = abs(time.time() - int(timestamp)) < SECONDS_TO_BE_FRESH
    return fresh and hmac.compare_digest(expected, headers.get("x-meshplane-signature", ""))


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """On a free port of the loopback, until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """The demo says what it saw itself."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/alerts"
        pause = {"poll_interval": SECONDS_BETWEEN_CHECKS_FOR_THE_END}
        thread = Thread(target=server.serve_forever, kwargs=pause)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


class _Essentials(msgspec.Struct, frozen=True):
    condition: str = msgspec.field(name="monitorCondition")
    severity: str


class _Data(msgspec.Struct, frozen=True):
    essentials: _Essentials


class _Common(msgspec.Struct, frozen=True):
    data: _Data
