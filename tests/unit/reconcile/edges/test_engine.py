"""Edges are made, read back, kept, and taken away again."""

import pytest

from tests.unit.reconcile.edges.mesh import EdgeMesh
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, REQUEST


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_an_approved_edge_gets_its_endpoint_and_is_active_once_read_back(seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await mesh.until_quiet()
    pending = await mesh.edge(edge.key)
    assert pending.route
    assert (pending.state, pending.route.exposure, mesh.endpoints) == (
        "PendingApproval",
        "private-endpoint",
        [],
    )
    await mesh.desk.approve(BERT, edge.key, "fine")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert mesh.states(edge.key) == ["PendingApproval", "Approved", "Provisioning", "Active"]
    assert [c.status for c in edge.conditions] == ["True", "True", "True"]
    [endpoint] = mesh.cloud.endpoints.values()
    assert (endpoint.state, endpoint.subnet) == ("Approved", mesh.subnet("private-endpoints"))
    assert edge.addresses == (endpoint.address,)
    assert edge.names == ("sales.database.windows.net",)
    assert edge.owned == (endpoint.id,)
    assert CONSUMER in mesh.touch.touched


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_a_lease_warns_once_then_ends_and_the_edge_is_revoked_once_it_is_gone(seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    edge = await mesh.active()
    await mesh.later(days=84)
    assert (await mesh.edge(edge.key)).state == "Expiring"
    assert len(mesh.endpoints) == 1
    await mesh.later(days=1)
    assert [e.type for e in mesh.events.events].count("EdgeExpiring") == 1
    await mesh.later(days=6)
    assert (await mesh.edge(edge.key)).state == "Revoked"
    assert mesh.endpoints == []
    assert mesh.states(edge.key)[-3:] == ["Expiring", "Revoking", "Revoked"]
