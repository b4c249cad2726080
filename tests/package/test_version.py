"""One version: the app's, the API's, the client's, pyproject.toml's and the changelog's are the same."""

import re
import tomllib
from pathlib import Path

import pytest

from deployment.release import CHANGELOG, VERSION_FILES, NotReleasable, head, newest, version_in, write
from functions.openapi import document
from shared.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
UNRELEASED = """# Changelog

## [Unreleased] (1.3.0)

### Added
- A thing.

## [1.2.0] - 2026-10-01

### Added
- Another.
"""


def test_everything_names_the_same_version() -> None:
    """The module is the source; the client, whose distribution is its own, keeps step."""
    assert {version_in((ROOT / name).read_text()) for name in VERSION_FILES} == {VERSION}
    assert newest((ROOT / CHANGELOG).read_text()) == VERSION
    assert document(()).info["version"] == VERSION
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "shared.version.VERSION"}


def test_versions_are_in_order() -> None:
    """The newest first, none twice; only the first section may be unreleased."""
    named = re.findall(
        r"^## \[(?:Unreleased\] \()?(\d+)\.(\d+)\.(\d+)", (ROOT / CHANGELOG).read_text(), re.MULTILINE
    )
    versions = [tuple(map(int, version)) for version in named]
    assert versions == sorted(set(versions), reverse=True)
    assert (ROOT / CHANGELOG).read_text().count("## [Unreleased]") <= 1


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The files that a release touches, at 1.2.0."""
    for name in VERSION_FILES:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text('"""The version."""\n\nVERSION = "1.2.0"\n')
    (tmp_path / CHANGELOG).write_text(UNRELEASED)
    return tmp_path


def test_a_release_writes_the_version_and_heads_the_changelog(repository: Path) -> None:
    """And what is left of the files stays as it was."""
    write(repository, "1.3.0", "2026-11-22")
    changelog = (repository / CHANGELOG).read_text()
    assert changelog == UNRELEASED.replace("[Unreleased] (1.3.0)", "[1.3.0] - 2026-11-22")
    assert newest(changelog) == "1.3.0"
    for name in VERSION_FILES:
        assert (repository / name).read_text() == '"""The version."""\n\nVERSION = "1.3.0"\n'


@pytest.mark.parametrize(
    ("changelog", "version", "said"),
    [
        (UNRELEASED, "1.3", "three numbers"),
        (UNRELEASED, "1.4.0", "meant for 1.3.0"),
        (UNRELEASED.replace(" (1.3.0)", ""), "1.1.9", "older than 1.2.0"),
        (
            UNRELEASED.replace("## [Unreleased] (1.3.0)\n\n### Added\n- A thing.\n\n", ""),
            "1.3.0",
            "no section",
        ),
        (UNRELEASED.replace("### Added\n- A thing.\n\n", ""), "1.3.0", "nothing is unreleased"),
    ],
)
def test_what_cannot_be_released_is_said_and_nothing_written(
    repository: Path, changelog: str, version: str, said: str
) -> None:
    (repository / CHANGELOG).write_text(changelog)
    with pytest.raises(NotReleasable, match=said):
        write(repository, version, "2026-11-22")
    assert (repository / CHANGELOG).read_text() == changelog
    assert version_in((repository / VERSION_FILES[0]).read_text()) == "1.2.0"


def test_a_section_without_a_version_takes_any(repository: Path) -> None:
    """Who does not know yet what the next release is called writes [Unreleased] alone."""
    assert "## [2.0.0] - 2026-12-01\n" in head(UNRELEASED.replace(" (1.3.0)", ""), "2.0.0", "2026-12-01")
