"""A batch ends as alerts, looks at keys and dead letters, each once, and a store that is down fails the batch."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.domain.alert import Alert
from shared.domain.errors import Transient
from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord
from shared.ports import DeadLetter
from shared.telemetry.alerting import Alerting
from shared.telemetry.event import StreamEvent
from shared.telemetry.judge import Judge
from shared.telemetry.known_nodes import KnownNodes
from shared.telemetry.position import Position
from shared.telemetry.process import BatchResult, TelemetryProcessor
from shared.telemetry.rule import Count, Each, FieldMatch, Match, Rule, Threshold
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.volumes import VolumeMeter
from tests.fakes.alerts import InMemoryAlertStore, InMemorySilences
from tests.fakes.clock import FakeClock
from tests.fakes.messages import InMemoryWorkQueue
from tests.fakes.nodes import InMemoryNodeStore
from tests.fakes.records import InMemoryDeadLetters
from tests.fakes.windows import InMemoryVolumes, InMemoryWindows
from tests.unit.telemetry.samples import ENQUEUED, OTHER, SALES, envelope, event, resource, sample
from tests.unit.telemetry.streams import Instance, Stores, event_of

HUB = NodeKey.of("11111111-2222-3333-4444-555555555555", "rg-hub")
PEERING = resource("Microsoft.Network/virtualNetworks/hub/virtualNetworkPeerings/mesh-1", HUB)
DELETED = sample(
    resourceId=PEERING,
    category="Administrative",
    operationName="MICROSOFT.NETWORK/VIRTUALNETWORKS/VIRTUALNETWORKPEERINGS/DELETE",
    level="Information",
    resultType="Success",
)


ERRORS = Rule(
    name="errors",
    title="Errors",
    severity="error",
    match=Match(level=("error", "critical")),
    condition=Each(),
    dedupe=(("category",), ("operationName",)),
)


class Mesh:
    """A processor over stores in memory, with one node."""

    def __init__(self, *rules: Rule, alerts: InMemoryAlertStore | None = None) -> None:
        self.clock = FakeClock(ENQUEUED + timedelta(hours=1))
        self.nodes = InMemoryNodeStore()
        self.nodes.records[SALES] = NodeRecord(key=SALES, state="Ready")
        self.alerts = alerts or InMemoryAlertStore()
        self.windows = InMemoryWindows()
        self.volumes = InMemoryVolumes(self.clock)
        self.letters = InMemoryDeadLetters()
        self.touched: list[tuple[NodeKey, str, str]] = []
        queue = InMemoryWorkQueue(self.clock)
        alerting = Alerting(self.alerts, InMemorySilences(), queue, self.clock)
        self.processor = TelemetryProcessor(
            KnownNodes(self.nodes, self.clock),
            Rulebook(lambda: rules or (ERRORS,)),
            Judge(self.windows, alerting, self.clock),
            self.letters,
            self._touch,
            VolumeMeter(self.volumes, self.clock),
            Position(self.windows, self.clock),
            self.clock,
        )

    async def process(self, *events: StreamEvent) -> BatchResult:
        return await self.processor.process(events)

    async def _touch(self, key: NodeKey, resource: str, cause: str) -> None:
        self.touched.append((key, resource, cause))

    @property
    def raised(self) -> Sequence[Alert]:
        return list(self.alerts.alerts.values())

    @property
    def dead(self) -> Sequence[DeadLetter]:
        return list(self.letters.letters.values())


async def test_records_of_one_kind_raise_one_alert_with_their_count_and_times() -> None:
    mesh = Mesh()
    early, late = sample(time="2026-01-05T08:00:00Z"), sample(time="2026-01-05T09:00:00Z", level="Critical")
    result = await mesh.process(event(envelope(late, sample())), event(envelope(early), offset=200))
    assert result == BatchResult(events=2, records=3, unattributed=0, alerts=1, touched=0, dead_letters=0)
    (alert,) = mesh.raised
    assert (alert.count, alert.severity, alert.node) == (3, "error", str(SALES))
    assert (alert.first_at.hour, alert.last_at.hour) == (8, 9)


async def test_records_outside_the_mesh_are_counted_and_raise_nothing() -> None:
    mesh = Mesh()
    vault = resource("Microsoft.KeyVault/vaults/kv", OTHER)
    result = await mesh.process(event(envelope(sample(resourceId=vault), sample(resourceId=None))))
    assert (result.records, result.unattributed, mesh.raised) == (2, 2, [])


async def test_a_peering_deleted_on_the_hub_asks_for_a_look_at_the_hubs_group_once() -> None:
    mesh = Mesh()
    await mesh.process(event(envelope(DELETED, DELETED)))
    assert mesh.touched == [(HUB, PEERING, f"activity log: {DELETED['operationName']}")]


async def test_looks_at_many_groups_are_asked_for_side_by_side_and_those_at_one_in_order() -> None:
    """A policy that tags thousands of resources at once must not hold up a partition."""
    gate = asyncio.Event()
    waiting: list[NodeKey] = []

    class Slow(Mesh):
        async def _touch(self, key: NodeKey, resource: str, cause: str) -> None:
            waiting.append(key)
            if len(waiting) == 4:
                gate.set()
            await gate.wait()
            await super()._touch(key, resource, cause)

    mesh = Slow()
    nodes = [NodeKey.of(SALES.subscription, f"rg-{n}") for n in range(4)]
    ids = [
        resource(f"Microsoft.Network/virtualNetworks/{n}/virtualNetworkPeerings/p", k)
        for k in nodes
        for n in "ab"
    ]
    await mesh.process(event(envelope(*(DELETED | {"resourceId": i} for i in ids))))
    assert waiting[:4] == nodes
    assert sorted(i for _, i, _ in mesh.touched) == sorted(ids)
    for key in nodes:
        own = [i for k, i, _ in mesh.touched if k == key]
        assert own == sorted(own)


async def test_an_undecodable_record_is_a_dead_letter_that_says_where_and_why() -> None:
    mesh = Mesh()
    body = envelope(sample(), sample(resourceId=["nobody"]))
    result = await mesh.process(event(body, offset=4711, partition="5"))
    assert (result.records, result.dead_letters, len(mesh.raised)) == (1, 1, 1)
    (letter,) = mesh.dead
    assert (letter.kind, letter.source, letter.at) == ("telemetry", "event-hub/5/4711", ENQUEUED)
    assert letter.reason == "resourceId is an array, not a string"
    assert b"ada@example.org" not in letter.body
    assert b"SecretGet" in letter.body


async def test_the_same_batch_delivered_again_adds_no_dead_letter() -> None:
    mesh = Mesh()
    batch = (event(b"broken"), event(b"broken", offset=200), event(b"broken", partition="4"))
    for _ in range(3):
        await mesh.process(*batch)
    assert len(mesh.dead) == 3


async def test_events_of_an_event_hub_made_anew_are_not_taken_for_the_old_ones() -> None:
    mesh = Mesh()
    await mesh.process(event(b"broken"))
    await mesh.process(event(b"broken otherwise"))
    assert len(mesh.dead) == 2


async def test_an_offset_of_a_replicated_namespace_makes_an_id_that_a_table_takes() -> None:
    mesh = Mesh()
    await mesh.process(StreamEvent(b"broken", "0", "101:0/4:7#?", 7, ENQUEUED))
    (letter,) = mesh.dead
    assert not set(letter.id) & set("/\\#?")


async def test_a_record_on_which_a_rule_fails_is_a_dead_letter_and_the_others_go_on() -> None:
    strict = Rule(
        name="strict",
        title="Strict",
        severity="error",
        match=Match(fields=(FieldMatch(path=("properties", "deep"), exists=True),)),
        condition=Each(),
    )
    body = envelope(sample(), sample(properties=None), sample(properties=None))
    body = body.replace(b'"note"', b'"deep": "\xff", "note"')  # nothing that decodes, once somebody reads it
    mesh = Mesh(ERRORS, strict)
    await mesh.process(event(body))
    assert [a.count for a in mesh.raised] == [3]
    (letter,) = mesh.dead
    assert letter.reason == "a value cannot be decoded: UnicodeDecodeError"
    assert (letter.index, letter.rules, letter.sequence, letter.partition) == (0, ("strict",), 100, "3")


class DownAlerts(InMemoryAlertStore):
    down = True

    async def get(self, alert_id: str) -> Alert | None:
        if self.down:
            raise Transient("ServerBusy", "the table is down")
        return await super().get(alert_id)


async def test_a_store_that_is_down_fails_the_batch_and_its_second_delivery_completes_it() -> None:
    alerts = DownAlerts()
    mesh = Mesh(alerts=alerts)
    batch = (event(b"broken"), event(envelope(sample(), DELETED), offset=200))
    with pytest.raises(Transient):
        await mesh.process(*batch)
    alerts.down = False
    await mesh.process(*batch)
    assert (len(mesh.dead), [a.count for a in mesh.raised], {t[0] for t in mesh.touched}) == (1, [1], {HUB})


async def test_a_node_that_came_is_known_after_some_seconds_and_one_that_left_is_not() -> None:
    mesh = Mesh()
    mesh.nodes.records.clear()
    assert (await mesh.process(event(envelope(sample())))).unattributed == 1
    mesh.nodes.records[SALES] = NodeRecord(key=SALES, state="Pending")
    assert (await mesh.process(event(envelope(sample())))).unattributed == 1
    mesh.clock.advance(15)
    assert (await mesh.process(event(envelope(sample())))).unattributed == 0
    mesh.nodes.records[SALES] = NodeRecord(key=SALES, state="Offboarded")
    mesh.clock.advance(15)
    assert (await mesh.process(event(envelope(sample())))).unattributed == 1
    assert [a.count for a in mesh.raised] == [1]


async def test_every_page_of_nodes_is_read() -> None:
    mesh = Mesh()
    many = [NodeKey.of(SALES.subscription, f"rg-{n:04}") for n in range(2050)]
    mesh.nodes.records |= {k: NodeRecord(key=k, state="Ready") for k in many}
    ids = [resource("Microsoft.KeyVault/vaults/kv", key) for key in many]
    result = await mesh.process(event(envelope(*(sample(resourceId=i) for i in ids))))
    assert (result.unattributed, result.alerts) == (0, 2050)


async def test_an_empty_batch_and_an_empty_envelope_come_to_nothing() -> None:
    mesh = Mesh()
    assert (await mesh.process()).records == 0
    assert (await mesh.process(event(envelope()))).dead_letters == 0


async def test_numbers_below_a_limit_cost_no_call_of_a_store() -> None:
    limit = Rule(
        name="limit",
        title="Limit",
        severity="error",
        match=Match(),
        condition=Threshold(
            aggregation="max", of=("properties", "statusCode"), comparison="gte", value=500, window=600
        ),
    )
    stores = Stores([limit])
    instance = Instance(stores)
    for number in range(3):
        await instance.process(event_of(envelope(sample(), sample()), "0", number, ENQUEUED))
    assert (stores.windows.writes - 1, stores.windows.reads) == (0, 0)
    bad = envelope(sample(), sample(properties={"statusCode": 503}))
    await instance.process(event_of(bad, "0", 3, ENQUEUED))
    assert (stores.windows.writes - 1, stores.windows.reads) == (1, 1)
    assert [alert.count for alert in stores.alerts.alerts.values()] == [2]


async def test_a_batch_of_five_hundred_groups_writes_each_row_once_and_asks_once_for_each() -> None:
    counting = Rule(
        name="counting",
        title="Counting",
        severity="error",
        match=Match(level=("error",)),
        condition=Count(at_least=3, window=600),
    )
    stores = Stores([counting])
    instance = Instance(stores)
    ids = [resource(f"Microsoft.KeyVault/vaults/kv-{number}") for number in range(500)]
    body = envelope(*(sample(resourceId=i) for i in ids))
    for number in range(3):
        await instance.process(event_of(body, "0", number, ENQUEUED))
    rows = [row for row in stores.windows.rows.values() if row.rule != "stream"]
    assert (len(rows), stores.windows.writes - 1, stores.windows.reads) == (500, 1500, 1500)
    assert {alert.count for alert in stores.alerts.alerts.values()} == {3}
    assert len(stores.alerts.alerts) == 500
