"""What a month of Meshplane costs: the calls that a converged mesh makes, counted, and a table of rates.

What the nodes' own telemetry costs is another matter (`docs/telemetry-sinks.md`).
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, cast

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.running_rates import Rates, rates
from benchmarks.target import Target
from demo.api import MeshApi
from demo.stack import REGION, MeshStack, StackOptions
from local.azurite import StorageRequest
from shared.domain.mesh import RECONCILE_QUEUE

NODES = 30
VAULTS = 2
RESYNC_SECONDS = 45
WINDOW_SECONDS = 60.0
LATENCY_MS = 80
PATIENCE = 240.0
MESHES = (100, 1_000, 10_000)
GROUPS, NETWORK, VAULT = "2021-04-01", "2023-09-01", "2023-07-01"

# Assumptions that no local run can tell; the page names them.
LOOKS_A_DAY = 26
"""One an hour, and two that events cause."""
EVENTS_A_DAY = 20
"""Events of a node's resources that Event Grid delivers."""
BURSTS_A_DAY = 4
"""In which they come, each on an instance that has nothing else to do."""
TIMER_RUNS_A_MINUTE = 2.2
POLLS_A_SECOND = 1.0
"""Two queues, each asked every two seconds (host.json) while an instance is up."""
LOG_BYTES = 1_500
"""What Application Insights keeps of one execution."""
PEOPLE_A_DAY = 2
"""Requests to the API about a node."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Requests in a window; `executions` are looks at nodes, `busy` the seconds in which one ran at least."""

    executions: float
    reads: float
    writes: float
    tables: float
    queues: float
    blobs: float
    busy: float

    def less(self, idle: Self) -> Self:
        return type(self)(*(mine - its for mine, its in zip(astuple(self), astuple(idle), strict=True)))


class Month(msgspec.Struct, frozen=True):
    """US dollars by what they are paid for."""

    functions: float
    storage: float
    event_hubs: float
    event_grid: float
    logs: float

    @property
    def total(self) -> float:
        return self.functions + self.storage + self.event_hubs + self.event_grid + self.logs


def run(console: Console) -> list[Target]:
    """Counts a window without nodes and one in which thirty converged nodes are looked at; no target."""
    with TemporaryDirectory() as folder:
        settings = {
            "MESH_RESYNC_SECONDS": str(RESYNC_SECONDS),
            "MESH_RESYNC_SCHEDULE": "0 * * * * *",
            "MESH_JUDGE_SCHEDULE": "20 * * * * *",
            "MESH_DISCOVERY_SCHEDULE": "30 */5 * * * *",
        }
        options = StackOptions(folder=Path(folder), settings=settings, logs=False, storage_logged=True)
        with MeshStack(options) as stack:
            stack.create_hub()
            time.sleep(WINDOW_SECONDS / 4)
            idle = _window(stack)
            _create_nodes(stack)
            looked = _window(stack).less(idle)
    _show_look(console, looked, idle)
    _show_months(console, [month(size, looked, idle, rates()) for size in MESHES])
    return []


def month(nodes: int, looked: Counted, idle: Counted, rate: Rates) -> Month:
    """What `nodes` nodes cost in a month."""
    minutes = rate.hours_per_month * 60
    days = rate.hours_per_month / 24
    looks = nodes * LOOKS_A_DAY * days
    share = looks / looked.executions
    requests = nodes * PEOPLE_A_DAY * days
    timers = TIMER_RUNS_A_MINUTE * minutes
    bursts = nodes * BURSTS_A_DAY * days
    executions = looks + timers + requests + nodes * EVENTS_A_DAY * days
    asleep = minutes / (WINDOW_SECONDS / 60)
    return Month(
        rate.functions.cost(executions, seconds=looked.busy * share, starts=timers + requests + bursts),
        rate.storage.cost(
            tables=looked.tables * share + idle.tables * asleep,
            queues=looked.queues * share + POLLS_A_SECOND * minutes * 60,
            blobs=idle.blobs * asleep,
        ),
        rate.event_hubs.cost(rate.hours_per_month, units=1, events=looks),
        rate.event_grid.cost(nodes * EVENTS_A_DAY * days),
        rate.logs.cost(executions * LOG_BYTES / 1e9),
    )


