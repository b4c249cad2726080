"""Tells the mesh what a data job did: rows, freshness, quality checks, how it ended (docs/custom-events.md).

One file to copy. In a Databricks notebook: `%pip install azure-eventhub azure-identity opentelemetry-api`, then

    events = MeshEvents(over_identity("telemetry.servicebus.windows.net", "telemetry"), group)
    with events, events.job("load-orders"):
        events.rows("orders", frame.count(), expected=1_000_000)
        events.quality("orders", "amount-not-negative", failed=frame.filter("amount < 0").count())

It sends through azure-eventhub, and tells OpenTelemetry: each job is a span whose trace the events carry, sent events
are counted and durations recorded. Without an OpenTelemetry SDK around it (azure-monitor-opentelemetry, say) that costs
nothing.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from azure.eventhub import EventData, EventHubProducerClient
from opentelemetry import metrics, trace
from opentelemetry.propagate import inject

type Property = str | int | float | bool

CATEGORY = "MeshCustom"
_TRACER = trace.get_tracer("meshplane.events")
_METER = metrics.get_meter("meshplane.events")
_SENT = _METER.create_counter("mesh.events.sent", unit="{event}", description="Events handed to Event Hubs")
_SECONDS = _METER.create_histogram("mesh.job.duration", unit="s", description="How long jobs took")


def over_identity(namespace: str, hub: str) -> EventHubProducerClient:
    """A producer that the job's managed identity may use: it needs the role Azure Event Hubs Data Sender."""
    from azure.identity import DefaultAzureCredential

    return EventHubProducerClient(namespace, hub, DefaultAzureCredential())


class MeshEvents:
    """Events of one node: `resource` is the id of its group, or of any resource in it.

    They are kept until there are many, `flush` is called or the block ends; what Event Hubs does not take raises
    azure.eventhub.exceptions.EventHubError.
    """

    def __init__(self, producer: EventHubProducerClient, resource: str, keep: int = 100) -> None:
        self._producer = producer
        self._resource = resource
        self._keep = keep
        self._kept: list[dict[str, object]] = []

    # --- what jobs tell

    def rows(self, dataset: str, rows: int, expected: int | None = None) -> None:
        """How many rows a run processed, and how many it should have."""
        ratio = {} if not expected else {"expected": expected, "ratio": rows / expected}
        self.send("meshplane.rows", {"dataset": dataset, "rows": rows, **ratio})

    def freshness(self, dataset: str, newest: datetime, limit: timedelta) -> None:
        """How old the newest data is (a time with its zone), and how old it may be."""
        age = time.time() - newest.timestamp()
        told = {"ageSeconds": round(age), "limitSeconds": round(limit.total_seconds())}
        late = round(age - limit.total_seconds())
        self.send("meshplane.freshness", {"dataset": dataset, **told, "lateSeconds": late})

    def quality(self, dataset: str, check: str, failed: int, rows: int | None = None) -> None:
        """How many rows did not pass a check; 0 is worth telling too."""
        of = {} if rows is None else {"rows": rows}
        self.send("meshplane.quality", {"dataset": dataset, "check": check, "failed": failed, **of})

    @contextmanager
    def job(self, name: str) -> Iterator[None]:
        """A span around a job, and an event that says how it ended and how long it took; its error goes on."""
        started = time.monotonic()
        with _TRACER.start_as_current_span(name):
            outcome: dict[str, Property] = {"outcome": "succeeded"}
            try:
                yield
            except BaseException as error:
                # Its type only: messages of errors hold data, and data may be people's.
                outcome = {"outcome": "failed", "reason": type(error).__name__}
                raise
            finally:
                seconds = time.monotonic() - started
                _SECONDS.record(seconds, {"job": name, "outcome": str(outcome["outcome"])})
                self.send("meshplane.job", {"job": name, **outcome, "durationSeconds": round(seconds, 3)})

    def send(self, kind: str, properties: Mapping[str, Property]) -> None:
        """An event of any type: a name with dots, such as `sales.refund`; rules match it as `custom`."""
        carrier: dict[str, str] = {}
        inject(carrier)
        self._kept.append(
            {
                "time": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
                "resourceId": self._resource,
                "category": CATEGORY,
                "operationName": kind,
                "properties": {**properties, **carrier},
            }
        )
        if len(self._kept) >= self._keep:
            self.flush()

    # --- sending

    def flush(self) -> None:
        """Sends what is kept: as one message if it fits, which costs Event Hubs and the mesh least."""
        kept, self._kept = self._kept, []
        for message in _messages(kept, self._producer):
            self._producer.send_batch([message])
        for record in kept:
            _SENT.add(1, {"type": str(record["operationName"])})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_of: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            self._producer.close()


def _messages(records: Sequence[object], producer: EventHubProducerClient) -> Iterator[EventData]:
    """The records as messages that Event Hubs takes: halved until each fits."""
    if not records:
        return
    message = EventData(json.dumps({"records": records}))
    message.content_type = "application/json"
    try:
        producer.create_batch().add(message)
    except ValueError:
        if len(records) == 1:
            raise
        half = len(records) // 2
        yield from _messages(records[:half], producer)
        yield from _messages(records[half:], producer)
    else:
        yield message


def main(arguments: Sequence[str] | None = None) -> None:
    """A small run, to see what arrives."""
    parser = argparse.ArgumentParser(description="Send the events of a made-up job to the mesh.")
    parser.add_argument(
        "--resource", required=True, help="the id of the node's group, or of a resource in it"
    )
    parser.add_argument("--hub", default="telemetry", help="the Event Hub (MESH_TELEMETRY_HUB)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--namespace", help="its namespace, by managed identity: name.servicebus.windows.net")
    where.add_argument(
        "--connection", help="the local Azure's connection string (UseDevelopmentEmulator=true)"
    )
    asked = parser.parse_args(arguments)
    producer = (
        over_identity(asked.namespace, asked.hub)
        if asked.namespace
        else EventHubProducerClient.from_connection_string(asked.connection, eventhub_name=asked.hub)
    )
    events = MeshEvents(producer, asked.resource)
    with events, events.job("load-orders"):
        events.rows("orders", 400, expected=1000)
        events.freshness(
            "orders", datetime.fromtimestamp(time.time(), UTC) - timedelta(hours=30), timedelta(days=1)
        )
        events.quality("orders", "amount-not-negative", failed=3, rows=400)
    print("Sent. The alerts of the node tell what the mesh makes of it: GET /api/alerts")


if __name__ == "__main__":
    main()
