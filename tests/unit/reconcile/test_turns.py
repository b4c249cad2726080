"""Going on with those in line at a hub in the function that has just written to it."""

from shared.domain.errors import Transient
from shared.domain.ids import NodeKey
from shared.reconcile.calling import Caller
from shared.reconcile.turns import MOST, SECONDS
from tests.support.mesh import InMemoryMesh
from tests.support.trouble import Trouble

SOMEBODY = "node/00000000-0000-0000-0000-000000000001/somebody"


async def in_line(nodes: int, operation_seconds: float = 0.0) -> tuple[InMemoryMesh, list[NodeKey]]:
    """A mesh whose nodes wait for their turn at the hub, the first of whom has just been called."""
    mesh = InMemoryMesh(operation_seconds=operation_seconds)
    keys = [mesh.create_node(f"n{number:02}", f"10.{1 + number}.0.0/16") for number in range(nodes)]
    assert await mesh.leases.acquire("hub/hub", SOMEBODY, 600)
    for key in keys:
        await mesh.event(key.group_id)
    for _ in keys:
        assert await mesh.step()
    following = await mesh.leases.release("hub/hub", SOMEBODY)
    assert following
    await Caller(mesh.nodes, mesh.queue, mesh.clock).call(following)
    return mesh, [NodeKey.parse(following.owner), *(k for k in keys if str(k) != following.owner)]


async def states(mesh: InMemoryMesh, keys: list[NodeKey]) -> list[str]:
    return [(await mesh.record(key)).state for key in keys]


async def test_one_function_attaches_all_that_are_in_line_without_the_queue() -> None:
    """The fakes' operations end at once: no time passes, and no second goes by in the queue."""
    mesh, keys = await in_line(5)
    started = mesh.clock.now()
    await mesh.engine.reconcile(keys[0])
    assert await states(mesh, keys) == ["Ready"] * 5
    assert mesh.clock.now() == started
    assert mesh.leases.held == []


async def test_one_function_goes_on_with_so_many_and_leaves_the_rest_to_the_queue() -> None:
    mesh, keys = await in_line(MOST + 4)
    await mesh.engine.reconcile(keys[0])
    assert (await states(mesh, keys)).count("Ready") == MOST + 1
    await mesh.until_quiet()
    assert await states(mesh, keys) == ["Ready"] * len(keys)


async def test_after_some_seconds_another_function_is_asked_and_where_none_comes_the_first_goes_on() -> None:
    """Nobody handles the queue meanwhile: it is as if it were long."""
    mesh, keys = await in_line(8, operation_seconds=1.0)
    before, started = len(mesh.queue.items), mesh.clock.now()
    await mesh.engine.reconcile(keys[0])
    assert await states(mesh, keys) == ["Ready"] * 8
    assert (mesh.clock.now() - started).total_seconds() > SECONDS
    asked = len(mesh.queue.items) - before
    assert 1 <= asked < 7
    await mesh.until_quiet()
    assert await states(mesh, keys) == ["Ready"] * 8


async def test_a_key_whose_store_fails_in_its_turn_comes_through_the_queue_and_then_those_behind_it() -> None:
    mesh, keys = await in_line(4)
    trouble = Trouble(mesh.clock)
    engine = mesh.new_engine(trouble)
    trouble.arm("error before", 7, lambda call: Transient("Down", "down") if call == "nodes.save" else None)
    await engine.reconcile(keys[0])
    assert trouble.kind is None
    assert 1 < (await states(mesh, keys)).count("Ready") < 4
    await mesh.until_quiet()
    assert await states(mesh, keys) == ["Ready"] * 4
