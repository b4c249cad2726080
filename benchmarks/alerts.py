"""From a record on the Event Hub to its alert in the API and at a webhook, beside the bare way through the hub."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from rich.console import Console
from rich.table import Table

from benchmarks.target import Target
from demo.api import MeshApi
from demo.receiver import SECRET, Receiver, running_receiver
from demo.stack import REGION, REPLAY_GROUP, TELEMETRY_HUB, MeshStack, StackOptions
from demo.telemetry_api import TelemetryApi

TIMES = 30
PATIENCE = 30.0
SECONDS_BETWEEN_LOOKS = 0.01
NODE = "latency"
PARTITION = "0"
RULE = """
name: failed
title: An operation failed
severity: error
match: {category: Latency, level: error}
condition: {kind: each}
dedupe: [operationName]
handlers: [webhook]
"""
BARE, ALERT, NOTICE = "received by a bare consumer", "alert in the API", "notice at a webhook"


def run(console: Console) -> list[Target]:
    """Sends one record after the other; no target: it says where the time goes."""
    with TemporaryDirectory() as folder, running_receiver() as receiver:
        options = _options(Path(folder), receiver)
        with MeshStack(options) as stack:
            _create_node(stack)
            seconds = _measured(stack, receiver)
    table = Table("after sending one record", "median", "95 of 100", "most")
    for what, found in seconds.items():
        ordered = sorted(found)
        table.add_row(what, *(f"{s * 1e3:,.0f} ms" for s in (median(ordered), ordered[-2], ordered[-1])))
    console.print(f"{TIMES} records, each an alert of its own; one instance, on the local Azure.")
    console.print(table)
    return []


def _options(folder: Path, receiver: Receiver) -> StackOptions:
    rules = folder / "rules"
    rules.mkdir()
    (rules / "latency.yaml").write_text(RULE)
    webhook = {"name": "latency", "url": receiver.url, "secret": SECRET}
    settings = {
        "MESH_RULES": str(rules),
        "MESH_WEBHOOKS": json.dumps([webhook]),
        "MESH_EVENT_DELAY_SECONDS": "1",
    }
    return StackOptions(folder=folder, settings=settings, logs=False)


def _create_node(stack: MeshStack) -> None:
    stack.create_hub()
    group = f"/subscriptions/{stack.subscription}/resourceGroups/{NODE}"
    body = {"location": REGION, "tags": {"mesh-node": NODE, "mesh-network": "none"}}
    stack.azure.caller().complete("PUT", f"{group}?api-version=2021-04-01", body)
    api = _api(stack)
    _wait_until(lambda: [n.state for n in api.nodes()] == ["Ready"])


def _measured(stack: MeshStack, receiver: Receiver) -> dict[str, list[float]]:
    """Seconds after each send; the first two, which wait for what a process does once, are left out."""
    api = TelemetryApi(_api(stack), stack.subscription)
    seconds: dict[str, list[float]] = {BARE: [], ALERT: [], NOTICE: []}
    producer = EventHubProducerClient.from_connection_string(
        stack.endpoints.event_hubs_connection_string, eventhub_name=TELEMETRY_HUB
    )
    with producer, _bare_consumer(stack) as arrivals:
        for number in range(TIMES + 2):
            sent = time.monotonic()
            producer.send_batch([EventData(_record(stack, number))], partition_id=PARTITION)
            _wait_until(lambda number=number: len(api.alerts(NODE)) > number)  # type: ignore[misc]
            alert = time.monotonic()
            _wait_until(lambda number=number: len(receiver.notices) > number)  # type: ignore[misc]
            notice = time.monotonic()
            arrived = arrivals.get(timeout=PATIENCE)
            if number > 1:
                for what, at in ((BARE, arrived), (ALERT, alert), (NOTICE, notice)):
                    seconds[what].append(at - sent)
    return seconds


@contextmanager
def _bare_consumer(stack: MeshStack) -> Iterator["Queue[float]"]:
    """When each event arrived at a consumer beside the app's."""
    arrivals: Queue[float] = Queue()
    consumer = EventHubConsumerClient.from_connection_string(
        stack.endpoints.event_hubs_connection_string, REPLAY_GROUP, eventhub_name=TELEMETRY_HUB
    )

    def hear(_context: object, event: EventData | None) -> None:
        if event is not None:
            arrivals.put(time.monotonic())

    with consumer:
        options = {"starting_position": "-1", "partition_id": PARTITION}
        hearing = Thread(target=consumer.receive, args=(hear,), kwargs=options)
        hearing.start()
        try:
            yield arrivals
        finally:
            consumer.close()
            hearing.join()


def _record(stack: MeshStack, number: int) -> bytes:
    group = f"/SUBSCRIPTIONS/{stack.subscription}/RESOURCEGROUPS/{NODE}"
    record = {
        "time": "2026-01-05T08:30:00Z",
        "resourceId": f"{group}/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V",
        "category": "Latency",
        "operationName": f"Operation{number}",
        "level": "Error",
    }
    return json.dumps({"records": [record]}).encode()


def _api(stack: MeshStack) -> MeshApi:
    return MeshApi(stack.app.endpoint, stack.app.function_key, stack.subscription)


def _wait_until(seen: Callable[[], bool]) -> None:
    """Looks until it is so. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not come")
        time.sleep(SECONDS_BETWEEN_LOOKS)
