"""Runs the command as a person would, in this process."""

from collections.abc import Mapping
from dataclasses import dataclass

from typer.testing import CliRunner

from meshplane_cli.app import app
from tests.cli.servers import KEY


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str


def run(*args: str, url: str = "", key: str = KEY, more: Mapping[str, str] | None = None) -> Ran:
    """A command against an app at `url`, as in a pipe. What it raises beyond its exit code is raised here."""
    environment = {"MESHPLANE_URL": url, "MESHPLANE_KEY": key, "COLUMNS": "80", **(more or {})}
    result = CliRunner().invoke(app, list(args), env=environment, catch_exceptions=False)
    return Ran(result.exit_code, result.stdout, result.stderr)
