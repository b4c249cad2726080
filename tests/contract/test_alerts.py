"""Alerts and silences, in memory and on tables."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.adapters.clock import SystemClock
from shared.adapters.tables.alerts import TableAlertStore
from shared.adapters.tables.silences import TableSilences
from shared.domain.alert import Alert, Owed, Silence
from shared.domain.errors import Conflict, Terminal
from shared.domain.ids import AlertKey
from shared.domain.node import HistoryEntry
from shared.ports.telemetry import AlertStore, Notice, Silences
from shared.telemetry.alerting import Alerting, Firing
from shared.telemetry.delivery import Delivery
from shared.telemetry.handlers import registry
from shared.telemetry.rule import Each, Match, Rule
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import NOW, after
from tests.fakes import InMemoryDeadLetters, InMemoryHistory, InMemoryWorkQueue
from tests.fakes.alerts import InMemoryAlertStore, InMemorySilences


@pytest.fixture(params=[FAKE, AZURITE])
def alerts(request: pytest.FixtureRequest) -> AlertStore:
    if request.param == FAKE:
        return InMemoryAlertStore()
    return TableAlertStore(request.getfixturevalue("table_storage"))


@pytest.fixture(params=[FAKE, AZURITE])
def silences(request: pytest.FixtureRequest) -> Silences:
    if request.param == FAKE:
        return InMemorySilences()
    return TableSilences(request.getfixturevalue("table_storage"))


def alert(number: int, node: str = "node/s/a", **changes: object) -> Alert:
    made = Alert(
        id=f"{number:032x}",
        rule="sql-deadlocks",
        group=node,
        node=node,
        resource="/subscriptions/s/resourceGroups/a/providers/P/t/r",
        severity="error",
        state="Firing",
        title="It failed <script>",
        first_at=NOW,
        last_at=after(number),
    )
    return replace(made, **changes)


async def test_an_alert_is_stored_as_it_is_with_all_that_it_holds(alerts: AlertStore) -> None:
    whole = alert(
        1,
        seen={"0": (17, 1.5), "1": (3, 2.5)},
        handlers=("webhook:ops",),
        owed=(Owed(handler="webhook:ops", transition="fired", at=after(5), since=NOW),),
        journal=(HistoryEntry(at=NOW, key="alert/1", cause="rule", outcome="Firing"),),
        due=after(5),
        told=1,
        told_at=NOW,
    )
    saved = await alerts.save(whole)
    assert saved == replace(whole, etag=saved.etag)
    assert await alerts.get(whole.id) == saved
    assert (await alerts.list()).items == (whole,)


async def test_what_is_not_there_is_none(alerts: AlertStore) -> None:
    assert await alerts.get("0" * 32) is None


async def test_a_version_that_somebody_replaced_is_not_written(alerts: AlertStore) -> None:
    first = await alerts.save(alert(1))
    with pytest.raises(Conflict):
        await alerts.save(alert(1))
    second = await alerts.save(replace(first, count=2))
    with pytest.raises(Conflict):
        await alerts.save(replace(first, count=3))
    assert await alerts.get(first.id) == second


async def test_of_many_that_make_one_alert_one_does(alerts: AlertStore) -> None:
    made = await asyncio.gather(*(alerts.save(alert(1)) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(m, Alert) for m in made) == 1
    assert sum(isinstance(m, Conflict) for m in made) == 7


async def test_one_id_has_one_row_whatever_node_its_writers_take_it_for(alerts: AlertStore) -> None:
    """Otherwise two instances could each have an alert of their own, and tell of both."""
    made = await asyncio.gather(
        *(alerts.save(alert(1, f"node/s/{n}")) for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(m, Alert) for m in made) == 1
    (only,) = (await alerts.list()).items
    assert (await alerts.get(only.id)) in made


async def test_instances_that_count_at_once_lose_nothing(alerts: AlertStore) -> None:
    """Thirty-two partitions whose records belong to one alert."""
    clock = SystemClock()
    now = clock.now()
    rule = Rule(name="r", title="t", severity="error", match=Match(), condition=Each())
    alerting = Alerting(alerts, InMemorySilences(), InMemoryWorkQueue(clock), clock)

    async def fire(partition: int) -> None:
        counts = {1: (partition, now.timestamp())}
        firing = Firing(
            rule=rule,
            group="g",
            node="node/s/a",
            resource="",
            first_at=now.timestamp(),
            last_at=now.timestamp(),
            partition=str(partition),
            counts=counts,
        )
        await alerting.fire(firing, now)
        await alerting.fire(firing, now)

    await asyncio.gather(*(fire(partition) for partition in range(32)))
    assert [a.count for a in (await alerts.list()).items] == [sum(range(32))]


async def test_instances_that_deliver_at_once_tell_each_handler_once(alerts: AlertStore) -> None:
    """Six of them look at the same alert; what the first claims is nobody else's."""
    clock = SystemClock()
    told: list[str] = []

    class Slow:
        name = "slow"

        async def handle(self, notice: Notice) -> None:
            await asyncio.sleep(0.05)
            told.append(notice.id)

    def delivery() -> Delivery:
        letters, queue = InMemoryDeadLetters(), InMemoryWorkQueue(clock)
        return Delivery(
            alerts, InMemorySilences(), registry([Slow()]), InMemoryHistory(), letters, queue, clock
        )

    now = clock.now()
    owed = Owed(handler="slow", transition="fired", at=now, since=now)
    saved = await alerts.save(alert(1, owed=(owed,), due=now, told=1))
    await asyncio.gather(*(delivery().visit(AlertKey(saved.id)) for _ in range(6)))
    assert told == [f"{saved.id}-1-fired"]
    stored = await alerts.get(saved.id)
    assert stored
    assert (stored.owed, stored.due) == ((), None)


