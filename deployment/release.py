"""`make release VERSION=x.y.z`: writes the version where it stands and heads the changelog's section with it.

Nothing is committed, tagged or uploaded: what is left to do is printed (docs/releasing.md).
"""

import argparse
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION_FILES = ("shared/version.py", "cli/meshplane_cli/version.py")
CHANGELOG = "CHANGELOG.md"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_ASSIGNED = re.compile(r'^VERSION = "([^"]+)"$', re.MULTILINE)
_SECTION = re.compile(r"^## \[([^\]]+)\](?: \(([^)]+)\))?(?: - \S+)?$", re.MULTILINE)
NEXT = """Left to do:
  make check && make test && make package && make package-demo
  git commit -am "Release {version}" && git tag -a v{version} -m "Meshplane {version}"
  git push && git push origin v{version}
"""


class NotReleasable(ValueError):
    """The version or the changelog does not allow it; the message says why."""


def main() -> int:
    """Exit status 0, or 1 with the reason where nothing was written."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("version", help="three numbers, such as 0.4.1")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d", time.gmtime()))
    arguments = parser.parse_args()
    try:
        write(ROOT, arguments.version, arguments.date)
    except NotReleasable as error:
        print(error, file=sys.stderr)
        return 1
    print(NEXT.format(version=arguments.version), end="")
    return 0


def write(root: Path, version: str, date: str) -> None:
    """Changes the files under `root`. Raises NotReleasable before any is changed."""
    wanted = numbers(version)
    changelog = root / CHANGELOG
    released = head(changelog.read_text(encoding="utf-8"), version, date)
    now = version_in((root / VERSION_FILES[0]).read_text(encoding="utf-8"))
    if wanted < numbers(now):
        raise NotReleasable(f"{version} is older than {now}, which is written down")
    changelog.write_text(released, encoding="utf-8")
    for name in VERSION_FILES:
        file = root / name
        file.write_text(with_version(file.read_text(encoding="utf-8"), version), encoding="utf-8")


def numbers(version: str) -> tuple[int, ...]:
    """The three numbers of a version. Raises NotReleasable."""
    if not _VERSION.fullmatch(version):
        raise NotReleasable(f"{version!r} is no version of three numbers")
    return tuple(int(number) for number in version.split("."))


def version_in(text: str) -> str:
    """What a module assigns to VERSION. Raises NotReleasable."""
    found = _ASSIGNED.search(text)
    if found is None:
        raise NotReleasable('there is no line VERSION = "…"')
    return found[1]


def with_version(text: str, version: str) -> str:
    """The module with another version."""
    return _ASSIGNED.sub(f'VERSION = "{version}"', text, count=1)


def newest(changelog: str) -> str:
    """The version that the newest section which names one is about. Raises NotReleasable."""
    for section in _SECTION.finditer(changelog):
        if section[1] != "Unreleased" or section[2]:
            return section[2] or section[1]
    raise NotReleasable(f"{CHANGELOG} has no section that names a version")


def head(changelog: str, version: str, date: str) -> str:
    """The changelog with what was unreleased under the version's heading. Raises NotReleasable."""
    section = _SECTION.search(changelog)
    if section is None or section[1] != "Unreleased":
        raise NotReleasable(f"{CHANGELOG} has no section [Unreleased] at its top")
    if section[2] not in (None, version):
        raise NotReleasable(f"{CHANGELOG}: what is unreleased is meant for {section[2]}, not {version}")
    following = _SECTION.search(changelog, section.end())
    body = changelog[section.end() : following.start() if following else len(changelog)]
    if not body.strip():
        raise NotReleasable(f"{CHANGELOG}: nothing is unreleased")
    return f"{changelog[: section.start()]}## [{version}] - {date}{changelog[section.end() :]}"


if __name__ == "__main__":
    sys.exit(main())
