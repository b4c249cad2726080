"""`make up`: the local Azure and Meshplane, until Ctrl-C."""

import argparse
import sys
import time
from pathlib import Path
from typing import NoReturn

from demo.interrupt import interrupt_on_signals
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
        print("Starting the local Azure and Meshplane ...", flush=True)
        _run(MeshStack(options))
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
    except (ChildFailed, RequestFailed, AzuriteNotInstalled) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(stack: MeshStack) -> NoReturn:
    """Runs until KeyboardInterrupt, or ChildFailed where a part ends by itself."""
    with stack:
        stack.create_hub()
        print(directions(stack), flush=True)
        while True:
            time.sleep(SECONDS_BETWEEN_CHECKS)
            stack.check()


def directions(stack: MeshStack) -> str:
    """The addresses, a key, and the lines that connect the az CLI."""
    app, endpoints = stack.app, stack.endpoints
    lines = [
        "",
        f"Meshplane          {app.endpoint}/api/nodes",
        f"function key       {app.function_key}",
        f"Resource Manager   {endpoints.resource_manager}   (authority: {endpoints.ca_file})",
        f"control endpoint   {endpoints.control}",
        f"managed identity   {endpoints.identity_endpoint}",
        f"Event Hubs         {endpoints.event_hubs_namespace}",
        f"log store          {endpoints.logs}",
        f"storage            {endpoints.blobs}  {endpoints.queues}  {endpoints.tables}",
        f"logs               {stack.options.folder}/logs, {stack.app_log}",
        "",
        "Nodes:",
        f"  curl -H 'x-functions-key: {app.function_key}' {app.endpoint}/api/nodes",
        "",
        "The az CLI (where it is installed):",
        *(f"  {line}" for line in az_commands(endpoints, "operator")),
        "",
        f"The hub is there ({HUB_GROUP}, {HUB_PREFIX}). A group becomes a node by its tag;",
        "one without a network gets one from the hub's pool:",
        f"  az group create --name orders --location {REGION}",
        "  az network vnet create --resource-group orders --name net --address-prefixes 10.1.0.0/16",
        "  az group update --name orders --set tags.mesh-node=orders",
        "  az network vnet peering list --resource-group orders --vnet-name net --output table",
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _options() -> StackOptions:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument(
        "--instances", type=int, default=1, help="worker processes, as the cloud would scale out"
    )
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="certificates, secrets and logs")
    parser.add_argument("--functions-port", type=int, default=0, help="0, as for the others: a free one")
    parser.add_argument("--resource-manager-port", type=int, default=0)
    parser.add_argument("--event-hubs-port", type=int, default=0)
    arguments = parser.parse_args()
    ports = Ports(resource_manager=arguments.resource_manager_port, event_hubs=arguments.event_hubs_port)
    return StackOptions(
        folder=arguments.folder,
        instances=arguments.instances,
        functions_port=arguments.functions_port,
        ports=ports,
        zones=ZONES,
        pools=POOLS,
    )


if __name__ == "__main__":
    sys.exit(main())
