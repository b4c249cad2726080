"""Random histories: whatever happens, one resync later the state is that of a mesh to which nothing ever happened."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.ids import NodeKey, name_of, normal_id
from shared.domain.tags import is_node, read_tags
from tests.support.chaos import MISHAPS, PEOPLE, TIME, Act, Chaos, without_the_mesh
from tests.support.mesh import InMemoryMesh

WEIGHTED = (*PEOPLE, *PEOPLE, "tag", "tag", "delete_peering", *MISHAPS, *["worker"] * 8, *TIME * 5)
ACTS = st.tuples(
    st.sampled_from(WEIGHTED), st.integers(0, 2), st.integers(0, 11), st.sampled_from((1, 1, 2, 0, 50))
)
START: list[Act] = [("complete", 0, 0, 1), ("complete", 1, 0, 0), ("tag", 1, 1, 1)]


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    acts=st.lists(ACTS, min_size=1, max_size=24),
    operation_seconds=st.sampled_from((0.0, 7.0)),
    gateway=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_after_one_resync_any_history_equals_the_calm_one_and_the_next_resync_writes_nothing(
    acts: list[Act], operation_seconds: float, gateway: bool, seed: int
) -> None:
    asyncio.run(_settles(START + acts, operation_seconds, gateway=gateway, seed=seed))


async def _settles(acts: list[Act], operation_seconds: float, *, gateway: bool, seed: int) -> None:
    mesh = InMemoryMesh(operation_seconds=operation_seconds, gateway=gateway, seed=seed)
    chaos = Chaos(mesh, seed)
    await chaos.play(acts)
    await chaos.rest()
    calm = InMemoryMesh(gateway=gateway, cloud=without_the_mesh(mesh.cloud))
    await calm.resync.discover()
    await calm.until_quiet()
    assert _seen(mesh) == _seen(calm)
    assert _left_over(mesh) == set()
    mesh.arm.calls.clear()
    await mesh.resync_all()
    assert [c for c in mesh.arm.calls if c.startswith(("put", "delete"))] == []


def _seen(mesh: InMemoryMesh) -> dict[str, object]:
    """The cloud, and what the records say of each node.

    What a wrong or unavailable tag value leaves undecided stays as it was, so that it depends on what was before:
    the peerings and settings of such a group are left out.
    """
    snapshot = mesh.cloud.snapshot()
    undecided = _undecided(mesh)
    peerings, settings_ = snapshot["peerings"], snapshot["settings"]
    assert isinstance(peerings, dict)
    assert isinstance(settings_, dict)
    return {
        "peerings": {
            normal_id(i): seen
            for i, seen in peerings.items()
            if not {NodeKey.containing(i), NodeKey.containing(seen[0])} & undecided
        },
        "settings": {i: s for i, s in settings_.items() if NodeKey.containing(i) not in undecided},
        "nodes": {
            key: (record.state, {c.type: (c.status, c.reason) for c in record.conditions})
            for key, record in mesh.nodes.records.items()
            if record.state != "Offboarded"
        },
    }


def _undecided(mesh: InMemoryMesh) -> set[NodeKey | None]:
    tags = {k: read_tags(g.tags)[0] for k, g in mesh.cloud.groups.items() if is_node(g.tags)}
    return {k for k, t in tags.items() if None in (t.product, t.network, t.telemetry) or t.network != "hub"}


def _left_over(mesh: InMemoryMesh) -> set[str]:
    """Whatever carries our name where there is no node, or where nothing is recorded as owned."""
    nodes = {key for key, group in mesh.cloud.groups.items() if is_node(group.tags)}
    recorded = {normal_id(i) for record in mesh.nodes.records.values() for i in record.owned}
    sides = [s.id for n in mesh.cloud.networks.values() for s in n.sides.values()]
    ours = {normal_id(i) for i in sides if name_of(i).startswith("meshplane-")}
    settings_ = {
        resource
        for resource, found in mesh.cloud.settings.items()
        if "meshplane" in found and mesh.cloud.exists(resource) and NodeKey.containing(resource) not in nodes
    }
    return (ours - recorded) | settings_


@pytest.mark.parametrize("operation_seconds", [0.0, 7.0])
async def test_a_history_of_a_worker_that_dies_at_its_first_calls(operation_seconds: float) -> None:
    """Kept as an example of how a history reads."""
    acts: list[Act] = [("deliver", 0, 3, 1), ("worker", 0, 1, 1), ("handle", 0, 0, 1), ("jump", 0, 2, 1)]
    await _settles(START + acts, operation_seconds, gateway=False, seed=0)
