"""Onboarding on the local Azure: calls beside their floor, seconds beside a client that makes one call at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from rich.console import Console
from rich.table import Table

from benchmarks.target import Target
from demo.api import MeshApi, Node
from demo.floor import Floor, onboarding_floor
from demo.stack import REGION, MeshStack, StackOptions, hub_network, workspace
from local.caller import Caller

SIZES = (5, 20, 100)
LATENCY_MS = 80
SECONDS_TO_READY = 120.0
SECONDS_OF_QUIET = 4.0
READS_ABOVE_FLOOR = 4
READS_A_SWEEP = 4
EVENT_DELAY = "1"

GROUPS, NETWORK, INSIGHTS, ANY = "2021-04-01", "2023-09-01", "2021-05-01-preview", "2023-01-01"
KINDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("Microsoft.KeyVault/vaults", {"properties": {"sku": {"family": "A", "name": "standard"}}}),
    ("Microsoft.Storage/storageAccounts", {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}),
    ("Microsoft.DataFactory/factories", {"properties": {}}),
)
ACCOUNTS = "Microsoft.Storage/storageAccounts"
SERVICES = ("blobServices", "fileServices", "queueServices", "tableServices")
"""Inside each account, with categories and settings of their own; the group's list does not show them."""


@dataclass(frozen=True, slots=True)
class Onboarding:
    """What one group of `resources` resources cost."""

    resources: int
    reads: int
    writes: int
    floor: Floor
    sweep_reads: int
    sweep_writes: int
    seconds: float
    sequential_seconds: float


def run(console: Console) -> list[Target]:
    """Onboards one group of each size, and its twin by the sequential client, under the same latency."""
    with TemporaryDirectory() as folder:
        options = StackOptions(folder=Path(folder), settings={"MESH_EVENT_DELAY_SECONDS": EVENT_DELAY})
        with MeshStack(options) as stack:
            stack.create_hub()
            found = [_measure(stack, number, size) for number, size in enumerate(SIZES)]
    _show(console, found)
    return list(_targets(found))


def _measure(stack: MeshStack, number: int, size: int) -> Onboarding:
    stack.app.restart()  # the floor counts each type's categories: a process that knows none of them
    group = _create_group(stack, f"bench-{size}", number * 2 + 1, size)
    twin = _create_group(stack, f"twin-{size}", number * 2 + 2, size)
    _quiet(stack)
    api = MeshApi(stack.app.endpoint, stack.app.function_key, stack.subscription)
    stack.azure.control("PUT", "/mode", {"latency_ms": LATENCY_MS})
    started = time.monotonic()
    stack.azure.caller().complete(
        "PATCH", f"{group}?api-version={GROUPS}", {"tags": {"mesh-node": f"bench-{size}"}}
    )
    node = _ready(api, f"bench-{size}")
    seconds = time.monotonic() - started
    sweep_reads, sweep_writes = _sweep(stack, api, group, f"bench-{size}")
    started = time.monotonic()
    sequential(stack.azure.caller(), twin, hub_network(stack.subscription), workspace(stack.subscription))
    sequential_seconds = time.monotonic() - started
    stack.azure.control("PUT", "/mode", {"latency_ms": 0})
    types = ["Microsoft.Network/virtualNetworks", *(kind for kind, _ in KINDS[: size - 1])]
    types += [f"{ACCOUNTS}/{service}" for service in SERVICES]
    reporting = size + len(SERVICES) * sum(kind == ACCOUNTS for kind, _ in islice(cycle(KINDS), size - 1))
    floor = onboarding_floor(types, supported=reporting, uncovered=reporting, networks_to_attach=1)
    reads, writes = node.onboarding_reads, node.onboarding_writes
    return Onboarding(size, reads, writes, floor, sweep_reads, sweep_writes, seconds, sequential_seconds)


def _quiet(stack: MeshStack) -> None:
    """Waits until the events of what was created have been delivered and looked at."""
    deadline = time.monotonic() + SECONDS_TO_READY
    while time.monotonic() < deadline:
        counters = cast(dict[str, int], stack.azure.control("GET", "/event-grid")["counters"])
        if counters["pending"] == 0:
            time.sleep(SECONDS_OF_QUIET)
            return
        time.sleep(0.1)
    raise TimeoutError("Event Grid has still events to deliver")


def _ready(api: MeshApi, group: str) -> Node:
    deadline = time.monotonic() + SECONDS_TO_READY
    while time.monotonic() < deadline:
        node = api.node(group)
        if node and node.state == "Ready":
            return node
        time.sleep(0.05)
    raise TimeoutError(f"{group} did not become Ready")


