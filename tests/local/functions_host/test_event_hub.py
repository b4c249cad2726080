"""Event Hub triggers of a running host, against the local Event Hubs endpoint."""

import itertools
import os
import signal
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.eventhub import EventData, EventHubProducerClient

from local.azurite import Azurite
from tests.local.functions_host.conftest import APPS, Seen
from tests.support.functions_host import RunningHost, functions_host, wait_until
from tests.support.local_event_hubs import RunningEventHubs, running_event_hubs

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("functions_host_event_hub"),
    pytest.mark.timeout(600),
]

PARTITIONS = 4


@pytest.fixture(scope="module")
def hubs() -> Iterator[RunningEventHubs]:
    """A namespace with one hub for each function, and two for the test that restarts its host."""
    hubs = {"work": PARTITIONS, "failing": 1, "restarted": 1, "silent": 1}
    arguments = [
        word
        for hub, partitions in hubs.items()
        for word in ("--hub", f"{hub}={partitions}", "--consumer-group", f"{hub}=app")
    ]
    with running_event_hubs(*arguments) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Events:
    """What a test of this module needs: the hubs, and how to start the app on them."""

    hubs: RunningEventHubs
    seen: Seen
    settings: dict[str, str]
    folder: Path

    def send(
        self, hub: str, bodies: Sequence[str | bytes], partition: str | None = None, **more: str
    ) -> None:
        producer = EventHubProducerClient.from_connection_string(
            self.hubs.connection_string, eventhub_name=hub
        )
        with producer:
            batch = producer.create_batch(partition_id=partition, partition_key=more.get("key"))
            for body in bodies:
                event = EventData(body)
                event.properties = {"origin": "test"}
                batch.add(event)
            producer.send_batch(batch)

    def batches_with(self, body: str) -> list[dict[str, object]]:
        return [entry for entry in self.seen.of("batch") if body in _list(entry["bodies"])]


