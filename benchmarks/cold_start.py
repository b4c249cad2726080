"""Cold start: import and indexing of the function app beside an empty one, and what each SDK costs on first use."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.target import Target

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
SDK_ROUNDS = 3
AT_MOST = 1.5

EMPTY_APP = """
import azure.functions as func

app = func.FunctionApp()


@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")
"""

# What the app imports when it first needs it; each is imported alone in a fresh process.
SDKS = (
    "aiohttp",
    "azure.data.tables.aio",
    "azure.eventhub.aio",
    "azure.identity.aio",
    "azure.mgmt.monitor.v2021_05_01_preview.aio",
    "azure.mgmt.network.aio",
    "azure.mgmt.resource.resources.aio",
    "azure.storage.queue.aio",
)

_SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
_GROUP = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/hub/providers"
# Enough for the settings to be complete; nothing is connected to before the first invocation.
_SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "MESH_DISCOVERY_SCHEDULE": "30 */5 * * * *",
    "MESH_JUDGE_SCHEDULE": "20 * * * * *",
    "MESH_EVENTHUB__fullyQualifiedNamespace": "mesh.servicebus.windows.net",
    "MESH_HUBS": msgspec.json.encode(
        [
            {
                "id": "hub",
                "network": f"{_GROUP}/Microsoft.Network/virtualNetworks/hub",
                "workspace": f"{_GROUP}/Microsoft.OperationalInsights/workspaces/logs",
            }
        ]
    ).decode(),
    "MESH_RESYNC_SCHEDULE": "0 * * * * *",
    "MESH_SUBSCRIPTIONS": _SUBSCRIPTION,
    "MESH_TELEMETRY_CONSUMER_GROUP": "$Default",
    "MESH_TELEMETRY_HUB": "telemetry",
}


class Start(msgspec.Struct, frozen=True):
    """One start: seconds of CPU for import and indexing, and for Microsoft's runtime library before; of the clock
    for the whole process."""

    index: float
    library: float
    functions: int
    imported: list[str]
    process: float = 0.0


def run(console: Console) -> list[Target]:
    """Starts both apps by turns, so that a busy machine disturbs both alike."""
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, "function_app.py").write_text(EMPTY_APP)
        folders = {"an empty app": empty, "the mesh's app": str(ROOT)}
        starts = by_turns(folders)
    ours, base = starts["the mesh's app"], starts["an empty app"]
    console.print(starts_table(starts))
    console.print(_sdk_table(ours[0].imported))
    ratio = median(o.index / b.index for o, b in zip(ours, base, strict=True))
    return [Target("import and indexing beside an empty app, as a multiple of its time", ratio, AT_MOST)]


def by_turns(
    folders: Mapping[str, str], python: Sequence[str] = (sys.executable,), rounds: int = ROUNDS
) -> Mapping[str, list[Start]]:
    """Starts of each app in fresh processes of `python`, one uncounted: it compiles what is not compiled yet."""
    starts: dict[str, list[Start]] = {name: [] for name in folders}
    for number in range(rounds + 1):
        for name, folder in folders.items():
            started = _start(folder, python)
            if number:
                starts[name].append(started)
    return starts


def _start(folder: str, python: Sequence[str]) -> Start:
    began = time.perf_counter()
    output = _fresh("-m", "benchmarks.index_once", folder, *SDKS, python=python)
    seconds = time.perf_counter() - began
    return msgspec.structs.replace(msgspec.json.decode(output, type=Start), process=seconds)


def _fresh(*arguments: str, python: Sequence[str] = (sys.executable,)) -> str:
    """What a new interpreter prints; its complaint where it fails."""
    ended = subprocess.run(
        [*python, *arguments],
        cwd=ROOT,
        env={**os.environ, **_SETTINGS},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments[:2])}: {ended.stderr.strip().splitlines()[-1]}")
    return ended.stdout


def starts_table(starts: Mapping[str, Sequence[Start]]) -> Table:
    """Medians, as a person reads them."""
    table = Table("app", "functions", "import and indexing", "runtime library", "whole process, by the clock")
    table.title = f"Cold start, CPU time, median of {len(next(iter(starts.values())))} fresh processes each"
    for name, measured in starts.items():
        seconds = (
            median(s.index for s in measured),
            median(s.library for s in measured),
            median(s.process for s in measured),
        )
        table.add_row(name, str(measured[0].functions), *(f"{s * 1000:.0f} ms" for s in seconds))
    return table


def _sdk_table(imported: Sequence[str]) -> Table:
    table = Table("SDK", "alone, on first use", "at start")
    table.title = f"Imports, CPU time, median of {SDK_ROUNDS} fresh processes each"
    for module in SDKS:
        code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
        seconds = median(float(_fresh("-c", code)) for _ in range(SDK_ROUNDS))
        table.add_row(module, f"{seconds * 1000:.0f} ms", "imported" if module in imported else "no")
    return table
