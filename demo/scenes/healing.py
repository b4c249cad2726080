"""Things are broken on purpose, and heal by themselves; what a killed worker left is healed in the scene `takeover`."""

import msgspec

from demo.looks import history_tells, node_is, peered, reporting, sides
from demo.stack import hub_network
from demo.stage import APP, Moment, Stage
from demo.watch import Seen
from demo.world import SALES

# How long Azure takes over one write, so that there is a middle in which a worker can die.
SECONDS_OF_ONE_WRITE = 5.0
SECONDS_TO_HEAL = 60.0


class _Fault(msgspec.Struct, frozen=True):
    hits: int


def play(stage: Stage) -> None:
    """A peering, a diagnostic setting and a worker process are taken away."""
    stage.watch.act("Things break")
    _peering_deleted(stage)
    _setting_deleted(stage)
    _worker_killed(stage)


def _peering_deleted(stage: Stage) -> None:
    _, there = sides(stage, SALES)
    broken = Moment()
    stage.azure.delete_peering(there[0])
    stage.watch.did(f"somebody deletes the hub's peering {there[0].name}")
    healed(stage, broken, hub_network(stage.subscription))


def _setting_deleted(stage: Stage) -> None:
    vault = SALES.of_type(stage.subscription, "Microsoft.KeyVault/vaults")
    broken = Moment()
    for setting in stage.azure.settings(vault):
        stage.azure.delete_setting(vault, setting.name)
        stage.watch.did(f"somebody deletes the diagnostic setting {setting.name} of sales-vault")
    watch = stage.watch
    watch.claim("sales reports again", reporting(stage, SALES), SECONDS_TO_HEAL, broken.monotonic)
    watch.claim("its history says why", history_tells(stage, SALES, broken.at, vault))


def _worker_killed(stage: Stage) -> None:
    slow = {
        "match": {"method": "PUT", "path": "virtualNetworkPeerings", "principal": APP},
        "delay": SECONDS_OF_ONE_WRITE,
    }
    stage.control("POST", "/faults", slow)
    here, _ = sides(stage, SALES)
    stage.broken = Moment()
    stage.azure.delete_peering(here[0])
    stage.watch.did("somebody deletes the peering on the side of sales; Azure is slow today")
    pid = _victim(stage)
    stage.stack.app.kill_worker(pid)
    stage.watch.did(f"kill -9 {pid}")
    stage.watch.claim("the host replaced the worker", lambda: _replaced(stage, pid))
    stage.watch.tell(
        "its lease has to run out before the resync timer has another worker look at sales; meanwhile:"
    )


def _victim(stage: Stage) -> int:
    """The process that is writing the peering right now."""
    found: list[int] = []

    def look() -> Seen:
        faults = msgspec.convert(stage.control("GET", "/faults")["value"], list[_Fault])
        writing = any(fault.hits for fault in faults)
        found[:] = [worker.pid for worker in stage.stack.app.workers() if worker.running] if writing else []
        return Seen(len(found) == 1, f"process {found}" if found else "no write has begun")

    stage.watch.claim("a worker is in the middle of writing the peering", look)
    return found[0]


def _replaced(stage: Stage, pid: int) -> Seen:
    workers = stage.stack.app.workers()
    ready = [worker.pid for worker in workers if worker.ready]
    count = stage.stack.options.instances
    good = pid not in ready and len(ready) == count
    return Seen(good, f"workers {', '.join(map(str, ready))}")


def healed(stage: Stage, broken: Moment, network: str) -> None:
    """Claims that sales is as it should be, and that its history tells of the peering written on a network."""
    watch = stage.watch
    watch.claim("sales is connected again", peered(stage, SALES), SECONDS_TO_HEAL, broken.monotonic)
    watch.claim("sales is Ready", node_is(stage, SALES, "Ready", "Converged"), SECONDS_TO_HEAL)
    watch.claim("its history says why", history_tells(stage, SALES, broken.at, network))
