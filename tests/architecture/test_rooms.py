"""What the import contracts cannot say: the single module, the thin triggers, what goes to the cloud."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted((ROOT / "functions").glob("*.py"))


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    named = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    return named | {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}


def test_function_app_only_registers_blueprints() -> None:
    rooms = {name.split(".")[0] for name in imports(ROOT / "function_app.py")}
    tree = ast.parse((ROOT / "function_app.py").read_text())
    assert rooms == {"azure", "functions", "shared"}
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]


def test_no_module_of_the_product_reaches_past_the_ports_to_an_sdk() -> None:
    """Only adapters import azure.*, and only functions/ import azure.functions."""
    for file in sorted((ROOT / "shared").rglob("*.py")):
        if "adapters" not in file.parts:
            assert not {i for i in imports(file) if i.split(".")[0] in ("azure", "aiohttp")}, file
    for file in FUNCTIONS:
        assert {i for i in imports(file) if i.startswith("azure")} <= {"azure.functions"}, file


def test_importing_the_app_pulls_in_no_sdk() -> None:
    """Cold start: every SDK is imported on first use."""
    code = (
        "import sys, function_app; "
        "print(sorted({'.'.join(m.split('.')[:3]) for m in sys.modules if m.startswith(('azure.', 'aiohttp'))}))"
    )
    settings = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=settings, capture_output=True, text=True, check=True
    )
    sdks = [m for m in ast.literal_eval(output.stdout) if not m.startswith("azure.functions")]
    assert sdks == []


@pytest.mark.parametrize("room", ["local", "demo", "tests", "benchmarks", "docs", "node_modules", ".venv"])
def test_what_the_cloud_does_not_need_is_not_deployed(room: str) -> None:
    assert room in (ROOT / ".funcignore").read_text().splitlines()


def test_no_lock_file_names_a_download_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert not re.search(r"https?://", (ROOT / name).read_text()), name
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_requirements_txt_is_what_pyproject_asks_for_with_hashes() -> None:
    pins = (ROOT / "requirements.txt").read_text()
    project = (ROOT / "pyproject.toml").read_text().split("[dependency-groups]")[0]
    wanted = re.findall(r'^    "([a-z-]+)[=<>]', project, re.MULTILINE)
    assert wanted
    for package in wanted:
        assert re.search(rf"^{package}==\S+ \\\n    --hash=sha256:", pins, re.MULTILINE), package
