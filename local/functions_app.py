"""The local functions host as a child of this process, running one function app."""

import json
import os
import signal
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from urllib.parse import quote, urlsplit

from local.child import Child

SECONDS_TO_START = 120.0
# The host lets running invocations finish for up to 30 s.
SECONDS_TO_STOP = 40.0


@dataclass(frozen=True, slots=True)
class Worker:
    """The process of one instance; `running` is how many invocations it has right now."""

    instance: int
    pid: int
    ready: bool
    running: int


class FunctionsHost:
    """A function app on `instances` worker processes. Use as a context manager, or `start` and `stop`.

    `settings` are the app's settings (its environment variables, beyond those of this process). They and the
    access keys are kept in files of `folder` that only this user can read. Address and keys stay the same over
    a `restart`, as they do in the cloud. With `platform` the app is a built package, and the workers find nothing
    but what is in it and in that folder (see `python -m local.functions_host --help`).
    """

    def __init__(
        self,
        app: Path,
        settings: Mapping[str, str],
        folder: Path,
        *,
        instances: int = 1,
        port: int = 0,
        platform: Path | None = None,
    ) -> None:
        self._app = app
        self._settings = dict(settings)
        self._folder = folder.resolve()
        self._instances = instances
        self._port = port
        self._platform = platform
        self._child: Child | None = None
        self._ready: Mapping[str, object] = {}

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:PORT`, without a trailing slash."""
        return str(self._ready["endpoint"])

    @property
    def function_key(self) -> str:
        """What HTTP triggers of level `function` want as `x-functions-key` or `?code=`."""
        return str(self._ready["function_key"])

    @property
    def master_key(self) -> str:
        return str(self._ready["master_key"])

    @property
    def functions(self) -> list[Mapping[str, object]]:
        """`name`, `trigger` and `route` (None unless an HTTP trigger) of each function."""
        return cast(list[Mapping[str, object]], self._ready["functions"])

    @property
    def log(self) -> Path:
        """The output of the host and its workers since the last start."""
        return self._folder / "functions-host.log"

    @property
    def pid(self) -> int:
        """The host's process id; its workers have their own."""
        return self._running().pid

    def event_grid_url(self, function: str) -> str:
        """The webhook that Event Grid delivers to for the Event Grid trigger `function`, its key included."""
        key = quote(str(self._ready["event_grid_key"]), safe="")
        return f"{self.endpoint}/runtime/webhooks/EventGrid?functionName={quote(function)}&code={key}"

    def start(self, timeout: float = SECONDS_TO_START) -> None:
        """Start the host and wait until it serves. Raises ChildFailed, with what the host said."""
        self._folder.mkdir(parents=True, exist_ok=True)
        child = Child.start_module("local.functions_host", self._arguments(), self.log)
        try:
            self._ready = child.wait_until_ready(timeout)
        except BaseException:
            child.stop()
            raise
        self._child = child
        self._port = urlsplit(self.endpoint).port or 0

    def stop(self) -> None:
        """Let what runs finish, then end the host; nothing happens if it does not run."""
        child, self._child = self._child, None
        if child is not None:
            child.stop(SECONDS_TO_STOP)

    def restart(self, settings: Mapping[str, str] | None = None) -> None:
        """Stop and start on the same port with the same keys; `settings` replace or add to those it had."""
        self.stop()
        self._settings |= settings or {}
        self.start()

    def check(self) -> None:
        """Raises ChildFailed when the host has ended by itself."""
        child = self._running()
        if child.returncode is not None:
            raise child.failure(f"ended by itself with exit status {child.returncode}")

    def workers(self) -> list[Worker]:
        """The worker processes right now; an instance whose worker is being replaced is left out."""
        request = urllib.request.Request(
            f"{self.endpoint}/admin/host/status", headers={"x-functions-key": self.master_key}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            entries = json.load(response)["workers"]
        return [
            Worker(entry["instance"], entry["pid"], entry["ready"], entry["running"])
            for entry in entries
            if entry["pid"] is not None
        ]

    def worker_pids(self) -> list[int]:
        return [worker.pid for worker in self.workers()]

    def kill_worker(self, pid: int) -> None:
        """End a worker as a crash would (SIGKILL). Raises ValueError when `pid` is none of this host's workers."""
        if pid not in self.worker_pids():
            raise ValueError(f"process {pid} is not a worker of this functions host")
        os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("the functions host does not run")
        return self._child

    def _arguments(self) -> list[str]:
        settings = self._folder / "functions-settings.json"
        # Settings hold connection strings: in a file of this user's, not on a command line that all can list.
        settings.touch(mode=0o600)
        settings.write_text(json.dumps({"IsEncrypted": False, "Values": self._settings}))
        return [
            *("--app", str(self._app.resolve())),
            *("--port", str(self._port)),
            *("--instances", str(self._instances)),
            *("--settings", str(settings)),
            *("--keys-file", str(self._folder / "functions-keys.json")),
            *(("--platform", str(self._platform.resolve())) if self._platform else ()),
        ]
