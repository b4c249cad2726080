"""A local Event Hubs namespace for tests, as a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.child import Child

SECONDS_TO_START = 120.0


@dataclass(frozen=True, slots=True)
class RunningEventHubs:
    """A namespace that listens: give `connection_string` to the Azure clients."""

    connection_string: str
    endpoint: str
    child: Child


@contextmanager
def running_event_hubs(*arguments: str) -> Iterator[RunningEventHubs]:
    """Start `python -m local.events.hubs` with these arguments on a free port; it ends with the block.

        with running_event_hubs("--hub", "telemetry=4", "--consumer-group", "telemetry=meshplane") as hubs:
            client = EventHubProducerClient.from_connection_string(hubs.connection_string, ...)

    Share one per session (a fixture of scope "session") and name a hub per test where tests must not meet.
    """
    with TemporaryDirectory(prefix="event-hubs-") as folder:
        child = Child.start_module("local.events.hubs", arguments, Path(folder) / "log")
        try:
            ready = child.wait_until_ready(SECONDS_TO_START)
            yield RunningEventHubs(str(ready["connection_string"]), str(ready["endpoint"]), child)
        finally:
            child.stop()
