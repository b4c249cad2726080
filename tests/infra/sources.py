"""The files of infra/, read once."""

from functools import cache
from pathlib import Path

from tests.infra.reader.file import BicepFile, read

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"


def bicep_paths() -> list[Path]:
    """Every Bicep file and every file of its parameters."""
    return sorted(p for p in INFRA.rglob("*") if p.suffix in (".bicep", ".bicepparam"))


@cache
def bicep(path: str) -> BicepFile:
    """A file by its path under infra/."""
    return read(INFRA / path)


def all_bicep() -> list[BicepFile]:
    return [bicep(str(p.relative_to(INFRA))) for p in bicep_paths()]


def where(file: BicepFile, line: int = 0) -> str:
    """How a fault names a place."""
    inside = file.path.relative_to(INFRA) if file.path.is_relative_to(INFRA) else file.path.name
    return f"{inside}:{line}" if line else str(inside)
