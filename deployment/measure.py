"""What a package weighs, and how long a worker takes to start on it."""

import tempfile
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

from rich.table import Table

from benchmarks.cold_start import EMPTY_APP, by_turns, starts_table
from deployment.build import Package
from local.functions_host.host.worker_process import PACKAGES, isolated

ROOT = Path(__file__).resolve().parents[1]
SHOWN = 8
ROUNDS = 5
# Runs `-m MODULE ARGUMENT ...` with the path of a worker, and the repository behind it for what measures.
_MODULE = """
import runpy
sys.path.append({root!r})
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def sizes(package: Package) -> Table:
    """Archives, and the biggest things in them, in MB of 1,000,000 bytes."""
    packages = package.app / PACKAGES
    table = Table("what", "size", "", title="The package")
    table.add_row(package.source.name, _mb(package.source.stat().st_size), "what is uploaded")
    table.add_row(
        package.archive.name, _mb(package.archive.stat().st_size), "what the cloud's build makes of it"
    )
    whole, required = folder_size(package.app), folder_size(packages)
    table.add_row("unpacked", _mb(whole), "")
    table.add_row("  the app itself", _mb(whole - required), "")
    table.add_row("  its requirements", _mb(required), "")
    for name, size in by_distribution(packages)[:SHOWN]:
        table.add_row(f"    {name}", _mb(size), "")
    return table


def by_distribution(packages: Path) -> list[tuple[str, int]]:
    """Names with versions and sizes in bytes of what is installed in a folder, the biggest first."""
    found = [(f"{each.name} {each.version}", _size(each)) for each in distributions(path=[str(packages)])]
    return sorted(found, key=lambda pair: -pair[1])


def _size(distribution: Distribution) -> int:
    # Scripts are recorded where pip would put them without a target.
    files = (Path(str(file.locate())) for file in distribution.files or [])
    return sum(file.stat().st_size for file in files if file.exists())


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def cold_start(package: Package, rounds: int = ROUNDS) -> Table:
    """A worker's imports and indexing beside those of an empty app, both with the package's requirements."""
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, "function_app.py").write_text(EMPTY_APP)
        folders = {"an empty app": empty, "the package": str(package.app)}
        return starts_table(by_turns(folders, worker_python(package), rounds))


def worker_python(package: Package) -> Sequence[str]:
    """A Python that finds what a worker of the package finds, and takes `-m MODULE ARGUMENT ...`."""
    return isolated(package.app, package.platform, _MODULE.format(root=str(ROOT)))


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
