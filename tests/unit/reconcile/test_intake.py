"""From events to keys: nothing is lost, and a burst becomes one run."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from shared.domain.errors import Conflict, Transient, Waiting
from shared.domain.ids import NodeKey
from shared.domain.node import EVERYTHING
from shared.reconcile.intake import Intake, ResourceEvent, Taken
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, InMemoryMesh, network_of, vault_of
from tests.support.trouble import Trouble, WorkerDied, troubled

KEY = NodeKey.of(SUBSCRIPTION, "sales")


async def test_fifty_concurrent_bumps_leave_one_message_and_one_generation() -> None:
    mesh = InMemoryMesh()
    answers = await asyncio.gather(
        *(mesh.intake.bump(KEY, "event") for _ in range(50)), return_exceptions=True
    )
    assert answers.count(True) == 1
    assert all(a is False or a is True for a in answers)
    assert (len(mesh.queue.items), (await mesh.record(KEY)).generation) == (1, 1)


async def test_a_deployment_of_thirty_resources_is_one_message_that_names_them_all() -> None:
    mesh = InMemoryMesh()
    for number in range(30):
        await mesh.event(vault_of(KEY, str(number)), "write")
    record = await mesh.record(KEY)
    assert (len(mesh.queue.items), record.generation, len(record.touched)) == (1, 1, 30)


async def test_more_than_a_row_can_name_means_everything() -> None:
    mesh = InMemoryMesh()
    for number in range(70):
        await mesh.event(vault_of(KEY, str(number)), "write")
    assert (await mesh.record(KEY)).touched == (EVERYTHING,)


async def test_an_event_after_the_message_became_visible_enqueues_again() -> None:
    """The message may have been lost: that its key waits to be looked at does not show that it is there."""
    mesh = InMemoryMesh()
    await mesh.event(KEY.group_id)
    mesh.clock.advance(3)
    await mesh.event(KEY.group_id)
    assert len(mesh.queue.items) == 2


async def test_an_event_that_could_not_be_enqueued_is_enqueued_when_it_is_delivered_again() -> None:
    mesh = InMemoryMesh()
    mesh.queue.fault = Transient("QueueDown", "x")
    with pytest.raises(Transient):
        await mesh.event(KEY.group_id)
    mesh.clock.advance(10)
    await mesh.event(KEY.group_id)
    assert len(mesh.queue.items) == 1


async def test_a_key_that_the_queue_gave_up_still_takes_events() -> None:
    """Its row is due in an hour and has an event that no run took in: neither stands for a message."""
    mesh = InMemoryMesh()
    await mesh.event(KEY.group_id)
    mesh.queue.pop_visible()
    await mesh.engine.give_up(KEY, "it failed five times")
    mesh.clock.advance(600)
    before = len(mesh.queue.items)
    assert await mesh.intake.bump(KEY, "event")
    assert len(mesh.queue.items) == before + 1


async def test_a_bump_that_always_loses_says_so_instead_of_losing_the_event() -> None:
    mesh = InMemoryMesh()
    trouble = Trouble(mesh.clock)
    nodes = troubled(mesh.nodes, "nodes", trouble)
    intake = Intake(mesh.mesh, nodes, mesh.queue, mesh.clock, mesh.timing)

    async def contended(name: str, body: Callable[[], Awaitable[object]]) -> object:
        if name == "nodes.save":
            raise Conflict("NodeChanged", "x")
        return await body()

    trouble.call = contended  # type: ignore[method-assign, assignment]
    with pytest.raises(Waiting):
        await intake.bump(KEY, "event")


async def test_an_event_in_the_middle_of_a_run_is_taken_in_by_the_next_one() -> None:
    """It comes between the look and the writes; the run itself asks to come back."""
    mesh = InMemoryMesh()
    mesh.create_node()
    trouble = Trouble(mesh.clock)
    trouble.arm("stall", 6, lambda call: None)
    await mesh.event(KEY.group_id)
    mesh.clock.advance(3)
    item = mesh.queue.pop_visible()
    assert item is not None
    run = asyncio.create_task(mesh.new_engine(trouble).reconcile(KEY))
    await trouble.reached.wait()
    await mesh.event(vault_of(KEY, "a"), "write")
    trouble.wake()
    result = await run
    record = await mesh.record(KEY)
    assert (result.requeue_after, record.generation - record.observed_generation) == (3.0, 1)
    assert record.touched == (vault_of(KEY, "a").lower(),)
    await mesh.queue.enqueue(item, delay=result.requeue_after or 0)
    await mesh.until_quiet()
    after = await mesh.record(KEY)
    assert (after.state, after.touched, after.generation) == ("Ready", (), after.observed_generation)


async def test_events_of_the_meshs_own_writes_touch_nothing() -> None:
    mesh = InMemoryMesh()
    own = msgspec.structs.replace(mesh.mesh, principal="AAAA")
    intake = Intake(own, mesh.nodes, mesh.queue, mesh.clock, mesh.timing)
    assert await intake.accept(ResourceEvent(KEY.group_id, "write", "aaaa")) == Taken()
    assert await intake.accept(ResourceEvent(KEY.group_id, "write", "bbbb")) == Taken((KEY,))


@pytest.mark.parametrize("resource", ["", "/subscriptions/x/resourceGroups/y", "garbage"])
async def test_an_event_that_names_no_resource_is_refused(resource: str) -> None:
    with pytest.raises(ValueError):
        await InMemoryMesh().intake.accept(ResourceEvent(resource, "write"))


async def test_a_peering_deleted_on_the_hub_touches_the_node_it_led_to_and_no_other() -> None:
    mesh = InMemoryMesh()
    for number, name in enumerate(("sales", "stock")):
        mesh.create_node(name, f"10.{number + 1}.0.0/16")
        await mesh.event(mesh.group(name).group_id)
    await mesh.until_quiet()
    hub = mesh.cloud.networks[HUB_NETWORK.lower()]
    for network, key in [(network_of(k), k) for k in (KEY, mesh.group("stock"))]:
        side = hub.side_to(network)
        assert side is not None
        assert await mesh.intake.touch(side.id.upper(), "delete") == Taken((key,))


async def test_a_foreign_peering_on_the_hub_touches_the_hubs_own_group() -> None:
    peering = f"{HUB_NETWORK}/virtualNetworkPeerings/theirs"
    taken = await InMemoryMesh().intake.touch(peering, "delete")
    assert taken.keys == (NodeKey.containing(HUB_GROUP),)


async def test_an_intake_that_dies_before_it_enqueues_leaves_a_key_that_the_timer_finds() -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    trouble = Trouble(mesh.clock)
    queue = troubled(mesh.queue, "queue", trouble)
    trouble.arm("die before", 1, lambda call: None)
    with pytest.raises(WorkerDied):
        await Intake(mesh.mesh, mesh.nodes, queue, mesh.clock, mesh.timing).bump(KEY, "event")
    mesh.clock.advance(60)
    assert await mesh.resync.enqueue_due() == 1
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
