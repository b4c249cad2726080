"""`make up`: the local Azure and Meshplane, until Ctrl-C.

Everything listens where local.settings.sample.json says. With --azure-only the app is left to somebody else, such as
`func start`.
"""

import argparse
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

from demo.addresses import (
    FUNCTIONS_PORT,
    PortTaken,
    check_free,
    sample_event_hubs_key,
    sample_identity,
    sample_ports,
)
from demo.interrupt import interrupt_on_signals
from demo.someone_elses_app import SomeoneElsesApp
from demo.stack import HUB_GROUP, HUB_PREFIX, POOLS, REGION, ZONES, MeshStack, StackOptions
from local.azurite import AzuriteNotInstalled
from local.caller import RequestFailed
from local.child import ChildFailed
from local.directions import az_commands
from local.stack import DEFAULT_FOLDER, Ports

SECONDS_BETWEEN_CHECKS = 1.0


def main() -> int:
    """Starts everything, prints where it is, and stops everything on SIGINT or SIGTERM.

    Exit status 0 after a signal, 1 when a part did not come up or ended by itself.
    """
    options = _options()
    try:
        interrupt_on_signals()
        check_free({**asdict(options.ports), "functions": options.functions_port if options.with_app else 0})
        print(f"Starting the local Azure{' and Meshplane' if options.with_app else ''} ...", flush=True)
        _run(MeshStack(options))
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
    except (ChildFailed, RequestFailed, AzuriteNotInstalled, PortTaken) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(stack: MeshStack) -> NoReturn:
    """Runs until KeyboardInterrupt, or ChildFailed where a part ends by itself."""
    with stack:
        stack.create_hub()
        other = None if stack.options.with_app else _someone_elses(stack)
        print(directions(stack, other), flush=True)
        while True:
            time.sleep(SECONDS_BETWEEN_CHECKS)
            stack.check()
            if other and (news := other.subscribe()):
                print(news, flush=True)


def _someone_elses(stack: MeshStack) -> SomeoneElsesApp:
    port = stack.options.functions_port or FUNCTIONS_PORT
    return SomeoneElsesApp(stack.azure, stack.options.folder.resolve(), port)


def directions(stack: MeshStack, other: SomeoneElsesApp | None = None) -> str:
    """The addresses, a key, and the lines that start the app where it is not there, and connect the az CLI."""
    endpoints = stack.endpoints
    app = other or stack.app
    lines = [
        "",
        f"Meshplane          {app.endpoint}/api/nodes",
        f"function key       {app.function_key}",
        f"Resource Manager   {endpoints.resource_manager}   (authority: {endpoints.ca_file})",
        f"control endpoint   {endpoints.control}",
        f"managed identity   {endpoints.identity_endpoint}",
        f"Event Hubs         {endpoints.event_hubs_connection_string}",
        f"log store          {endpoints.logs}",
        f"storage            {endpoints.blobs}  {endpoints.queues}  {endpoints.tables}",
        f"logs               {stack.options.folder}/logs{'' if other else f', {stack.app_log}'}",
        "",
        *(_how_to_start(other) if other else ()),
        "Nodes:",
        f"  curl -H 'x-functions-key: {app.function_key}' {app.endpoint}/api/nodes",
        "",
        "The command line:",
        f"  export MESHPLANE_URL={app.endpoint}",
        f"  export MESHPLANE_KEY={app.function_key}",
        "  .venv/bin/meshplane nodes list",
        "",
        "The az CLI (where it is installed):",
        *(f"  {line}" for line in az_commands(endpoints, "operator")),
        "",
        f"The hub is there ({HUB_GROUP}, {HUB_PREFIX}). A group becomes a node by its tag;",
        "one without a network gets one from the hub's pool:",
        f"  az group create --name orders --location {REGION}",
        "  az network vnet create --resource-group orders --name net --address-prefixes 10.1.0.0/16"
        " --subnet-name private-endpoints --subnet-prefixes 10.1.1.0/26",
        "  az group update --name orders --set tags.mesh-node=orders",
        "  az network vnet peering list --resource-group orders --vnet-name net --output table",
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _how_to_start(app: SomeoneElsesApp) -> list[str]:
    port = app.endpoint.rpartition(":")[2]
    return [
        "The app, in another terminal, out of the repository's folder:",
        "  cp local.settings.sample.json local.settings.json",
        f"  func start --port {port}",
        "or, where Core Tools are not installed:",
        f"  .venv/bin/python -m local.functions_host --app . --port {port} --keys-file {app.keys_file}",
        "Events reach it as soon as it serves.",
        "",
    ]


def _options() -> StackOptions:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument(
        "--instances", type=int, default=1, help="worker processes, as the cloud would scale out"
    )
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="certificates, secrets and logs")
    parser.add_argument(
        "--azure-only", action="store_true", help="leave the app to somebody else: func start, for one"
    )
    parser.add_argument("--free-ports", action="store_true", help="choose free ports, not the sample's")
    for name in ("functions", "resource-manager", "event-hubs"):
        parser.add_argument(
            f"--{name}-port", type=int, help="another than the sample's; 0 chooses a free one"
        )
    arguments = parser.parse_args()
    return StackOptions(
        folder=arguments.folder,
        instances=arguments.instances,
        functions_port=_functions_port(arguments),
        ports=_ports(arguments),
        with_app=not arguments.azure_only,
        identity_headers=sample_identity(),
        event_hubs_key=sample_event_hubs_key(),
        zones=ZONES,
        pools=POOLS,
    )


def _functions_port(arguments: argparse.Namespace) -> int:
    given: int | None = arguments.functions_port
    default = 0 if arguments.free_ports and not arguments.azure_only else FUNCTIONS_PORT
    return default if given is None else given


def _ports(arguments: argparse.Namespace) -> Ports:
    ports = Ports() if arguments.free_ports else sample_ports()
    given = {name: getattr(arguments, f"{name}_port") for name in ("resource_manager", "event_hubs")}
    return replace(ports, **{name: port for name, port in given.items() if port is not None})


if __name__ == "__main__":
    sys.exit(main())
