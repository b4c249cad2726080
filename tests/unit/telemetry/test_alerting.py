"""One alert a rule and group, however many instances see it, and however often its events are delivered."""

import asyncio
import random
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from shared.domain.alert import Alert
from shared.domain.errors import Conflict, Transient
from shared.telemetry.alerting import Alerting, Firing, alert_id
from tests.fakes import FakeClock
from tests.fakes.alerts import InMemoryAlertStore
from tests.support.trouble import Trouble, troubled
from tests.unit.telemetry.alert_world import ORDERS, SALES, World, rule_named


class Contended(InMemoryAlertStore):
    """Somebody else is always faster."""

    async def save(self, alert: Alert) -> Alert:
        raise Conflict("AlertChanged", "", target=alert.id)


async def test_a_finding_becomes_an_alert_with_a_message_that_leads_to_its_handlers() -> None:
    world = World()
    alert = await world.fire(records=3)
    assert (alert.id, alert.node, alert.resource) == (alert_id("deadlocks", ORDERS.lower()), SALES, ORDERS)
    assert (alert.count, alert.title, alert.state) == (3, "Deadlocks: orders", "Firing")
    assert [item.key for item in world.queue.items] == [f"alert/{alert.id}"]


async def test_many_instances_that_see_the_same_alert_make_one_and_tell_of_it_once() -> None:
    """Eight instances, each with a partition of its own, at once."""
    world = World()
    await asyncio.gather(*(world.fire(partition=str(n), records=n) for n in range(1, 9)))
    assert world.alert.count == sum(range(1, 9))
    await world.deliver()
    assert world.ops.ids == ["1-fired"]


@pytest.mark.parametrize("seed", range(10))
async def test_any_redelivery_to_any_instance_counts_each_record_once(seed: int) -> None:
    """Three partitions at once, each in batches of any size that come again from any earlier place."""
    draw, world = random.Random(seed), World()
    start = world.clock.now().timestamp()

    async def stream(partition: str) -> None:
        place = 0
        while place < 40:
            batch = range(place, min(place + draw.randint(1, 8), 40))
            counts = {sequence: (sequence, start + sequence // 3) for sequence in batch}
            copies = draw.choice((1, 1, 2))  # two owners of one partition
            await asyncio.gather(*(world.fire(partition=partition, counts=counts) for _ in range(copies)))
            place = draw.randint(max(place - 9, 0), place) if draw.random() < 0.4 else batch[-1] + 1

    await asyncio.gather(*map(stream, ("0", "1", "2")))
    assert world.alert.count == 3 * sum(range(40))
    assert world.alert.episode == 1


async def test_groups_and_rules_have_alerts_of_their_own() -> None:
    world = World()
    await world.fire(group="a")
    await world.fire(group="b")
    await world.fire(rule_named("throttled"), group="a")
    assert len(world.store.alerts) == 3


async def test_clearing_resolves_and_clearing_what_is_not_there_is_nothing() -> None:
    world = World()
    alert = await world.fire()
    await world.alerting.clear(alert.id, "calm again", world.clock.now())
    await world.alerting.clear(alert.id, "calm again", world.clock.now())
    await world.alerting.clear("0" * 32, "calm again", world.clock.now())
    await world.deliver()
    assert (world.alert.state, world.alert.reason, world.ops.ids) == (
        "Resolved",
        "calm again",
        ["1-fired", "1-resolved"],
    )
    assert world.outcomes(alert.id) == ["rule deadlocks", "clear by meshplane", "handlers", "handlers"]


async def test_a_queue_that_is_down_loses_nothing() -> None:
    """The finding stands, and the timer finds what no message told of."""
    world = World()
    world.queue.fault = Transient("QueueDown", "")
    await world.fire()
    assert world.queue.items == ()
    await world.tick()
    assert world.ops.ids == ["1-fired"]


async def test_a_store_that_is_down_fails_the_finding() -> None:
    """So that its batch comes again; nothing was counted, so that it then counts."""
    world, trouble = World(), Trouble(FakeClock())
    trouble.arm(
        "error before", 1, lambda call: Transient("TablesDown", "") if call.endswith("save") else None
    )
    healthy = world.alerting
    store = troubled(world.store, "alerts", trouble)
    world.alerting = Alerting(store, world.silences, world.queue, world.clock)
    with pytest.raises(Transient):
        await world.fire()
    world.alerting = healthy
    assert (await world.fire()).count == 1


async def test_what_can_never_be_written_is_said_after_a_bounded_number_of_tries() -> None:
    with pytest.raises(Conflict, match="AlertContended"):
        await World(alerts=Contended()).fire()


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1e18, -1.0, 1e18, 253402300800.0])
async def test_nothing_that_records_say_of_themselves_breaks_an_alert(seconds: float) -> None:
    """Times that are none, texts of any length and halves of characters."""
    world = World()
    now = world.clock.now()
    wild = "x\ud800" * 5000
    firing = Firing(
        rule=replace(rule_named(), title="t" * 1000),
        group=wild,
        node=SALES,
        resource=wild,
        domain=wild,
        category=wild,
        operation=wild,
        first_at=seconds,
        last_at=seconds,
        partition="0",
        counts={0: (1, 1.0)},
    )
    alert = await world.alerting.fire(firing, now)
    assert msgspec.json.decode(msgspec.json.encode(alert), type=Alert) == alert
    assert alert.first_at <= alert.last_at <= now + timedelta(days=1)
    assert (len(alert.title), len(alert.category), len(alert.group)) == (256, 256, 2048)
    other = await world.alerting.fire(replace(firing, group=wild + "y"), now)
    assert other.id != alert.id


@pytest.mark.parametrize(
    "address",
    [
        "jane.doe@contoso.com",
        "jane_doe.com#EXT#@contoso.onmicrosoft.com",
        "j+x@a-b.co.uk",
        "ä@bücher.example",
    ],
)
async def test_an_address_that_a_rule_dedupes_by_is_kept_apart_and_not_stored(address: str) -> None:
    """Two callers have two alerts, and neither is named."""
    world = World()
    one = await world.fire(group=f"{SALES}\n{address}")
    two = await world.fire(group=f"{SALES}\nother.{address}")
    assert one.id != two.id
    stored = msgspec.json.encode(list(world.store.alerts.values())).decode()
    assert "@" not in stored
    assert one.group == f"{SALES}\n(address)"


async def test_an_alert_of_a_domain_belongs_to_no_node() -> None:
    """Whichever node's record came first."""
    world = World()
    rule = replace(rule_named(), group_by="domain")
    alert = await world.fire(rule, group="retail")
    assert alert.node == ""


async def test_an_alert_that_owes_a_handler_that_is_down_asks_for_no_look_with_every_batch() -> None:
    world = World()
    await world.fire()
    world.queue.pop_visible()
    for sequence in range(1, 50):
        await world.fire(sequence=sequence)
    assert world.queue.items == ()
    assert world.alert.count == 50
