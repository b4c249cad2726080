"""Files and functions stay of a size that one person reads in one go."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE, LONGEST_FUNCTION = 400, 45
ROOMS = ("functions", "shared", "local", "demo", "deployment", "cli", "benchmarks", "examples")


def sources() -> list[Path]:
    """All but tests, which list cases."""
    return sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))


def test_every_room_is_looked_at() -> None:
    assert {file.relative_to(ROOT).parts[0] for file in sources()} == set(ROOMS)


def test_no_file_has_more_than_400_lines() -> None:
    lines = {file.relative_to(ROOT): len(file.read_text().splitlines()) for file in sources()}
    assert {file: n for file, n in lines.items() if n > LONGEST_FILE} == {}


def test_no_function_has_more_than_45_lines() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in sources()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []
