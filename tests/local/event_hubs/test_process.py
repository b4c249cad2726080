"""The namespace as a process: `python -m local.events.hubs`."""

import subprocess
import sys

from azure.eventhub import EventHubProducerClient

from tests.support.local_event_hubs import running_event_hubs


def test_a_process_says_where_it_listens_and_ends_on_sigterm() -> None:
    """The ready line carries a connection string that the unmodified client takes; SIGTERM ends it with 0."""
    with running_event_hubs("--hub", "telemetry=4", "--hub", "mesh-events=2") as hubs:
        with EventHubProducerClient.from_connection_string(
            hubs.connection_string, eventhub_name="mesh-events"
        ) as client:
            assert client.get_eventhub_properties()["partition_ids"] == ["0", "1"]
        assert hubs.endpoint.startswith("sb://localhost:")
    assert hubs.child.returncode == 0


def test_a_consumer_group_of_an_unknown_hub_is_refused_at_start() -> None:
    """A mistake in the arguments ends the process with one clear line."""
    command = [sys.executable, "-m", "local.events.hubs", "--hub", "a=1", "--consumer-group", "b=c"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "'b', which is not among the hubs" in ended.stderr
