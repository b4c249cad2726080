"""A command of this repository as a user runs it: its output, its signals, and every process it leaves behind."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import psutil

ROOT = Path(__file__).resolve().parents[2]
_MARK = "MESHPLANE_TEST_RUN"


class Program:
    """`python -m MODULE ARGUMENT ...` in the repository's root. Its processes carry a mark in their environment."""

    def __init__(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        self.mark = uuid.uuid4().hex
        self.output = ""
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **(environment or {}), _MARK: self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def read_until(self, text: str, seconds: float) -> str:
        """The line that holds `text`. Fails the test with all output so far where it does not come."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} was not printed within {seconds} s:\n{self.output}") from None
            if line is None:
                raise AssertionError(f"ended without printing {text!r}:\n{self.output}")
            if text in line:
                return line

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self, seconds: float) -> int:
        """Waits for its end and answers the exit status; `output` is whole then."""
        status = self._process.wait(seconds)
        self._reader.join(seconds)
        return status

    def left_over(self) -> list[str]:
        """The command lines of processes of this run that still live."""
        return [" ".join(process.cmdline()) for process in self._living()]

    def kill(self) -> None:
        """Ends whatever of this run still lives."""
        for process in self._living():
            process.kill()
        self._process.wait()
        self._reader.join()
        cast(IO[str], self._process.stdout).close()

    def _living(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _mark_of(process) == self.mark]

    def _read(self) -> None:
        for line in cast(IO[str], self._process.stdout):
            self.output += line
            self._lines.put(line)
        self._lines.put(None)


@contextmanager
def running(*command: str, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    """The program for the length of a block, at whose end nothing of it lives."""
    program = Program(*command, environment=environment)
    try:
        yield program
    finally:
        program.kill()


def _mark_of(process: psutil.Process) -> str:
    try:
        return process.environ().get(_MARK, "") if process.status() != psutil.STATUS_ZOMBIE else ""
    except (psutil.Error, OSError):
        return ""
