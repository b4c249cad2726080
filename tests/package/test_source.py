"""What is deployed: all that the app needs, nothing else, whichever tool packs it."""

import re
import subprocess
from pathlib import Path

import pytest

from deployment.source import ALWAYS_IGNORED, deployed_files

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = [
    line for line in (ROOT / ".funcignore").read_text().splitlines() if line and not line.startswith("#")
]
DEPLOYED = re.compile(
    r"function_app\.py|host\.json|requirements\.txt|infra/queries/[a-z-]+\.kql|infra/roles/[a-z]+\.json"
    r"|functions/[\w/]+\.py|shared/[\w/]+\.py|shared/domain/[\w-]+\.toml"
    r"|shared/(telemetry|governance)/library/[\w.-]+\.(yaml|json)"
)


def tracked() -> list[str]:
    """What git knows of the repository, skipping the test in a copy without it."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this copy of the repository has no git")
    return listed.stdout.splitlines()


def test_nothing_is_deployed_that_the_app_does_not_read() -> None:
    """Code, libraries of rules and policies, rates and queries: no tests, documentation or settings of a laptop's."""
    assert [path for path in deployed_files(ROOT) if not DEPLOYED.fullmatch(path)] == []


def test_all_is_deployed_that_the_app_consists_of() -> None:
    """Every module and data file that git knows in the app's folders."""
    rooms = ("functions/", "shared/", "infra/queries/")
    needed = {path for path in tracked() if path.startswith(rooms)}
    needed |= {path for path in tracked() if re.fullmatch(r"infra/roles/[a-z]+\.json", path)}
    needed |= {"function_app.py", "host.json", "requirements.txt"}
    there = {path for path in needed if (ROOT / path).exists()}
    assert there <= set(deployed_files(ROOT))


def test_the_file_says_the_same_to_core_tools() -> None:
    """They take a pattern as the beginning of a path, and none of them back: nothing deployed begins like one."""
    assert not [pattern for pattern in PATTERNS if pattern.startswith("!")]
    beginnings = re.compile("|".join(_beginning(pattern) for pattern in PATTERNS))
    assert [path for path in deployed_files(ROOT) if beginnings.match(path)] == []


def test_core_tools_leave_out_what_git_would() -> None:
    """What git knows and `.funcignore` leaves out is left out by them, too."""
    beginnings = re.compile("|".join(_beginning(pattern) for pattern in PATTERNS))
    left_out = set(tracked()) - set(deployed_files(ROOT)) - set(ALWAYS_IGNORED)
    assert [path for path in sorted(left_out) if not beginnings.match(path)] == []


def test_what_lies_about_is_not_deployed(tmp_path: Path) -> None:
    """Bytecode, a laptop's settings, environments and packages of any depth."""
    (tmp_path / ".funcignore").write_text((ROOT / ".funcignore").read_text())
    for path in (
        "function_app.py",
        "shared/__pycache__/settings.cpython-313.pyc",
        "shared/domain/__pycache__/ids.cpython-313.pyc",
        "local.settings.json",
        ".venv/bin/python",
        ".python_packages/lib/site-packages/msgspec/__init__.py",
        "node_modules/azurite/package.json",
        ".local-azure/identity-app.secret",
        "dist/meshplane.zip",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert deployed_files(tmp_path) == ["function_app.py"]


def _beginning(pattern: str) -> str:
    """The regular expression that Core Tools make of a pattern (GitIgnoreParser, after codemix/gitignore-parser)."""
    words = re.escape(pattern.removeprefix("/"))
    return words.replace(r"\*\*", "(.+)").replace(r"\*", "([^/]+)")
