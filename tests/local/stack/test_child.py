"""A child process: read until ready, explained when it fails, gone when it should be."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local.child import ROOT, Child, ChildFailed

READY = 'import sys; print(\'{"ready": true, "port": 7}\', flush=True); sys.stdin.read()'
STUBBORN = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def child(code: str, tmp_path: Path) -> Child:
    return Child.start("part", [sys.executable, "-c", code], tmp_path / "part.log")


def gone(pid: int) -> bool:
    """Whether a process ends within seconds."""
    try:
        psutil.Process(pid).wait(10)
    except psutil.NoSuchProcess:
        return True
    return not psutil.pid_exists(pid)


def test_the_ready_line_gives_its_fields_and_stays_out_of_the_log(tmp_path: Path) -> None:
    started = child("print('hello', flush=True)\n" + READY, tmp_path)
    assert started.wait_until_ready(10)["port"] == 7
    started.stop()
    assert started.log.read_text() == "hello\n"


def test_a_child_that_ends_early_is_explained_by_its_own_words(tmp_path: Path) -> None:
    started = child("raise SystemExit('the port is taken')", tmp_path)
    with pytest.raises(ChildFailed, match=r"(?s)exit status 1 before it was ready.*the port is taken"):
        started.wait_until_ready(10)
    started.stop()


def test_a_child_that_says_nothing_in_time_is_a_failure(tmp_path: Path) -> None:
    started = child("import signal; signal.pause()", tmp_path)
    with pytest.raises(ChildFailed, match="was not ready in time"):
        started.wait_until_ready(0.1)
    started.stop()
    assert gone(started.pid)


def test_a_child_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    started = child(STUBBORN, tmp_path)
    started.next_line(time.monotonic() + 60)
    started.stop(0.1)
    assert started.returncode == -signal.SIGKILL


def test_stopping_ends_the_childs_own_children_too(tmp_path: Path) -> None:
    spawn = f"subprocess.Popen([sys.executable, '-c', {STUBBORN!r}])"
    started = child(
        f"import signal, subprocess, sys\nprint({spawn}.pid, flush=True)\nsignal.pause()", tmp_path
    )
    pid = int(started.next_line(time.monotonic() + 60))
    started.stop()
    assert gone(pid)


def test_a_module_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER.format(log=str(tmp_path / "module.log"))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    with starter, starter.stdout:
        pid = int(starter.stdout.readline())
        assert psutil.pid_exists(pid)
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait(10)
    assert gone(pid)


_STARTER = """
import signal
from pathlib import Path
from local.child import Child
child = Child.start_module("local.identity", ["--token-key-file", __import__("local.child", fromlist=["x"]).__file__,
    "--principal", "tester=secret"], Path({log!r}))
child.wait_until_ready(30)
print(child.pid, flush=True)
signal.pause()
"""
