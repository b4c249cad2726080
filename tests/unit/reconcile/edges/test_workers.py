"""Workers that die, stall, or meet each other over one edge; and what brings an edge back to be looked at."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.domain.errors import NotFound, Transient
from shared.domain.ids import EdgeKey
from tests.fakes import FakeResourceManager
from tests.support.trouble import Trouble, WorkerDied
from tests.unit.reconcile.edges.mesh import ACCOUNT, EdgeMesh
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, PROVIDER, REQUEST


class Gate:
    """The first call of one name waits until it is opened; `reached` tells that it does."""

    def __init__(self, arm: FakeResourceManager, call: str) -> None:
        self.open, self.reached = asyncio.Event(), asyncio.Event()
        self._call = getattr(arm, call)
        setattr(arm, call, self._waiting)

    async def _waiting(self, *args: object, **named: object) -> object:
        if not self.reached.is_set():
            self.reached.set()
            await self.open.wait()
        return await self._call(*args, **named)


def nothing(call: str) -> None:
    """No error: the trouble is of another kind."""


@pytest.mark.parametrize("seconds", [0.0, 20.0])
@pytest.mark.parametrize("call", range(1, 40))
async def test_wherever_a_worker_dies_the_next_one_ends_what_it_began(call: int, seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    edge = await mesh.granted()
    trouble = Trouble(mesh.clock)
    trouble.arm("die after", call, nothing)
    mesh.engine = mesh.new_engine(trouble)
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Active"
    assert len(mesh.endpoints) == 1
    trouble = Trouble(mesh.clock)
    trouble.arm("die after", call, nothing)
    mesh.engine = mesh.new_engine(trouble)
    await mesh.desk.revoke(ANNE, edge.key, "done")
    await mesh.until_quiet()
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])


async def test_an_endpoint_that_is_on_its_way_out_is_waited_for() -> None:
    """Whoever began its deletion died before it could write down the operation."""
    mesh = await EdgeMesh(operation_seconds=200).start()
    edge = await mesh.active()
    await mesh.desk.revoke(ANNE, edge.key, "done")
    while "delete_private_endpoint" not in mesh.arm.calls:
        await mesh.step()
    stored = await mesh.edge(edge.key)
    await mesh.edges.save(msgspec.structs.replace(stored, operation=None, next_due=mesh.clock.now()))
    await mesh.engine.reconcile(edge.key)
    stored = await mesh.edge(edge.key)
    assert (stored.state, stored.conditions[-1].reason) == ("Revoking", "InProgress")
    await mesh.later(minutes=5)
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])


async def test_what_a_stalled_worker_writes_after_the_edge_was_revoked_is_taken_away_again() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted()
    slow = mesh.new_engine(Trouble(mesh.clock))
    gate = Gate(mesh.arm, "put_private_endpoint")
    task = asyncio.create_task(slow.reconcile(edge.key))
    await gate.reached.wait()
    await mesh.desk.revoke(BERT, edge.key, "a mistake")
    mesh.clock.advance(mesh.timing.lease * 2 + 1)
    await mesh.until_quiet()
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])
    gate.open.set()
    result = await task
    assert len(mesh.endpoints) == 1
    assert result.requeue_after is not None
    await mesh.later(minutes=1)
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])
    assert mesh.states(edge.key)[-4:] == ["Revoking", "Revoked", "Revoking", "Revoked"]


async def test_a_rule_that_a_stalled_worker_writes_late_is_taken_away_again() -> None:
    """Nothing tells by its name that it is ours, but what the worker leaves in the record when it wakes up."""
    mesh = await EdgeMesh().start()
    request = msgspec.structs.replace(
        REQUEST, interface="storage", target=ACCOUNT, exposure="service-endpoint"
    )
    edge = await mesh.granted(request)
    slow = mesh.new_engine(Trouble(mesh.clock))
    gate = Gate(mesh.arm, "add_service_endpoint")
    task = asyncio.create_task(slow.reconcile(edge.key))
    await gate.reached.wait()
    await mesh.desk.revoke(BERT, edge.key, "a mistake")
    mesh.clock.advance(mesh.timing.lease * 2 + 1)
    await mesh.until_quiet()
    assert ((await mesh.edge(edge.key)).state, mesh.services()) == ("Revoked", [])
    gate.open.set()
    await task
    assert mesh.services() == ["Microsoft.Storage"]
    await mesh.later(minutes=1)
    assert ((await mesh.edge(edge.key)).state, mesh.services()) == ("Revoked", [])


async def test_nobody_relies_on_what_another_edge_is_about_to_take_away() -> None:
    mesh = await EdgeMesh().start()
    first = await mesh.active()
    await mesh.desk.revoke(BERT, first.key, "done")
    slow = mesh.new_engine(Trouble(mesh.clock))
    gate = Gate(mesh.arm, "delete_private_endpoint")
    task = asyncio.create_task(slow.reconcile(first.key))
    await gate.reached.wait()
    second = await mesh.granted()
    for _ in range(4):
        await mesh.engine.reconcile(second.key)
        mesh.clock.advance(3)
    stored = await mesh.edge(second.key)
    assert (stored.state, stored.conditions[0].reason) == ("Approved", "ArtefactBusy")
    gate.open.set()
    await task
    await mesh.until_quiet()
    assert ((await mesh.edge(second.key)).state, len(mesh.endpoints)) == ("Active", 1)


async def test_two_workers_on_one_edge_make_one_endpoint() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted()
    other = mesh.new_engine(Trouble(mesh.clock))
    await asyncio.gather(mesh.engine.reconcile(edge.key), other.reconcile(edge.key))
    await mesh.until_quiet()
    assert mesh.arm.calls.count("put_private_endpoint") == 1


async def test_a_revocation_during_a_write_keeps_the_next_one_from_being_made() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted()
    done = False
    write = mesh.arm.put_private_endpoint

    async def revoked_meanwhile(*args: object, **named: object) -> object:
        nonlocal done
        answer = await write(*args, **named)  # type: ignore[arg-type]
        if not done:
            done = True
            await mesh.desk.revoke(BERT, edge.key, "a mistake")
        return answer

    mesh.arm.put_private_endpoint = revoked_meanwhile  # type: ignore[method-assign,assignment]
    await mesh.until_quiet()
    assert "put_zone_group" not in mesh.arm.calls
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])


async def test_a_worker_that_dies_while_it_tells_leaves_the_rest_to_the_next() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    await mesh.desk.revoke(BERT, edge.key, "done")
    trouble = Trouble(mesh.clock)
    trouble.arm("error before", 1, lambda call: Transient("X", "x") if call == "history.append" else None)
    mesh.engine = mesh.new_engine(trouble)
    with pytest.raises(Transient):
        await mesh.engine.reconcile(edge.key)
    mesh.clock.advance(60)
    await mesh.until_quiet()
    assert mesh.states(edge.key)[-2:] == ["Revoking", "Revoked"]


async def test_a_dead_worker_raises_what_the_queue_hears() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted()
    trouble = Trouble(mesh.clock)
    trouble.arm("die before", 1, nothing)
    with pytest.raises(WorkerDied):
        await mesh.new_engine(trouble).reconcile(edge.key)


async def test_the_timer_finds_what_is_due_and_nothing_else() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    assert await mesh.timer.enqueue_due() == 0
    mesh.clock.advance(timedelta(hours=2).total_seconds())
    assert await mesh.timer.enqueue_due() == 1
    await mesh.until_quiet()
    await mesh.desk.revoke(BERT, edge.key, "done")
    await mesh.until_quiet()
    mesh.clock.advance(timedelta(days=400).total_seconds())
    assert await mesh.timer.enqueue_due() == 0


async def test_a_node_that_changed_has_its_live_edges_looked_at() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    rejected = await mesh.desk.request(ANNE, REQUEST)
    await mesh.desk.reject(BERT, rejected.key, "no")
    await mesh.until_quiet()
    for node in (CONSUMER, PROVIDER):
        await mesh.intake.node_changed(node, "it moved")
        await mesh.intake.node_changed(node, "it moved again, before anybody looked")
        assert [i.key for i in mesh.queue.items] == [str(edge.key)]
        await mesh.until_quiet()
    with pytest.raises(NotFound):
        await mesh.intake.bump(EdgeKey("nothing"), "why")
