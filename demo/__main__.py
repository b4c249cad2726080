"""`make demo`: groups become nodes, things break and heal, alerts are raised, a node leaves; on a local Azure.

Exit status 0 where everything claimed was observed, 1 where not, 130 after Ctrl-C.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from azure.core.exceptions import AzureError
from azure.eventhub.exceptions import EventHubError
from rich.console import Console

from demo import report
from demo.api import ApiFailed, MeshApi
from demo.azure import Azure
from demo.interrupt import interrupt_on_signals
from demo.receiver import SECRET, Receiver, running_receiver
from demo.scenes import (
    edges,
    glance,
    healing,
    jobs,
    leases,
    offboarding,
    onboarding,
    pooling,
    sinks,
    takeover,
    telemetry,
    volume,
)
from demo.stack import POOLS, ZONES, MeshStack, StackOptions
from demo.stage import Stage
from demo.watch import ClaimFailed, Watch
from local.azurite import AzuriteNotInstalled
from local.caller import RequestFailed
from local.child import ChildFailed
from local.stack import DEFAULT_FOLDER

OPERATOR = "operator"
# Short times, so that nobody has to wait: Azure takes minutes where this takes seconds.
SETTINGS = {
    "MESH_EVENT_DELAY_SECONDS": "0.5",
    "MESH_LEASE_SECONDS": "8",
    "MESH_RESYNC_SCHEDULE": "*/3 * * * * *",
    "MESH_JUDGE_SCHEDULE": "*/5 * * * * *",
    "MESH_PLATFORM_AUTH": "true",
    "MESH_APPROVAL_RULES": json.dumps([glance.RULE]),
}
OPERATIONS = {"advance": "after-seconds", "amount": 0.5, "retry_after": 0.5}
SCENES = (
    onboarding,
    glance,
    pooling,
    sinks,
    edges,
    healing,
    telemetry,
    jobs,
    takeover,
    leases,
    offboarding,
    volume,
)
WIDTH = 110
LOG_LINES = 30
LOG_WIDTH = 400

_FAILURES = (
    ClaimFailed,
    ApiFailed,
    AzureError,
    EventHubError,
    RequestFailed,
    ChildFailed,
    AzuriteNotInstalled,
    OSError,
)


def main() -> int:
    """Runs the demo and answers its exit status."""
    arguments = _arguments()
    console = _console()
    try:
        interrupt_on_signals()
        with running_receiver() as receiver:
            return _run(MeshStack(_options(arguments, receiver)), receiver, console)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130


def _options(arguments: argparse.Namespace, receiver: Receiver) -> StackOptions:
    webhook = {"name": "demo", "url": receiver.url, "secret": SECRET}
    return StackOptions(
        folder=arguments.folder,
        instances=arguments.instances,
        settings={**SETTINGS, "MESH_WEBHOOKS": json.dumps([webhook])},
        zones=ZONES,
        pools=POOLS,
        package=arguments.package,
    )


def _run(stack: MeshStack, receiver: Receiver, console: Console) -> int:
    started = time.monotonic()
    watch = Watch(console)
    try:
        watch.act(f"The local Azure and Meshplane start ({stack.options.instances} workers)")
        with stack:
            watch.did(f"Resource Manager {stack.endpoints.resource_manager}, Meshplane {stack.app.endpoint}")
            stage = _stage(stack, receiver, watch)
            _play(stage)
            console.print()
            console.print(report.table(stage))
            console.print(report.FOOTNOTE, style="dim", soft_wrap=False)
            console.print()
            console.print(report.edge_table(stage))
            console.print(report.EDGE_FOOTNOTE, style="dim", soft_wrap=False)
    except _FAILURES as error:
        console.print(f"\nFAILED {error}", style="bold red", markup=False)
        console.print(_log_tail(stack), markup=False)
        return 1
    seconds = time.monotonic() - started
    console.print(f"\nAll {watch.claims} claims were observed, in {seconds:.0f} s. Everything is stopped.")
    return 0


def _stage(stack: MeshStack, receiver: Receiver, watch: Watch) -> Stage:
    stack.azure.control("PUT", "/mode", {"operations": OPERATIONS})
    api = MeshApi(stack.app.endpoint, stack.app.function_key, stack.subscription)
    return Stage(stack, Azure(stack.endpoints, OPERATOR), api, watch, receiver)


def _play(stage: Stage) -> None:
    try:
        for scene in SCENES:
            scene.play(stage)
    finally:
        stage.azure.close()


def _console() -> Console:
    """Plain lines of a fixed width where nobody watches a terminal."""
    terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not terminal, width=None if terminal else WIDTH)


def _log_tail(stack: MeshStack) -> str:
    file = stack.app_log
    if not file.exists():
        return "The app did not start."
    lines = [line for line in file.read_text(errors="replace").splitlines() if not _uneventful(line)]
    shown = (f"  {line[:LOG_WIDTH]}" for line in lines[-LOG_LINES:])
    return "\n".join([f"The end of {file}, without the calls that went well:", *shown])


def _uneventful(line: str) -> bool:
    return " INFO Executing '" in line or (" INFO Executed '" in line and "(Succeeded," in line)


def _package(text: str) -> Path:
    folder = Path(text).resolve()
    if not (folder / "meshplane" / "host.json").exists():
        raise argparse.ArgumentTypeError(f"there is no package in {folder}: run `make package`")
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--instances", type=int, default=2, help="worker processes, as the cloud scales out")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER / "demo", help="certificates and logs")
    parser.add_argument(
        "--package", type=_package, help="run the app that `make package` left in this folder"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
