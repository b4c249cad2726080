"""Two hundred nodes tagged at once: seconds until all are attached to one hub, beside what Azure's quotas allow.

Every quota that Azure documents is on, with full buckets, all in one subscription: 250 reads and 25 a second, 200
writes and 10 a second, and the network provider's 1,000 writes in five minutes. Then a hundred of their peerings
are deleted at once.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from rich.console import Console
from rich.table import Table

from benchmarks.target import Target
from demo.api import MeshApi
from demo.floor import Floor, onboarding_floor
from demo.stack import REGION, MeshStack, StackOptions, hub_network
from local.caller import Caller, Json, RequestFailed

NODES = 200
BROKEN = 100
INSTANCES = 2
PATIENCE = 600.0
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_OF_REST, LOOKS_FOR_REST = 4.0, 15
TIMES_THE_BEST = 1.15
SHARE_REFUSED = 0.01
READ_BACK = 2
"""Both networks, once what was written is there: nothing is Ready that was not seen (design, laws 5 and 6)."""
READS, WRITES, NETWORK_WRITES = (250, 25.0), (200, 10.0), (1000, 1000 / 300)
GROUPS, NETWORK = "2021-04-01", "2023-09-01"
OPERATIONS = {"advance": "after-seconds", "amount": 0.02, "retry_after": 0.05}
"""Short, so that the quotas are what everything waits for, rather than the hub's lock."""
QUIET = {"throttling": {"enabled": False}, "operations": OPERATIONS}
THROTTLED = {"throttling": {"enabled": True}, "operations": OPERATIONS}


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, and the calls of the app: `best` is what the quotas allow for the fewest calls that do it."""

    what: str
    seconds: float
    best: float
    calls: int
    refused: int

    @property
    def share_refused(self) -> float:
        return self.refused / self.calls


def run(console: Console) -> list[Target]:
    """Attaches, then heals."""
    attached, healed = measured(NODES, BROKEN)
    _show(console, [attached, healed])
    return [
        Target(
            f"{NODES} nodes: times the best that the quotas allow",
            attached.seconds / attached.best,
            TIMES_THE_BEST,
        ),
        Target(f"{NODES} nodes: share of calls refused (429)", attached.share_refused, SHARE_REFUSED),
        Target(
            f"{BROKEN} deleted peerings: share of calls refused (429)", healed.share_refused, SHARE_REFUSED
        ),
    ]


def measured(nodes: int, broken: int) -> tuple[Measured, Measured]:
    """What attaching so many nodes at once took, and healing so many of them. Raises TimeoutError where one is lost."""
    with TemporaryDirectory() as folder:
        options = StackOptions(
            folder=Path(folder), instances=INSTANCES, settings={"MESH_EVENT_DELAY_SECONDS": "1"}
        )
        with MeshStack(options) as stack:
            stack.azure.control("PUT", "/mode", QUIET)
            stack.create_hub()
            groups = [f"many-{number:03d}" for number in range(nodes)]
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda g: _create_group(stack, g), groups))
            _wait_for_rest(stack)
            return _attach(stack, groups), _heal(stack, groups[:broken])


def _wait_for_rest(stack: MeshStack) -> None:
    """Returns once the app has taken in that there are new groups, which are no nodes yet."""
    since = _last_request(stack)
    for _ in range(LOOKS_FOR_REST):
        time.sleep(SECONDS_OF_REST)
        if not any(r["principal"] == "app" for r in _requests(stack, since)):
            return
        since = _last_request(stack)


def allowed(calls: Floor, peering_writes: int) -> float:
    """Seconds in which the quotas let so many calls pass."""
    return max(
        (calls.reads - READS[0]) / READS[1],
        (calls.writes - WRITES[0]) / WRITES[1],
        (peering_writes - NETWORK_WRITES[0]) / NETWORK_WRITES[1],
        1.0,
    )


def _attach(stack: MeshStack, groups: Sequence[str]) -> Measured:
    one = onboarding_floor([], supported=1, uncovered=1, networks_to_attach=1)
    floor = Floor((one.reads + READ_BACK) * len(groups), one.writes * len(groups))
    for group in groups:  # the tags cost nothing of the quotas that are measured: others set them
        _tag(stack, group)
    stack.azure.control("PUT", "/mode", THROTTLED)
    return _measure(
        stack, f"{len(groups)} nodes attached", groups, allowed(floor, 2 * len(groups)), time.monotonic()
    )


def _heal(stack: MeshStack, groups: Sequence[str]) -> Measured:
    """The hub's sides are deleted: each takes a look, the writes of both sides, their polls and a look back."""
    stack.azure.control("PUT", "/mode", QUIET)
    caller, api = stack.azure.caller(), _api(stack)
    sides = [
        next(p.id for p in node.peerings if hub_network(stack.subscription).lower() in p.id.lower())
        for group in groups
        if (node := api.node(group))
    ]
    started = time.monotonic()
    for side in sides:
        _delete(caller, f"{side}?api-version={NETWORK}")
    stack.azure.control("PUT", "/mode", THROTTLED)
    floor = Floor((4 + 2 + READ_BACK) * len(groups), 2 * len(groups))
    return _measure(
        stack, f"{len(groups)} deleted peerings healed", groups, allowed(floor, 2 * len(groups)), started
    )