def _sweep(stack: MeshStack, api: MeshApi, group: str, name: str) -> tuple[int, int]:
    """The calls of one look at a converged node, after an event that changed nothing."""
    before = _ready(api, name).last_run
    tags = {"properties": {"tags": {"mesh-node": name}}, "operation": "Merge"}
    stack.azure.caller().complete(
        "PATCH", f"{group}/providers/Microsoft.Resources/tags/default?api-version={GROUPS}", tags
    )
    deadline = time.monotonic() + SECONDS_TO_READY
    while time.monotonic() < deadline:
        last = _ready(api, name).last_run
        if last and before and last.run != before.run:
            return last.reads, last.writes
        time.sleep(0.05)
    raise TimeoutError(f"{name} was not looked at again")


def sequential(caller: Caller, group: str, hub: str, sink: str) -> None:
    """What a careful script does with one call after the other: look, peer both sides, cover every resource."""
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/net"
    caller.request("GET", f"{group}?api-version={GROUPS}")
    resources = caller.request("GET", f"{group}/resources?api-version={GROUPS}").body["value"]
    caller.request("GET", f"{group}/providers/Microsoft.Network/virtualNetworks?api-version={NETWORK}")
    caller.request("GET", f"{hub}?api-version={NETWORK}")
    for local, remote, name in ((hub, network, f"to-{group.rsplit('/', 1)[-1]}"), (network, hub, "to-hub")):
        body = {"properties": {"remoteVirtualNetwork": {"id": remote}, "allowVirtualNetworkAccess": True}}
        caller.complete("PUT", f"{local}/virtualNetworkPeerings/{name}?api-version={NETWORK}", body)
    ids = [r["id"] for r in cast(list[dict[str, str]], resources)]
    ids += [f"{i}/{s}/default" for i in ids if f"/{ACCOUNTS}/".lower() in i.lower() for s in SERVICES]
    for resource in ids:
        settings = f"{resource}/providers/Microsoft.Insights"
        offered = caller.request(
            "GET", f"{settings}/diagnosticSettingsCategories?api-version={INSIGHTS}"
        ).body
        caller.request("GET", f"{settings}/diagnosticSettings?api-version={INSIGHTS}")
        body = {"properties": {"workspaceId": sink, **_everything(offered)}}
        caller.request("PUT", f"{settings}/diagnosticSettings/script?api-version={INSIGHTS}", body)


def _everything(offered: dict[str, object]) -> dict[str, object]:
    categories = cast(list[dict[str, dict[str, str]]], offered["value"])
    logs = [c for c in categories if c["properties"]["categoryType"] == "Logs"]
    metrics = [c for c in categories if c["properties"]["categoryType"] == "Metrics"]
    return {
        "logs": [{"categoryGroup": "allLogs", "enabled": True}] if logs else [],
        "metrics": [{"category": "AllMetrics", "enabled": True}] if metrics else [],
    }


def _create_group(stack: MeshStack, name: str, number: int, size: int) -> str:
    """An untagged group with a network and `size` - 1 resources of three types."""
    caller = stack.azure.caller()
    group = f"/subscriptions/{stack.subscription}/resourceGroups/{name}"
    caller.complete("PUT", f"{group}?api-version={GROUPS}", {"location": REGION})
    _create_network(caller, f"{group}/providers/Microsoft.Network/virtualNetworks/net", f"10.{number}.0.0/16")
    for index, (kind, body) in enumerate(islice(cycle(KINDS), size - 1)):
        resource = f"{group}/providers/{kind}/{name.replace('-', '')}{index}"
        caller.complete("PUT", f"{resource}?api-version={ANY}", {**body, "location": REGION})
    return group


def _create_network(caller: Caller, network: str, prefix: str) -> None:
    body = {"location": REGION, "properties": {"addressSpace": {"addressPrefixes": [prefix]}}}
    caller.complete("PUT", f"{network}?api-version={NETWORK}", body)


def _show(console: Console, found: list[Onboarding]) -> None:
    table = Table(title=f"Onboarding, {LATENCY_MS} ms a call, event delay {EVENT_DELAY} s")
    for heading in (
        "resources",
        "reads (floor)",
        "writes (floor)",
        "sweep reads",
        "sweep writes",
        "seconds to Ready",
        "one call at a time",
    ):
        table.add_column(heading, justify="right")
    for one in found:
        table.add_row(
            str(one.resources),
            f"{one.reads} ({one.floor.reads})",
            f"{one.writes} ({one.floor.writes})",
            str(one.sweep_reads),
            str(one.sweep_writes),
            f"{one.seconds:.1f}",
            f"{one.sequential_seconds:.1f}",
        )
    console.print(table)


def _targets(found: list[Onboarding]) -> Iterator[Target]:
    for one in found:
        name = f"{one.resources} resources"
        yield Target(f"{name}: reads", one.reads, one.floor.reads + READS_ABOVE_FLOOR)
        yield Target(f"{name}: writes", one.writes, one.floor.writes)
        yield Target(f"{name}: reads of a converged sweep", one.sweep_reads, READS_A_SWEEP)
        yield Target(f"{name}: writes of a converged sweep", one.sweep_writes, 0)
