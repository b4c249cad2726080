"""Who gets through while Resource Manager's quota is nearly spent: people who wait for an edge or for an answer."""

from typing import Protocol

from shared.adapters.arm.budget import Budget
from shared.domain.budget import PATIENCE, Quota
from shared.domain.ids import NodeKey
from tests.fakes import FakeClock, FakeResourceManager
from tests.support.mesh import SUBSCRIPTION, InMemoryMesh
from tests.unit.functions.api import api
from tests.unit.reconcile.edges.mesh import EdgeMesh

LEFT = 25  # reads: a run that begins leaves as many to others


class Limited(Protocol):
    """A mesh over the pretended cloud."""

    clock: FakeClock
    arm: FakeResourceManager


async def nearly_spent(mesh: Limited) -> None:
    """From now on every call draws from a budget, which has little left and waits for nothing."""
    budget, call = Budget(mesh.clock, patience=dict.fromkeys(PATIENCE, 0.0)), mesh.arm._call

    async def drawn(name: str, *, write: bool = False) -> object:
        quota: Quota = "writes" if write else "reads"
        await budget.draw(SUBSCRIPTION, quota)
        try:
            return await call(name, write=write)
        finally:
            budget.learn(SUBSCRIPTION, quota, None)

    await budget.draw(SUBSCRIPTION, "reads")
    budget.learn(SUBSCRIPTION, "reads", LEFT)
    mesh.arm._call = drawn  # type: ignore[method-assign,assignment]


async def node_outcome(mesh: InMemoryMesh, key: NodeKey) -> str:
    """How a run for a node ends."""
    await mesh.event(key.group_id)
    await mesh.engine.reconcile(key)
    run = (await mesh.record(key)).last_run
    assert run
    return run.outcome


async def test_an_edge_that_was_granted_is_made_while_a_look_at_one_that_is_there_waits() -> None:
    """Both with the same reads left; what the second one waits for is that the bucket fills."""
    mesh = await EdgeMesh().start()
    edge = await mesh.granted()
    await nearly_spent(mesh)
    await mesh.engine.reconcile(edge.key)
    edge = await mesh.edge(edge.key)
    assert edge.state == "Active"
    await mesh.intake.node_changed(edge.request.consumer, "swept")
    await mesh.engine.reconcile(edge.key)
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.last_run and edge.last_run.outcome) == ("Active", "BudgetSpent")


async def test_a_request_over_http_gets_through_where_a_nodes_run_waits() -> None:
    """The plan of a node reads what its run would read."""
    on = api()
    key = on.mesh.create_node("sales")
    await nearly_spent(on.mesh)
    assert await node_outcome(on.mesh, key) == "BudgetSpent"
    planned = await on.ask("plan_node", path={"subscription": SUBSCRIPTION, "group": "sales"})
    assert (planned.status, bool(planned.body["steps"])) == (200, True)