def _window(stack: MeshStack) -> Counted:
    """What is asked of Resource Manager and of storage within a minute."""
    stored = len(stack.azure.storage_requests())
    asked = cast(list[dict[str, object]], stack.azure.control("GET", "/operations?since=0")["value"])
    since = asked[-1]["number"] if asked else 0
    time.sleep(WINDOW_SECONDS)
    storage = stack.azure.storage_requests()[stored:]
    later = cast(list[dict[str, object]], stack.azure.control("GET", f"/operations?since={since}")["value"])
    mine = [r for r in later if r["principal"] == "app"]
    kinds = Counter(map(_kind, storage))
    return Counted(
        executions=sum(_is_taken(r) for r in storage),
        reads=sum(r["kind"] == "read" for r in mine),
        writes=sum(r["kind"] != "read" for r in mine),
        tables=kinds["table"],
        queues=kinds["queue"],
        blobs=kinds["blob"],
        busy=_busy(datetime.fromisoformat(str(r["time"])).timestamp() for r in mine),
    )


def _is_taken(request: StorageRequest) -> bool:
    """Whether a message was deleted: its execution is over."""
    return request.method == "DELETE" and request.path.startswith(f"/{RECONCILE_QUEUE}/messages")


def _kind(request: StorageRequest) -> str:
    if "/messages" in request.path:
        return "poll" if request.method == "GET" else "queue"
    return "blob" if request.path.startswith(("/azure-webjobs", "/mesh-dead")) else "table"


def _busy(times: Iterable[float]) -> float:
    """Seconds in which something ran: what lies closer together than half a second belongs together."""
    total, last = 0.0, None
    for moment in sorted(times):
        gap = moment - last if last is not None else 1.0
        total += gap if gap < 0.5 else LATENCY_MS / 1e3
        last = moment
    return total


def _create_nodes(stack: MeshStack) -> None:
    caller = stack.azure.caller()
    vault = {
        "location": REGION,
        "properties": {
            "sku": {"family": "A", "name": "standard"},
            "tenantId": stack.endpoints.tenant,
        },
    }
    for number in range(NODES):
        group = f"/subscriptions/{stack.subscription}/resourceGroups/costs-{number}"
        caller.complete(
            "PUT", f"{group}?api-version={GROUPS}", {"location": REGION, "tags": {"mesh-node": f"c{number}"}}
        )
        network = f"{group}/providers/Microsoft.Network/virtualNetworks/net?api-version={NETWORK}"
        space = {"addressSpace": {"addressPrefixes": [f"10.1.{number}.0/24"]}}
        caller.complete("PUT", network, {"location": REGION, "properties": space})
        for place in range(VAULTS):
            path = f"{group}/providers/Microsoft.KeyVault/vaults/costs{number}v{place}?api-version={VAULT}"
            caller.complete("PUT", path, vault)
    api = MeshApi(stack.app.endpoint, stack.app.function_key, stack.subscription)
    deadline = time.monotonic() + PATIENCE
    while [n.state for n in api.nodes()].count("Ready") < NODES:
        if time.monotonic() > deadline:
            raise TimeoutError("the nodes did not become Ready")
        time.sleep(1)
    time.sleep(RESYNC_SECONDS)  # until what onboarding caused is over
    stack.azure.control("PUT", "/mode", {"latency_ms": LATENCY_MS})


def _show_look(console: Console, looked: Counted, idle: Counted) -> None:
    table = Table(
        "", "Resource Manager", "tables", "queue", "seconds of an instance", title="Requests, counted"
    )
    looks = looked.executions
    table.add_row(
        "one look at a converged node",
        f"{looked.reads / looks:.1f} reads, {looked.writes:.0f} writes in all",
        f"{looked.tables / looks:.1f}",
        f"{looked.queues / looks:.1f}",
        f"{looked.busy / looks:.2f}",
    )
    table.add_row(
        "a minute without nodes",
        f"{idle.reads:.0f} reads, {idle.writes:.0f} writes",
        f"{idle.tables:.0f}",
        f"{idle.queues:.0f}",
        f"{idle.busy:.2f}",
    )
    console.print(table)
    console.print(f"{looks:.0f} looks, {LATENCY_MS} ms a call to Resource Manager, one instance.")


def _show_months(console: Console, months: list[Month]) -> None:
    table = Table("USD a month", *(f"{size:,} nodes" for size in MESHES), title="What that costs")
    for name in Month.__struct_fields__:
        table.add_row(name.replace("_", " "), *(f"{getattr(m, name):,.2f}" for m in months))
    table.add_row("all", *(f"{m.total:,.2f}" for m in months))
    table.add_row("a node", *(f"{m.total / size:,.3f}" for m, size in zip(months, MESHES, strict=True)))
    console.print(table)
