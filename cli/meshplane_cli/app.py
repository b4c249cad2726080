"""The command `meshplane`: every group of commands, and how a run ends."""

import os
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Never

import typer

from meshplane_cli import (
    about,
    addresses,
    alerts,
    coverage,
    dead_letters,
    doctor,
    edges,
    governance,
    health,
    hubs,
    nodes,
    plan,
    silences,
    teardown,
    telemetry,
)
from meshplane_cli.errors import BROKEN_PIPE, INTERRUPTED

app = typer.Typer(
    name="meshplane",
    help="The command line of Meshplane, the control plane of a data mesh on Azure.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its traces would show keys
    rich_markup_mode="rich",
)
for group in (
    nodes,
    edges,
    plan,
    alerts,
    silences,
    hubs,
    addresses,
    coverage,
    governance,
    telemetry,
    dead_letters,
):
    app.add_typer(group.app)
for single in (health, doctor, teardown, about):
    single.declare(app)


def main() -> Never:
    """Runs the command line; nobody reads on, or somebody interrupts: it ends without a trace."""
    _ready_for_any_text()
    signal.signal(signal.SIGINT, _interrupted)
    try:
        code = _run()
        sys.stdout.flush()
    except OSError as error:
        code = _unwritten(error)
    if code == BROKEN_PIPE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more
    sys.exit(code if isinstance(code, int) else 1)


def _interrupted(*_: object) -> Never:
    """Ends at once: an exception would be lost in a callback, and the library would call it a refusal."""
    with suppress(OSError, RuntimeError):  # RuntimeError: something was being written
        sys.stdout.flush()
    os._exit(INTERRUPTED)


def _run() -> object:
    """Raises OSError where the output cannot be written."""
    try:
        app()
    except SystemExit as end:
        return end.code
    return 0


def _unwritten(error: OSError) -> int:
    """Of the pipe's end nothing is said; a disk that is full, people want to know of."""
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"Error: the output cannot be written: {error.strerror}.\n")
    return BROKEN_PIPE


def _ready_for_any_text() -> None:
    """A pipe of Windows, or of a locale such as C, has no letters but its own: what it lacks is written as an escape.

    Where standard output or error is closed, what would go there is dropped.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
