"""`make up`: the local Azure and Meshplane, until Ctrl-C."""

import argparse
import signal
import sys
import threading

from demo.stack import MeshStack, StackOptions
from local.directions import az_commands
from local.stack import Ports


def main() -> int:
    """Starts everything, prints where it is, and stops everything on SIGINT or SIGTERM."""
    options = _options()
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    print("Starting the local Azure and Meshplane ...", flush=True)
    stack = MeshStack(options)
    stack.start()
    try:
        print(directions(stack), flush=True)
        while not asked_to_stop.wait(1.0):
            stack.azure.check()
    finally:
        print("Stopping ...", flush=True)
        stack.stop()
    return 0


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
        f"storage            {endpoints.blobs}  {endpoints.queues}  {endpoints.tables}",
        f"logs               {stack.options.folder}/logs, {app.log}",
        "",
        "Nodes:",
        f"  curl -H 'x-functions-key: {app.function_key}' {app.endpoint}/api/nodes",
        "",
        "The az CLI (where it is installed):",
        *(f"  {line}" for line in az_commands(endpoints, "operator")),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _options() -> StackOptions:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument(
        "--instances", type=int, default=1, help="worker processes, as the cloud would scale out"
    )
    parser.add_argument("--functions-port", type=int, default=0)
    parser.add_argument("--resource-manager-port", type=int, default=0)
    parser.add_argument("--event-hubs-port", type=int, default=0)
    arguments = parser.parse_args()
    ports = Ports(resource_manager=arguments.resource_manager_port, event_hubs=arguments.event_hubs_port)
    return StackOptions(instances=arguments.instances, functions_port=arguments.functions_port, ports=ports)


if __name__ == "__main__":
    sys.exit(main())
