"""The tables of storage and the metrics, as the code that makes them names and describes them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
_MEASURES = {"create_counter": "counter", "create_histogram": "histogram"}


def storage_rows() -> list[list[str]]:
    """By name: what its partitions and rows are, which is the first paragraph of its adapter."""
    found: dict[str, str] = {}
    for file in (SHARED / "adapters/tables").glob("*.py"):
        source = file.read_text(encoding="utf-8")
        names = re.findall(r'\.table\("(\w+)"\)', source)
        about = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0]
        found |= dict.fromkeys(names, " ".join(about.split()))
    return [[f"`{name}`", _after(name, found[name])] for name in sorted(found)]


def metric_rows() -> list[list[str]]:
    """By name: kind, unit, and what it counts."""
    return sorted(row for file in SHARED.rglob("*.py") for row in _made_in(file))


def _after(name: str, about: str) -> str:
    said = about.removeprefix(f"The `{name}` table: ")
    return said[:1].upper() + said[1:]


def _made_in(file: Path) -> Iterator[list[str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _MEASURES
        ):
            name, unit, about = (str(ast.literal_eval(argument)) for argument in node.args)
            yield [f"`{name}`", _MEASURES[node.func.attr], unit.strip("{}"), about]
