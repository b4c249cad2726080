"""The local Functions host as a process, with the few calls that tests of apps need."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from local.child import Child

SECONDS_TO_START = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response. Header names are in lower case; a repeated header has several values."""

    status: int
    headers: Mapping[str, list[str]]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return cast(dict[str, object], json.loads(self.body))


@dataclass(frozen=True, slots=True)
class RunningHost:
    """A running host; its log is `child.log`."""

    child: Child
    endpoint: str
    function_key: str
    master_key: str
    event_grid_key: str

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send a request to `path` (with query); `key` goes into the x-functions-key header."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=120)
        try:
            sent = {**(headers or {}), **({"x-functions-key": key} if key else {})}
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            received: dict[str, list[str]] = {}
            for name, value in response.getheaders():
                received.setdefault(name.lower(), []).append(value)
            return Answer(response.status, received, response.read())
        finally:
            connection.close()

    def run_by_hand(self, function: str, text: str = "") -> Answer:
        """Run a function that no HTTP request triggers; it runs after the answer (202)."""
        return self.request(
            "POST", f"/admin/functions/{function}", json.dumps({"input": text}), key=self.master_key
        )

    def workers(self) -> list[int]:
        """The process id of each instance's worker, in the order of instances; only those that serve."""
        status = self.request("GET", "/admin/host/status", key=self.master_key).json
        workers = cast(list[dict[str, int]], status["workers"])
        return [worker["pid"] for worker in workers if worker["ready"]]

    def log(self) -> str:
        return self.child.log.read_text(errors="replace")


def start_functions_host(
    app: Path, log: Path, settings: Mapping[str, str] | None = None, *arguments: str
) -> RunningHost:
    """Start the host for the app in this folder; `arguments` as `--instances`, `3`. Raises ChildFailed."""
    given = [word for name, value in (settings or {}).items() for word in ("--setting", f"{name}={value}")]
    child = Child.start_module("local.functions_host", ["--app", str(app), *given, *arguments], log)
    try:
        ready = child.wait_until_ready(SECONDS_TO_START)
    except BaseException:
        child.kill()
        raise
    names = ("endpoint", "function_key", "master_key", "event_grid_key")
    return RunningHost(child, *(str(ready[name]) for name in names))


@contextmanager
def functions_host(
    app: Path, log: Path, settings: Mapping[str, str] | None = None, *arguments: str
) -> Iterator[RunningHost]:
    """A host for the length of a `with` block. Raises ChildFailed when it does not stop cleanly at its end."""
    host = start_functions_host(app, log, settings, *arguments)
    try:
        yield host
    finally:
        host.child.stop(90)
    if host.child.returncode != 0:
        raise host.child.failure(f"ended with exit status {host.child.returncode}")


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Look until `condition` holds; other processes make it true, so there is nothing to await."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        pause.wait(0.05)
