"""Event Hub functions that write what they got as JSON lines in the file that SEEN names."""

import json
import os
import time
import typing
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def record(**what: object) -> None:
    with Path(os.environ["SEEN"]).open("a") as seen:
        seen.write(json.dumps({**what, "pid": os.getpid()}, default=str) + "\n")


@app.event_hub_message_trigger(
    "events", "Hubs", "%HUB%", cardinality=func.Cardinality.MANY, consumer_group="%GROUP%"
)
def batch(events: typing.List[func.EventHubEvent]) -> None:  # noqa: UP006 -- the runtime takes no other spelling
    """`{"hang": true}` is never finished the first time it comes."""
    metadata = events[0].metadata or {}
    record(
        function="batch",
        bodies=[event.get_body().decode() for event in events],
        sequence_numbers=[event.sequence_number for event in events],
        offsets=[event.offset for event in events],
        enqueued=[event.enqueued_time for event in events],
        partition_keys=[event.partition_key for event in events],
        partition=metadata["PartitionContext"]["PartitionId"],
        properties=metadata["PropertiesArray"],
    )
    marker = Path(os.environ["SEEN"] + ".hung")
    if any(b'"hang": true' in event.get_body() for event in events) and not marker.exists():
        marker.touch()
        time.sleep(600)


@app.event_hub_message_trigger(
    "event",
    "Hubs",
    "%FAILING%",
    cardinality=func.Cardinality.ONE,
    consumer_group="%GROUP%",
    data_type=func.DataType.BINARY,
)
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
async def failing(event: func.EventHubEvent, context: func.Context) -> None:
    """Fails as long as the body says: `fail 1`, `fail 9`."""
    retry = context.retry_context
    record(
        function="failing",
        body=event.get_body().hex(),
        retry=retry.retry_count,
        most=retry.max_retry_count,
        sequence_number=event.sequence_number,
        last_error=getattr(retry, "rpc_exception", None) is not None,
    )
    kind, _, times = event.get_body().partition(b" ")
    if kind == b"fail" and retry.retry_count < int(times):
        raise ValueError("not yet")


@app.route("send", methods=["POST"])
@app.event_hub_output("out", "Hubs", "%HUB%")
def send(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set(req.get_body().decode())
    return "sent"
