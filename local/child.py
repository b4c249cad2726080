"""A child process of the local Azure: started tied to this one, read until ready, stopped for certain."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self, cast

ROOT = Path(__file__).resolve().parent.parent
LOG_LINES_IN_MESSAGE = 25


class ChildFailed(RuntimeError):
    """A child ended, or said nothing in time; the message ends with what it last wrote to its log."""


class Child:
    """One running process. Its standard error, and its standard output once ready, go to the file `log`.

    It runs in a session of its own, so that Ctrl-C in a terminal reaches only the process that supervises,
    which then stops its children in order. Its standard input is a pipe that is never written: the child sees
    it close when this process ends in whatever way (`local.tether` for Python, a preload for Node).
    """

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read_output, name=f"{name} output", daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Start `command` in the repository's root; `environment` is added to this process's own."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        return cls(name, process, log)

    @classmethod
    def start_module(
        cls,
        module: str,
        arguments: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start `python -m module …` so that it ends when this process does."""
        command = [sys.executable, "-m", "local.tether", module, *arguments]
        return cls.start(module, command, log, environment)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def next_line(self, deadline: float) -> str:
        """The next line of standard output; `deadline` on the monotonic clock. Raises ChildFailed."""
        try:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise self.failure("was not ready in time") from None
        if line is None:
            raise self.failure(f"ended with exit status {self._process.wait()} before it was ready")
        return line

    def wait_until_ready(self, seconds: float) -> Mapping[str, object]:
        """The fields of the one JSON line with which the parts of the local Azure say that they serve."""
        deadline = time.monotonic() + seconds
        while True:
            fields = _ready_fields(self.next_line(deadline))
            if fields is not None:
                return fields

    def failure(self, what: str) -> ChildFailed:
        """An error saying that this child `what`, with the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_IN_MESSAGE:]
        said = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
        return ChildFailed(f"{self.name} {what}. The end of {self.log}:\n{said}")

    def stop(self, seconds: float = 15.0) -> None:
        """Ask it to end (SIGTERM) and wait; what is left of its session after `seconds` is killed."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        finally:
            self._kill_session()
            self._close_pipes()

    def kill(self) -> None:
        """End it at once, as a crash would, with every process of its session."""
        self._kill_session()
        self._close_pipes()

    def _kill_session(self) -> None:
        # The group outlives its leader while a grandchild runs, so this also finds what the leader left.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _close_pipes(self) -> None:
        self._reader.join()
        cast(IO[str], self._process.stdin).close()
        cast(IO[str], self._process.stdout).close()

    def _read_output(self) -> None:
        output = cast(IO[str], self._process.stdout)
        with self.log.open("a") as log:
            for line in output:
                # The ready line carries keys, which belong in no log.
                if _ready_fields(line) is None:
                    log.write(line)
                    log.flush()
                self._lines.put(line)
        self._lines.put(None)


def _ready_fields(line: str) -> Mapping[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        fields: object = json.loads(line)
    except json.JSONDecodeError:
        return None
    ready = isinstance(fields, dict) and fields.get("ready") is True
    return cast(Mapping[str, object], fields) if ready else None
