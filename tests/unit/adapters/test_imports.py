"""What importing the adapters costs: no SDK, until something is asked of it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import importlib, pkgutil, sys
import shared.adapters as adapters
for module in pkgutil.walk_packages(adapters.__path__, "shared.adapters."):
    if module.name != "shared.adapters.arm.sdk":
        importlib.import_module(module.name)
print(*sorted({".".join(name.split(".")[:2]) for name in sys.modules if name.startswith(PREFIXES)}))
"""


def test_no_adapter_imports_an_sdk_before_its_first_use() -> None:
    prefixes = ("azure", "aiohttp", "opentelemetry", "msal", "cryptography", "requests")
    script = SCRIPT.replace("PREFIXES", repr(prefixes))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []
