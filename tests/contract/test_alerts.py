"""Alerts, in memory and on tables."""

import asyncio

import msgspec
import pytest

from shared.adapters.tables.alerts import TableAlerts
from shared.domain.errors import Terminal
from shared.ports import Alerts
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import after, alert
from tests.fakes import InMemoryAlerts


@pytest.fixture(params=[FAKE, AZURITE])
def alerts(request: pytest.FixtureRequest) -> Alerts:
    if request.param == FAKE:
        return InMemoryAlerts()
    return TableAlerts(request.getfixturevalue("table_storage"))


async def test_a_new_alert_is_stored_as_it_is(alerts: Alerts) -> None:
    assert await alerts.raise_alert(alert(1)) == alert(1)
    assert (await alerts.list()).items == (alert(1),)


async def test_raising_again_adds_the_count_and_moves_the_last_time_on(alerts: Alerts) -> None:
    await alerts.raise_alert(alert(1))
    later = msgspec.structs.replace(alert(1), count=3, first_at=after(50), last_at=after(60))
    assert await alerts.raise_alert(later) == msgspec.structs.replace(alert(1), count=4, last_at=after(60))
    earlier = msgspec.structs.replace(alert(1), last_at=after(-60))
    assert (await alerts.raise_alert(earlier)).last_at == after(60)
    assert len((await alerts.list()).items) == 1


async def test_a_resolved_alert_fires_again_and_an_acknowledged_one_stays(alerts: Alerts) -> None:
    await alerts.raise_alert(msgspec.structs.replace(alert(1), state="Resolved"))
    await alerts.raise_alert(msgspec.structs.replace(alert(2), state="Acknowledged"))
    assert (await alerts.raise_alert(alert(1))).state == "Firing"
    assert (await alerts.raise_alert(alert(2))).state == "Acknowledged"


async def test_the_worse_severity_and_the_earlier_first_time_win(alerts: Alerts) -> None:
    await alerts.raise_alert(alert(1))
    worse = msgspec.structs.replace(alert(1), severity="critical", title="It burns", first_at=after(-60))
    raised = await alerts.raise_alert(worse)
    assert (raised.severity, raised.title, raised.first_at) == ("critical", "It burns", after(-60))
    raised = await alerts.raise_alert(msgspec.structs.replace(alert(1), severity="warning"))
    assert (raised.severity, raised.title, raised.first_at) == ("critical", "It burns", after(-60))


async def test_no_raise_is_lost_among_many_at_once(alerts: Alerts) -> None:
    await asyncio.gather(*(alerts.raise_alert(alert(1)) for _ in range(12)))
    assert [found.count for found in (await alerts.list()).items] == [12]


async def test_lists_by_node_and_state_page_by_page(alerts: Alerts) -> None:
    for number in range(3):
        await alerts.raise_alert(alert(number, "node/s/a"))
    await alerts.raise_alert(msgspec.structs.replace(alert(3, "node/s/a"), state="Resolved"))
    await alerts.raise_alert(alert(4, "node/s/b"))
    assert len((await alerts.list()).items) == 5
    assert {a.node for a in (await alerts.list(node="node/s/b")).items} == {"node/s/b"}
    first = await alerts.list(node="node/s/a", state="Firing", size=2)
    rest = await alerts.list(node="node/s/a", state="Firing", size=2, continuation=first.continuation)
    assert first.items + rest.items == tuple(alert(number, "node/s/a") for number in range(3))


async def test_a_token_of_another_list_is_refused(alerts: Alerts) -> None:
    for number in range(3):
        await alerts.raise_alert(alert(number))
    page = await alerts.list(size=1)
    with pytest.raises(Terminal) as refused:
        await alerts.list(node="node/s/z", continuation=page.continuation)
    assert refused.value.reason == "InvalidContinuation"