async def test_lists_filter_and_page(alerts: AlertStore) -> None:
    for number in range(4):
        await alerts.save(alert(number, state="Resolved" if number == 3 else "Firing"))
    await alerts.save(alert(4, "node/s/b", rule="throttled", severity="warning"))
    await alerts.save(alert(5, "", domain="retail"))
    assert len((await alerts.list()).items) == 6
    assert [a.node for a in (await alerts.list(node="node/s/b")).items] == ["node/s/b"]
    assert [a.id for a in (await alerts.list(rule="throttled")).items] == [alert(4).id]
    assert [a.id for a in (await alerts.list(severity="warning", state="Firing")).items] == [alert(4).id]
    first = await alerts.list(node="node/s/a", state="Firing", size=2)
    rest = await alerts.list(node="node/s/a", state="Firing", size=2, continuation=first.continuation)
    assert [a.id for a in first.items + rest.items] == [alert(n).id for n in range(3)]
    with pytest.raises(Terminal, match="InvalidContinuation"):
        await alerts.list(node="node/s/b", continuation=first.continuation)


async def test_what_is_due_is_found_and_nothing_else(alerts: AlertStore) -> None:
    await alerts.save(alert(1, due=after(10)))
    await alerts.save(alert(2, due=after(30)))
    saved = await alerts.save(alert(3, due=after(10)))
    await alerts.save(replace(saved, due=None))
    assert [i async for i in alerts.due(after(20))] == [alert(1).id]


async def test_silences_come_and_go(silences: Silences) -> None:
    silence = Silence(
        id="a", node="node/s/a", until=NOW + timedelta(hours=1), by="somebody", reason="works", created_at=NOW
    )
    await silences.add(silence)
    await silences.add(replace(silence, id="b", node="", rule="throttled"))
    assert await silences.get("a") == silence
    assert [s.id for s in await silences.list()] == ["a", "b"]
    await silences.remove("a")
    await silences.remove("a")
    assert await silences.get("a") is None
    assert [s.id for s in await silences.list()] == ["b"]
