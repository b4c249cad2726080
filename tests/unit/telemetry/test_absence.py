"""Who should send and does not is an alert, from the last time it was heard of or else from when it was ready."""

from datetime import timedelta

import msgspec

from shared.domain.node import Coverage, NodeRecord
from shared.ports.telemetry import StoredEvent
from shared.telemetry.rule import Absence, Match, Rule
from tests.fakes.clock import START
from tests.unit.telemetry.samples import SALES, VAULT, envelope, resource, sample
from tests.unit.telemetry.streams import Instance, Stores, event_of

HOUR = 3600.0
FACTORY = resource("Microsoft.DataFactory/factories/pipes")
SILENT = Rule(
    name="silent",
    title="Silent",
    severity="error",
    match=Match(),
    condition=Absence(period=HOUR),
    group_by="node",
)
BY_RESOURCE = msgspec.structs.replace(
    SILENT, match=Match(resource_type=("microsoft.keyvault/*",)), group_by="resource"
)


class Run(Instance):
    """A node whose two resources stream."""

    def __init__(self, rule: Rule = SILENT) -> None:
        super().__init__(Stores([rule]))
        self.rule = rule
        self.cover("event-hub", "workspace")
        self.number = 0

    def cover(self, *sinks: str) -> None:
        found = [Coverage(i, "covered", START, covers=sinks) for i in (VAULT, FACTORY)]  # type: ignore[arg-type]
        self.change(coverage=tuple(found))

    def change(self, **changed: object) -> None:
        record: NodeRecord = self.stores.nodes.records[SALES]
        self.stores.nodes.records[SALES] = msgspec.structs.replace(
            record, generation=record.generation + 1, **changed
        )

    async def send(self, sender: str = VAULT, **fields: object) -> None:
        self.number += 1
        now = self.stores.clock.now()
        body = envelope(sample(resourceId=sender, time=now.isoformat(), **fields))
        self.stores.reader.partitions["0"] = [StoredEvent(body, "0", self.number, now)]
        await self.process(event_of(body, "0", self.number, now))

    async def after(self, hours: float) -> list[str]:
        """The states of the alerts once so much time has passed and the timer has run."""
        self.stores.clock.advance(hours * HOUR)
        await self.absence.judge()
        return [alert.state for alert in self.stores.alerts.alerts.values()]


async def test_a_node_that_never_sent_counts_from_when_it_was_ready() -> None:
    run = Run()
    assert await run.after(0) == []
    assert await run.after(1) == []
    assert await run.after(0.2) == ["Firing"]
    [alert] = run.stores.alerts.alerts.values()
    assert (alert.node, alert.group, alert.count, alert.first_at) == (str(SALES), str(SALES), 1, START)


async def test_a_node_that_stops_is_an_alert_and_one_that_sends_again_resolves_it() -> None:
    run = Run()
    for _ in range(3):
        await run.send()
        assert await run.after(1) == []
    assert await run.after(0.2) == ["Firing"]
    await run.send()
    assert await run.after(0.1) == ["Resolved"]
    assert await run.after(1.1) == ["Firing"]
    [alert] = run.stores.alerts.alerts.values()
    assert alert.episode == 2


async def test_an_alert_stays_open_and_counts_the_periods_while_the_silence_lasts() -> None:
    run = Run()
    assert await run.after(0) == []
    for _ in range(30):
        states = await run.after(0.1)
    assert states == ["Firing"]
    [alert] = run.stores.alerts.alerts.values()
    assert (alert.episode, alert.count) == (1, 3)
    assert alert.resolve_at
    assert alert.resolve_at - run.stores.clock.now() > timedelta(minutes=40)


async def test_a_node_that_streams_nothing_or_is_not_ready_is_not_missed() -> None:
    run = Run()
    run.cover("workspace")
    assert await run.after(9) == []
    run.cover("event-hub")
    run.change(state="Pending")
    assert await run.after(9) == []


async def test_a_node_that_asks_for_the_stream_long_after_it_was_ready_has_a_period_to_begin() -> None:
    run = Run()
    run.cover("workspace")
    assert await run.after(500) == []
    run.cover("event-hub")
    assert await run.after(0.1) == []
    assert await run.after(0.9) == []
    assert await run.after(0.3) == ["Firing"]


async def test_a_resource_that_an_old_node_got_today_has_a_period_to_begin() -> None:
    run = Run(BY_RESOURCE)
    await run.send()
    run.change(coverage=())
    assert await run.after(500) == []
    run.cover("event-hub")
    assert await run.after(0.1) == []
    assert await run.after(1.2) == ["Firing"]


async def test_since_when_somebody_is_expected_is_known_for_as_long_as_that_lasts() -> None:
    """Written once a day; a look that finds the node not Ready for an hour begins nothing anew."""
    run = Run()
    assert await run.after(0) == []
    writes = run.stores.windows.writes
    for _ in range(40 * 24):
        await run.after(1)
    assert run.stores.windows.writes == writes + 40
    [alert] = run.stores.alerts.alerts.values()
    assert (alert.state, alert.episode, alert.first_at) == ("Firing", 1, START)
    run.change(state="Pending")
    assert await run.after(1) == ["Resolved"]
    run.change(state="Ready")
    assert await run.after(1) == ["Firing"]


async def test_an_alert_of_a_node_that_left_is_resolved() -> None:
    run = Run()
    assert await run.after(0) == []
    assert await run.after(2) == ["Firing"]
    run.change(state="Offboarded")
    assert await run.after(0.1) == ["Resolved"]


async def test_by_resource_each_of_its_type_is_missed_by_itself() -> None:
    run = Run(BY_RESOURCE)
    assert await run.after(0) == []
    assert await run.after(1.2) == ["Firing"]
    [alert] = run.stores.alerts.alerts.values()
    assert alert.group == VAULT.lower()
    await run.send(FACTORY)
    assert await run.after(0.1) == ["Firing"]
    await run.send(VAULT)
    assert await run.after(0.1) == ["Resolved"]


async def test_a_domain_is_heard_of_as_long_as_one_of_its_nodes_is() -> None:
    run = Run(msgspec.structs.replace(SILENT, group_by="domain"))
    await run.send()
    assert await run.after(0) == []
    assert await run.after(1.2) == ["Firing"]
    [alert] = run.stores.alerts.alerts.values()
    assert (alert.group, alert.domain, alert.node) == ("commerce", "commerce", "")


async def test_custom_events_are_missed_once_they_have_been_sent() -> None:
    """No setting streams them: a job is known by what it sent before."""
    custom = msgspec.structs.replace(
        SILENT, match=Match(custom=("orders.loaded",)), dedupe=(("properties", "job"),)
    )
    run = Run(custom)
    run.cover("workspace")
    assert await run.after(9) == []
    await run.send(category="MeshCustom", operationName="orders.loaded", properties={"job": "nightly"})
    assert await run.after(1.2) == ["Firing"]
    [alert] = run.stores.alerts.alerts.values()
    assert alert.group == f"{SALES}\nnightly"


async def test_a_stream_that_is_behind_is_not_taken_for_silence() -> None:
    run = Run()
    await run.send()
    run.stores.clock.advance(2 * HOUR)
    behind = StoredEvent(b"", "1", 2, run.stores.clock.now())
    run.stores.reader.partitions["0"].append(behind)
    assert await run.after(0) == []
    await run.send(FACTORY, level=None)
    run.stores.clock.advance(2 * HOUR)
    assert await run.after(0) == ["Firing"]
