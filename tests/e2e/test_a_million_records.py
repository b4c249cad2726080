"""A million records on eight partitions and three instances, of which one is killed twice: each is counted once."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Thread
from typing import cast

import msgspec
import pytest
from azure.data.tables import TableServiceClient
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient

from demo.api import MeshApi
from demo.stack import REGION, TELEMETRY_HUB, MeshStack, StackOptions
from local.caller import Json
from shared.adapters.tables.documents import unpacked
from shared.telemetry.aggregate import Aggregate
from tests.e2e.azure import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("many"), pytest.mark.timeout(900)]

PARTITIONS, EVENTS, RECORDS = 8, 125, 1000
"""Events a partition, records an event: a million in all."""
NODES = ("orders", "ledger", "stock", "claims")
KINDS = 6
"""Operations that fail: each node has an alert for each."""
FAILING = 10
"""Records of an event that say that an operation failed."""

RULES = f"""
rules:
  - name: failed
    title: An operation failed
    severity: error
    match: {{category: Million, level: error}}
    condition: {{kind: each}}
    group_by: node
    dedupe: [operationName]
    handlers: [mesh-event]
  - name: many
    title: A node sends a lot
    severity: warning
    match: {{category: Million}}
    condition: {{kind: count, at_least: {PARTITIONS * EVENTS * RECORDS // len(NODES)}, window: 6h}}
    group_by: node
    auto_resolve: never
    handlers: [mesh-event]
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshStack]:
    """Three instances with the two rules above, and nodes that they know."""
    folder = tmp_path_factory.mktemp("million")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "million.yaml").write_text(RULES)
    settings = {"MESH_RULES": str(rules), "MESH_EVENT_DELAY_SECONDS": "1"}
    options = StackOptions(folder=folder, instances=3, partitions=PARTITIONS, settings=settings, logs=False)
    with MeshStack(options) as running:
        running.create_hub()
        for name in NODES:
            group = f"/subscriptions/{running.subscription}/resourceGroups/{name}"
            body = {"location": REGION, "tags": {"mesh-node": name, "mesh-network": "none"}}
            running.azure.caller().complete("PUT", f"{group}?api-version=2021-04-01", body)
        wait_for("four nodes", lambda: [n.state for n in api(running).nodes()] == ["Ready"] * len(NODES))
        yield running


def test_a_million_records_are_counted_exactly_and_each_alert_is_told_once(stack: MeshStack) -> None:
    """Whatever batches are delivered again when a worker dies: no record is lost, and none counts twice."""
    at = datetime.now(UTC) - timedelta(seconds=60)
    events = [event(stack.subscription, number, at) for number in range(EVENTS)]
    expected = Counter(place for body in events for place in failing(stack.subscription, body))
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(send, stack, str(partition), events) for partition in range(PARTITIONS)]
        for share in (0.15, 0.5):
            wait_for(f"{share:.0%} counted", partial(enough, stack, share), 240)
            stack.app.kill_worker(stack.app.workers()[0].pid)
        for sending in sent:
            sending.result()
    wait_for("all counted", lambda: counted(stack) >= PARTITIONS * EVENTS * RECORDS, 240)
    wait_for("an alert of each node", lambda: len(alerts(stack, "many")) == len(NODES))

    wait_for("no batch in work", lambda: not any(worker.running for worker in stack.app.workers()))

    assert counted(stack) == PARTITIONS * EVENTS * RECORDS
    failed = alerts(stack, "failed")
    assert {(a.node, a.operation): a.count for a in failed} == {
        place: PARTITIONS * count for place, count in expected.items()
    }
    assert len(failed) == len(NODES) * KINDS
    raised = {a.id for a in failed + alerts(stack, "many")}
    with listening(stack) as told:
        wait_for("everybody told", lambda: told.notices.keys() == raised)
    assert {len(notices) for notices in told.notices.values()} == {1}


def event(subscription: str, number: int, at: datetime) -> bytes:
    """The body of one event: a thousand records of all nodes, ten of which failed."""
    return json.dumps(
        {
            "records": [
                {
                    "time": at.isoformat(),
                    "resourceId": f"/SUBSCRIPTIONS/{subscription}/RESOURCEGROUPS/{NODES[n % len(NODES)].upper()}"
                    "/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KEYS",
                    "category": "Million",
                    "operationName": f"Operation{(number + n // len(NODES)) % KINDS}",
                    "level": "Error" if n < FAILING else "Informational",
                }
                for n in range(RECORDS)
            ]
        }
    ).encode()


def failing(subscription: str, body: bytes) -> Iterator[tuple[str, str]]:
    """The node and the operation of each record that says that something failed."""
    for record in json.loads(body)["records"]:
        if record["level"] == "Error":
            group = str(record["resourceId"]).split("/")[4].lower()
            yield f"node/{subscription}/{group}", str(record["operationName"])


def send(stack: MeshStack, partition: str, events: list[bytes]) -> None:
    producer = EventHubProducerClient.from_connection_string(
        stack.endpoints.event_hubs_connection_string, eventhub_name=TELEMETRY_HUB
    )
    with producer:
        for body in events:
            producer.send_batch([EventData(body)], partition_id=partition)


def counted(stack: MeshStack) -> int:
    """Records in the windows of the rule that counts them all."""
    with TableServiceClient.from_connection_string(stack.endpoints.storage_connection_string) as service:
        table = service.create_table_if_not_exists("windows")
        rows = table.query_entities("rule ge 'many@' and rule lt 'many@~'")
        buckets = [
            msgspec.msgpack.decode(unpacked(row, "buckets"), type=dict[int, Aggregate]) for row in rows
        ]
    return sum(a.count for each in buckets for a in each.values())


def enough(stack: MeshStack, share: float) -> bool:
    return counted(stack) >= share * PARTITIONS * EVENTS * RECORDS


class Raised(msgspec.Struct, frozen=True):
    """An alert, as far as this test looks."""

    id: str
    node: str
    rule: str
    operation: str
    count: int


def alerts(stack: MeshStack, rule: str) -> list[Raised]:
    return list(api(stack).pages("/api/alerts", {"rule": rule}, Raised))


def api(stack: MeshStack) -> MeshApi:
    return MeshApi(stack.app.endpoint, stack.app.function_key, stack.subscription)


class Told:
    """What the mesh's own stream tells of alerts: the notices of each, by its key."""

    def __init__(self) -> None:
        self.notices: dict[str, set[str]] = {}

    def hear(self, _context: object, event: EventData | None) -> None:
        told = cast(Json, event.body_as_json()) if event else {}
        if told.get("type") == "AlertChanged":
            notice = str(cast(Json, told["data"])["notice"])
            self.notices.setdefault(str(told["key"]).removeprefix("alert/"), set()).add(notice)


@contextmanager
def listening(stack: MeshStack) -> Iterator[Told]:
    """Hears from the beginning until it is left."""
    told = Told()
    consumer = EventHubConsumerClient.from_connection_string(
        stack.endpoints.event_hubs_connection_string, "$Default", eventhub_name="mesh-events"
    )
    with consumer:
        hearing = Thread(target=consumer.receive, args=(told.hear,), kwargs={"starting_position": "-1"})
        hearing.start()
        try:
            yield told
        finally:
            consumer.close()
            hearing.join(20)
