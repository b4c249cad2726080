"""The command line as a person at a shell runs it: a process of its own, which knows an app by address and key."""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from local.functions_app import FunctionsHost

COMMAND = Path(sys.executable).parent / "meshplane"
PATIENCE = 150


def meshplane(app: FunctionsHost, *args: str, codes: Collection[int] = (0,)) -> Any:
    """What a command says as JSON, once it has ended with one of these exit codes; None where it says nothing."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("MESHPLANE_")}
    caller = {"MESHPLANE_URL": app.endpoint, "MESHPLANE_KEY": app.function_key, "NO_PROXY": "*"}
    ran = subprocess.run(
        [COMMAND, *args, "--output", "json"],
        env={**known, **caller},
        capture_output=True,
        text=True,
        timeout=PATIENCE + 30,
        check=False,
    )
    assert ran.returncode in codes, ran
    return json.loads(ran.stdout or "null")
