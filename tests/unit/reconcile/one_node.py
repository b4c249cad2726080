"""A mesh with one node that is Ready, and what tests ask of it."""

from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord
from tests.support.mesh import SUBSCRIPTION, InMemoryMesh

KEY = NodeKey.of(SUBSCRIPTION, "sales")


async def settled(operation_seconds: float = 0.0) -> InMemoryMesh:
    """The mesh, once its node has come to rest."""
    mesh = InMemoryMesh(operation_seconds=operation_seconds)
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    mesh.arm.calls.clear()
    return mesh


def ready(record: NodeRecord) -> tuple[str, str]:
    """Status and reason of what sums the conditions up."""
    return next((c.status, c.reason) for c in record.conditions if c.type == "Ready")


def writes(mesh: InMemoryMesh) -> list[str]:
    return [c for c in mesh.arm.calls if c.startswith(("put", "delete"))]
