"""What a reviewer broke around intake, timers, dead letters and mesh events."""

from shared.domain.ids import NodeKey
from tests.support.mesh import SUBSCRIPTION, InMemoryMesh

KEY = NodeKey.of(SUBSCRIPTION, "sales")


async def ready() -> InMemoryMesh:
    """A mesh whose one node is Ready."""
    mesh = InMemoryMesh()
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    mesh.arm.calls.clear()
    return mesh


async def test_a_day_without_a_reconciler_leaves_a_handful_of_messages_on_the_queue() -> None:
    mesh = await ready()
    for _ in range(24 * 60):
        mesh.clock.advance(60)
        await mesh.resync.enqueue_due()
    assert 1 <= len(mesh.queue.items) <= 5
