"""Microsoft's own KQL parser, run by node, and the tables that names are looked up in."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUERIES = ROOT / "infra" / "queries"
TABLES: Mapping[str, Mapping[str, str]] = json.loads((ROOT / "local/logs/tables.json").read_text("utf-8"))
_PARSER = ROOT / "node_modules/@kusto/language-service-next"


def files() -> dict[str, str]:
    """Every KQL file of the repository by its name."""
    return {path.name: path.read_text("utf-8") for path in sorted(QUERIES.glob("*.kql"))}


def parsed(
    queries: Mapping[str, str],
    external: Mapping[str, Mapping[str, str]] | None = None,
    tables: Mapping[str, Mapping[str, str]] = TABLES,
) -> Mapping[str, Mapping[str, list[str]]]:
    """`diagnostics` and `texts` (the values of string literals) of each query; see kusto.js."""
    node = shutil.which("node")
    if node is None or not _PARSER.exists():
        pytest.skip("node or @kusto/language-service-next is not installed: make setup")
    asked = json.dumps({"tables": tables, "externalTables": external or {}, "queries": queries})
    done = subprocess.run(
        [node, str(ROOT / "tests/queries/kusto.js")],
        input=asked,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
