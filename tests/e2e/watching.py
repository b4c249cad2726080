"""What tests see of Azure while the mesh is at work, and how they disturb it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import cast

from local.caller import Json, RequestFailed
from tests.e2e.azure import properties_of
from tests.e2e.mesh import Mesh

SECONDS_BETWEEN_SAMPLES = 0.15


def flags_of(peering: Json) -> tuple[object, ...]:
    properties = properties_of(peering)
    names = ("allowVirtualNetworkAccess", "allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways")
    return tuple(properties[name] for name in names)


def remote_of(peering: Json) -> str:
    return str(cast(Json, properties_of(peering)["remoteVirtualNetwork"])["id"]).lower()


@contextmanager
def never(what: Callable[[], bool]) -> Iterator[list[float]]:
    """Watches beside the block that something never is so; answers when it was, in seconds, and how often it looked."""
    ended, begun = Event(), time.monotonic()
    seen: list[float] = []
    failed: list[Exception] = []
    looks = [0]

    def watch() -> None:
        while not ended.wait(SECONDS_BETWEEN_SAMPLES):
            try:
                bad = what()
            except (RequestFailed, OSError) as error:
                failed.append(error)
                return
            looks[0] += 1
            if bad:
                seen.append(time.monotonic() - begun)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
    assert failed == []
    assert looks[0] > 0


def kill_whoever_runs(mesh: Mesh) -> None:
    """kill -9 of every worker that is in the middle of something."""
    for worker in mesh.app.workers():
        if worker.running:
            mesh.app.kill_worker(worker.pid)