def _delete(caller: Caller, peering: str) -> None:
    """Tries again while a repair of what was deleted before holds the hub."""
    while True:
        try:
            caller.complete("DELETE", peering)
        except RequestFailed:
            time.sleep(0.02)
            continue
        return


def _measure(stack: MeshStack, what: str, groups: Sequence[str], best: float, started: float) -> Measured:
    since = _last_request(stack)
    wanted, api = {g.lower() for g in groups}, _api(stack)
    while not _connected(stack, wanted, api):
        if time.monotonic() - started > PATIENCE:
            raise TimeoutError(f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    seconds = time.monotonic() - started
    calls = [r for r in _requests(stack, since) if r["principal"] == "app"]
    return Measured(what, seconds, best, len(calls), sum(r["status"] == 429 for r in calls))


def _connected(stack: MeshStack, groups: set[str], api: MeshApi) -> bool:
    """Whether each node is Ready, and Azure itself holds a Connected peering for it."""
    ready = {n.group for n in api.nodes() if n.state == "Ready"}
    if not groups <= ready:
        return False
    attached = len(list(api.nodes()))
    hub = stack.azure.caller().request("GET", f"{hub_network(stack.subscription)}?api-version={NETWORK}").body
    peerings = cast(Json, hub["properties"])["virtualNetworkPeerings"]
    return (
        sum(cast(Json, p["properties"])["peeringState"] == "Connected" for p in cast(list[Json], peerings))
        >= attached
    )


def _api(stack: MeshStack) -> MeshApi:
    return MeshApi(stack.app.endpoint, stack.app.function_key, stack.subscription)


def _requests(stack: MeshStack, since: int) -> list[Json]:
    return cast(list[Json], stack.azure.control("GET", f"/operations?since={since}")["value"])


def _last_request(stack: MeshStack) -> int:
    found = _requests(stack, 0)
    return cast(int, found[-1]["number"]) if found else 0


def _create_group(stack: MeshStack, name: str) -> None:
    caller, number = stack.azure.caller(), int(name[-3:])
    group = f"/subscriptions/{stack.subscription}/resourceGroups/{name}"
    caller.complete("PUT", f"{group}?api-version={GROUPS}", {"location": REGION})
    space = {"addressSpace": {"addressPrefixes": [f"10.{number // 256 + 1}.{number % 256}.0/24"]}}
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/net"
    caller.complete("PUT", f"{network}?api-version={NETWORK}", {"location": REGION, "properties": space})


def _tag(stack: MeshStack, name: str) -> None:
    group = f"/subscriptions/{stack.subscription}/resourceGroups/{name}"
    stack.azure.caller().request("PATCH", f"{group}?api-version={GROUPS}", {"tags": {"mesh-node": name}})


def _show(console: Console, found: Sequence[Measured]) -> None:
    table = Table(title=f"One hub, every quota of Azure on, {INSTANCES} instances")
    for heading in ("", "seconds", "the quotas allow", "times", "calls", "refused"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in found:
        times = f"{one.seconds / one.best:.2f}"
        table.add_row(
            one.what, f"{one.seconds:.1f}", f"{one.best:.1f}", times, str(one.calls), str(one.refused)
        )
    console.print(table)
