"""The command `meshplane`: every group of commands, and how a run ends."""

import os
import sys
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
    try:
        app()
        code: object = 0
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = BROKEN_PIPE
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    if code == BROKEN_PIPE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more
    sys.exit(code if isinstance(code, int) else 1)
