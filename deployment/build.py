"""Builds the package: the source archive that is uploaded, and what the cloud's build makes of it.

The remote build (Oryx) unpacks the archive and runs
`python -m pip install --prefer-binary -r requirements.txt --target=.python_packages/lib/site-packages --upgrade`.
"""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployment.source import deployed_files
from local.functions_host.host.worker_process import PACKAGES

# What the cloud's worker brings, and msgspec, with which the local host talks to its own.
PLATFORM = (
    "azure-functions",
    "azure-functions-runtime",
    "azurefunctions-extensions-base",
    "markupsafe",
    "msgspec",
    "werkzeug",
)
_PINNED = re.compile(r"^([a-z0-9-]+)==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", re.MULTILINE)
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a ZIP archive; so that the same files make the same archive


class BuildFailed(RuntimeError):
    """A requirement could not be installed; the message is pip's."""


@dataclass(frozen=True, slots=True)
class Package:
    """What `make package` leaves in a folder. `platform` is no part of it: it stands for what the cloud brings."""

    out: Path

    @property
    def source(self) -> Path:
        """What `func` and `azd` upload."""
        return self.out / "meshplane-source.zip"

    @property
    def archive(self) -> Path:
        """What the cloud's build makes of it, and runs."""
        return self.out / "meshplane.zip"

    @property
    def app(self) -> Path:
        """`archive`, unpacked."""
        return self.out / "meshplane"

    @property
    def platform(self) -> Path:
        return self.out / "platform"


def build(root: Path, out: Path) -> Package:
    """Builds everything anew out of the repository at `root`. Raises BuildFailed."""
    package = Package(out)
    for old in (package.app, package.platform):
        shutil.rmtree(old, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    _archive(package.source, root, deployed_files(root))
    with zipfile.ZipFile(package.source) as source:
        source.extractall(package.app)
    _install(package.app / "requirements.txt", package.app / PACKAGES)
    _archive(package.archive, package.app, _files(package.app))
    _install_platform(root / "requirements-dev.txt", package.platform)
    return package


def _install_platform(locked: Path, platform: Path) -> None:
    platform.mkdir()
    requirements = platform / "requirements.txt"
    requirements.write_text("".join(pins(locked.read_text(encoding="utf-8"), PLATFORM)), encoding="utf-8")
    _install(requirements, platform)


def pins(locked: str, names: Sequence[str]) -> list[str]:
    """The entries of a lock file for these packages, with their hashes."""
    entries = {entry[1]: entry[0] for entry in _PINNED.finditer(locked)}
    missing = [name for name in names if name not in entries]
    if missing:
        raise BuildFailed(f"requirements-dev.txt pins no {', '.join(missing)}: run `make lock`")
    return [entries[name] for name in names]


def _install(requirements: Path, target: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--prefer-binary", "-r", str(requirements), f"--target={target}", "--upgrade"),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BuildFailed(f"pip install -r {requirements.name} failed:\n{ended.stderr.strip()}")


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _archive(file: Path, folder: Path, paths: Iterable[str]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            entry = zipfile.ZipInfo(path, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (folder / path).read_bytes())
