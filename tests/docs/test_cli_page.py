"""What the documentation types at a shell is what the command line takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.commands import OF_EVERY_COMMAND, every

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = dict(every())
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "cli" / "README.md"]


def typed() -> Iterator[tuple[str, str]]:
    """Every line of a page that calls `meshplane`, without what follows in a pipe."""
    for page in PAGES:
        for block in re.findall(r"```[a-z]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                found = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?(meshplane .*)", line)
                if found:
                    yield page.name, re.split(r"\s[|;#]|;", found[1])[0]


@pytest.mark.parametrize(("page", "line"), sorted(set(typed())))
def test_a_line_of_a_page_is_a_command_with_options_that_it_has(page: str, line: str) -> None:
    words = shlex.split(line)
    if words[1].startswith("--"):
        assert words[1] in ("--install-completion", "--show-completion", "--help"), page
        return
    name = max((c for c in COMMANDS if f"{line} ".startswith(f"{c} ")), key=len, default="")
    assert name, f"{page}: there is no command {line!r}"
    taken = {option for each in COMMANDS[name].params for option in each.opts} | OF_EVERY_COMMAND
    given = [word.partition("=")[0] for word in words if re.match(r"-[a-z]$|--[a-z]", word)]
    assert set(given) <= taken, f"{page}: {line}"
    needed = [each for each in COMMANDS[name].params if each.required and each.param_type_name == "option"]
    assert [each.name for each in needed if not set(each.opts) & set(given)] == [], f"{page}: {line}"


def test_the_page_shows_lines_that_are_tried() -> None:
    assert {page for page, _ in typed()} >= {"cli.md"}


def test_every_exit_code_is_told() -> None:
    from meshplane_cli import errors

    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    first = {cell for row in re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE) for cell in row.split(", ")}
    codes = {str(kind.exit_code) for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    assert first == codes | {"0", str(errors.INTERRUPTED), str(errors.BROKEN_PIPE)}


def test_every_variable_is_told_with_its_option() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    params = {f"--{each.name}": each.envvar for each in COMMANDS["meshplane health"].params if each.envvar}
    told = dict(re.findall(r"^\| `(MESHPLANE_\w+)` \| `(--\w+)`", page, re.MULTILINE))
    assert {option: variable for variable, option in told.items()} == params
    assert set(params) == OF_EVERY_COMMAND
