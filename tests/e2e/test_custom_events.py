"""The example sender: what it sends arrives as the schema says, is given to its node, and fires the library's rules."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from opentelemetry.sdk.trace import TracerProvider

from examples.custom_events import MeshEvents, main
from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import read_batch
from shared.telemetry.event import StreamEvent
from shared.telemetry.matching import Matcher
from shared.telemetry.rule_files import load_rules
from tests.support.local_event_hubs import RunningEventHubs, running_event_hubs
from tests.unit.telemetry.samples import SALES

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("event-hubs")]

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/custom-event.schema.json").read_text(encoding="utf-8"))
HUBS = ("custom-run", "custom-failure", "custom-many")


@pytest.fixture(scope="module")
def hubs() -> Iterator[RunningEventHubs]:
    with running_event_hubs(*(word for name in HUBS for word in ("--hub", f"{name}=2"))) as running:
        yield running


async def test_a_run_of_the_example_raises_what_its_events_say(hubs: RunningEventHubs) -> None:
    arguments = ["--connection", hubs.connection_string, "--hub", "custom-run", "--resource", SALES.group_id]
    await asyncio.to_thread(main, arguments)
    bodies = await received(hubs, "custom-run", 1)
    found = read_batch(
        [StreamEvent(body, "0", str(n), n, datetime.now(UTC)) for n, body in enumerate(bodies)],
        Attribution([SALES]),
        Matcher(load_rules()),
    )
    assert (found.records, found.unattributed, found.letters) == (4, 0, [])
    fired = {tally.rule: tally.group for tally in found.tallies}
    assert {"too-few-rows", "stale-data", "quality-check-failed"} <= set(fired)
    assert not {"no-rows", "job-failed", "error-level"} & set(fired)
    # The group of an alert: the resource that the event names, and what the rule tells alerts apart by.
    assert fired["quality-check-failed"].splitlines()[1:] == ["orders", "amount-not-negative"]


async def test_a_job_that_fails_says_so_with_its_trace_and_without_its_message(
    hubs: RunningEventHubs,
) -> None:
    events = MeshEvents(producer(hubs, "custom-failure"), SALES.group_id)

    def run() -> None:
        with TracerProvider().get_tracer("test").start_as_current_span("notebook") as span:
            traces.append(format(span.get_span_context().trace_id, "032x"))
            with events, events.job("load"):
                events.freshness("orders", datetime.now(UTC), timedelta(hours=1))
                raise ValueError("a row of ada@example.org")

    traces: list[str] = []
    with pytest.raises(ValueError, match="ada"):
        await asyncio.to_thread(run)
    [body] = await received(hubs, "custom-failure", 1)
    fresh, job = json.loads(body)["records"]
    assert fresh["properties"]["lateSeconds"] == pytest.approx(-3600, abs=30)
    assert (job["properties"]["outcome"], job["properties"]["reason"]) == ("failed", "ValueError")
    assert [record["properties"]["traceparent"].split("-")[1] for record in (fresh, job)] == traces * 2
    assert b"ada" not in body


async def test_more_events_than_a_message_takes_are_sent_in_several(hubs: RunningEventHubs) -> None:
    events = MeshEvents(producer(hubs, "custom-many"), SALES.group_id, keep=2000)

    def run() -> None:
        with events:
            for number in range(1500):
                events.send("sales.note", {"number": number, "text": "x" * 1000})

    await asyncio.to_thread(run)
    bodies = await received(hubs, "custom-many", 2)
    numbers = [record["properties"]["number"] for body in bodies for record in json.loads(body)["records"]]
    assert sorted(numbers) == list(range(1500))


def producer(hubs: RunningEventHubs, hub: str) -> EventHubProducerClient:
    return EventHubProducerClient.from_connection_string(hubs.connection_string, eventhub_name=hub)


async def received(hubs: RunningEventHubs, hub: str, messages: int) -> list[bytes]:
    """So many bodies, each valid by the schema."""
    found: list[bytes] = []
    whole = asyncio.Event()

    async def take(_partition: PartitionContext, event: EventData | None) -> None:
        if event is not None:
            found.append(event.body_as_str().encode())
        if len(found) >= messages:
            whole.set()

    client = EventHubConsumerClient.from_connection_string(
        hubs.connection_string, "$Default", eventhub_name=hub
    )
    async with client:
        task = asyncio.create_task(client.receive(take, starting_position="-1"))
        await asyncio.wait_for(whole.wait(), 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    for body in found:
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(body))
    return found