@pytest.fixture(scope="module")
def events(hubs: RunningEventHubs, storage: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Events:
    """The settings of the events app; its functions write into one file for the whole module."""
    folder = tmp_path_factory.mktemp("events")
    seen = Seen(folder / "seen.jsonl")
    settings = {
        "AzureWebJobsStorage": storage.connection_string,
        "Hubs": hubs.connection_string,
        "HUB": "work",
        "FAILING": "failing",
        "GROUP": "app",
        "SEEN": str(seen.file),
    }
    return Events(hubs, seen, settings, folder)


@pytest.fixture(scope="module")
def host(events: Events) -> Iterator[RunningHost]:
    """The events app on two instances."""
    log = events.folder / "host.log"
    with functions_host(APPS / "events", log, events.settings, "--instances", "2") as running:
        yield running


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def test_a_batch_arrives_with_its_facts(host: RunningHost, events: Events) -> None:
    """Bodies in order, sequence numbers, offsets, times, keys and properties of each event."""
    events.send("work", ["k1", "k2", "k3"], key="one-key")
    wait_until(lambda: bool(events.batches_with("k3")))
    entries = [entry for body in ("k1", "k2", "k3") for entry in events.batches_with(body)]
    bodies = list(dict.fromkeys(body for entry in entries for body in _list(entry["bodies"])))
    assert bodies == ["k1", "k2", "k3"]
    first = entries[0]
    assert _list(first["partition_keys"])[0] == "one-key"
    assert _list(first["properties"])[0] == {"origin": "test"}
    assert all(str(time).endswith("+00:00") for time in _list(first["enqueued"]))
    numbers = [
        number
        for entry in {str(e): e for e in entries}.values()
        for number in _list(entry["sequence_numbers"])
    ]
    assert numbers == sorted(int(str(number)) for number in numbers)
    assert all(isinstance(offset, int) for offset in _list(first["offsets"]))


def test_partitions_keep_their_order_and_their_instance(host: RunningHost, events: Events) -> None:
    """30 events in each partition come in order in batches of at most 10, all in one worker a partition."""
    sent = {str(p): [f"order-{p}-{n}" for n in range(30)] for p in range(PARTITIONS)}
    for partition, bodies in sent.items():
        events.send("work", bodies, partition)

    def got() -> dict[str, list[object]]:
        entries = [e for e in events.seen.of("batch") if str(_list(e["bodies"])[0]).startswith("order-")]
        return {
            partition: [
                body
                for entry in entries
                if entry["partition"] == partition
                for body in _list(entry["bodies"])
            ]
            for partition in sent
        }

    wait_until(lambda: all(len(bodies) >= 30 for bodies in got().values()))
    assert got() == sent
    entries = [
        entry for entry in events.seen.of("batch") if str(_list(entry["bodies"])[0]).startswith("order-")
    ]
    assert max(len(_list(entry["bodies"])) for entry in entries) <= 10
    workers = {partition: {e["pid"] for e in entries if e["partition"] == partition} for partition in sent}
    assert all(len(pids) == 1 for pids in workers.values())
    assert workers["0"] == workers["2"] != workers["1"]


def test_a_batch_is_delivered_again_when_its_worker_is_killed(host: RunningHost, events: Events) -> None:
    """kill -9 in the middle: no checkpoint, and the same events come to the worker's successor."""
    hanging = '{"hang": true}'
    events.send("work", [hanging], "1")
    wait_until(lambda: bool(events.batches_with(hanging)))
    pid = events.batches_with(hanging)[0]["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(events.batches_with(hanging)) == 2)
    again = events.batches_with(hanging)[1]
    assert again["sequence_numbers"] == events.batches_with(hanging)[0]["sequence_numbers"]
    assert again["pid"] != pid
    events.send("work", ["after the crash"], "1")
    wait_until(lambda: bool(events.batches_with("after the crash")))
    assert len(events.batches_with(hanging)) == 2


def test_the_retry_policy_is_carried_out(host: RunningHost, events: Events) -> None:
    """A function that fails once is retried and told so; one that never works is given up after two retries."""
    events.send("failing", ["fail 1", "fail 9", b"\xff\x00"])
    wait_until(lambda: any(entry["body"] == "ff00" for entry in events.seen.of("failing")))
    tries = [(bytes.fromhex(str(e["body"])), e["retry"], e["last_error"]) for e in events.seen.of("failing")]
    assert tries == [
        (b"fail 1", 0, False),
        (b"fail 1", 1, True),
        (b"fail 9", 0, False),
        (b"fail 9", 1, True),
        (b"fail 9", 2, True),
        (b"\xff\x00", 0, False),
    ]
    assert {entry["most"] for entry in events.seen.of("failing")} == {2}


def test_an_output_is_sent_to_its_hub(host: RunningHost, events: Events) -> None:
    """What an HTTP function puts out comes back through the hub."""
    assert host.request("POST", "/api/send", "round trip").status == 200
    wait_until(lambda: bool(events.batches_with("round trip")))


def test_a_restart_goes_on_at_the_checkpoint(storage: Azurite, events: Events) -> None:
    """Events handled before a clean stop are not seen again, those sent while it was down are."""
    settings = {
        **events.settings,
        "HUB": "restarted",
        "FAILING": "silent",
        "SEEN": str(events.folder / f"{uuid.uuid4().hex}.jsonl"),
    }
    mine = Events(events.hubs, Seen(Path(settings["SEEN"])), settings, events.folder)
    numbers = itertools.count(1)

    def run_until_seen(body: str) -> None:
        with functions_host(APPS / "events", events.folder / f"restart-{next(numbers)}.log", settings):
            wait_until(lambda: bool(mine.batches_with(body)))

    mine.send("restarted", ["before"], "0")
    run_until_seen("before")
    mine.send("restarted", ["while away"], "0")
    run_until_seen("while away")
    assert len(mine.batches_with("before")) == 1
    assert len(mine.batches_with("while away")) == 1
