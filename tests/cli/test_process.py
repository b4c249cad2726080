"""The command as a process: pipes that close, interrupts, completion, no terminal, and nothing said of the key."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.cli.servers import KEY, Says, saying, serving

COMMAND = Path(sys.executable).parent / "meshplane"
PATIENCE = 50.0
NODES = {
    "items": [{"subscription": "s", "group": f"group-{n:05}", "state": "Ready"} for n in range(5000)],
    "continuation": "",
}


def environment(url: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    known = {
        name: value for name, value in os.environ.items() if not name.startswith(("MESHPLANE_", "COLUMNS"))
    }
    return {**known, "MESHPLANE_URL": url, "MESHPLANE_KEY": KEY, "NO_PROXY": "*", **(more or {})}


def ran(
    args: Sequence[str], url: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *args],
        env=environment(url, more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_pipe_that_nobody_reads_on_ends_it_without_a_trace(output: str) -> None:
    with serving(saying(Says(body=json.dumps(NODES).encode()))) as server:
        process = subprocess.Popen(
            [COMMAND, "nodes", "list", "-o", output],
            env=environment(server.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        process.stderr.close()
        assert (process.wait(PATIENCE), said) == (141, b"")


def test_an_interrupt_during_a_watch_ends_it_without_a_trace() -> None:
    body = json.dumps({"state": "Approved", "conditions": []}).encode()
    with serving(saying(Says(body=body))) as server:
        process = subprocess.Popen(
            [COMMAND, "edges", "watch", "e", "--interval", "30"],
            env=environment(server.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "edge e: Approved\n"  # from here on it waits
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (130, "", "")


def test_an_app_that_fails_in_the_middle_is_told_without_the_key() -> None:
    failed = json.dumps({"detail": "Meshplane failed.", "code": "Unforeseen"}).encode()
    with serving(saying(Says(500, failed))) as server:
        for args, code in ((["edges", "revoke", "e", "-r", "x", "-o", "json"], 3), (["doctor"], 6)):
            process = ran(args, server.url)
            assert process.returncode == code
            assert "Traceback" not in process.stderr
            assert KEY not in process.stdout + process.stderr


def test_a_mistake_in_its_use_is_two_and_says_which() -> None:
    process = ran(["nodes", "list", "--limit", "-1"], "http://127.0.0.1:9")
    assert (process.returncode, process.stdout) == (2, "")
    assert "Usage:" in process.stderr
    for args in (["nodes", "lst"], ["edges", "request"], ["--nonsense"], ["nodes", "list"]):
        found = run(*args)
        assert (found.code, found.out) == (2, "")


def test_completion_is_offered_for_a_shell_and_completes_choices() -> None:
    asked = {"_MESHPLANE_COMPLETE": "source_bash"}
    assert "complete -o default -F _meshplane_completion meshplane" in ran([], "", asked).stdout
    words = {"COMP_WORDS": "meshplane nodes list --state ", "COMP_CWORD": "4"}
    completed = ran([], "", {"_MESHPLANE_COMPLETE": "complete_bash", **words}).stdout.split()
    assert completed == ["Pending", "Ready", "NotReady", "Offboarding", "Offboarded"]


def test_it_is_a_module_too_and_needs_nothing_but_its_own_distribution() -> None:
    process = subprocess.run(
        [sys.executable, "-c", "import sys, meshplane_cli.__main__; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        cwd="/",
    )
    loaded = {name.partition(".")[0] for name in process.stdout.split()}
    assert not loaded & {"shared", "functions", "local", "demo", "azure", "msgspec"}


@pytest.mark.parametrize(("more", "coloured"), [({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_it_asks_for_none(more: dict[str, str], coloured: bool) -> None:
    body = json.dumps({"items": [{"id": "hub", "state": "Ready"}], "continuation": ""}).encode()
    with serving(saying(Says(body=body))) as server:
        main, other = pty.openpty()
        process = subprocess.Popen(
            [COMMAND, "hubs", "list"],
            env=environment(server.url, {"TERM": "xterm", **more}),
            stdin=other,
            stdout=other,
            stderr=other,
        )
        code = process.wait(PATIENCE)
        os.close(other)
        said = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:
                break  # Linux says so at a terminal's end
            if not piece:
                break
            said += piece
        os.close(main)
    assert code == 0
    assert (b"\x1b[32m" in said) == coloured
