"""Enforced policies and edges: nothing new to or from a node that violates one; what is connected stays."""

import pytest

from shared.domain.conditions import READY
from shared.domain.edge import EdgeRecord
from shared.domain.errors import Terminal
from shared.domain.governance import Mode, Standing
from shared.domain.ids import NodeKey
from tests.unit.reconcile.edges.mesh import EdgeMesh
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, PROVIDER, REQUEST


async def violate(mesh: EdgeMesh, node: NodeKey, mode: Mode = "enforce") -> None:
    standing = Standing(policy="eu", verdict="violating", mode=mode, message="it lies elsewhere.")
    await mesh.change_node(node, standings=(standing,), state="NotReady" if mode == "enforce" else "Ready")


def reason(edge: EdgeRecord) -> str:
    return next(c.reason for c in edge.conditions if c.type == READY)


@pytest.mark.parametrize("node", [CONSUMER, PROVIDER])
async def test_no_edge_is_asked_for_or_approved_while_either_node_violates(node: NodeKey) -> None:
    mesh = await EdgeMesh().start()
    asked = await mesh.desk.request(ANNE, REQUEST)
    await violate(mesh, node)
    for command in (mesh.desk.request(ANNE, REQUEST), mesh.desk.approve(BERT, asked.key, "fine")):
        with pytest.raises(Terminal) as raised:
            await command
        assert raised.value.reason == "PolicyEnforced"
        assert str(node) in raised.value.message
    assert (await mesh.edge(asked.key)).state in ("Requested", "PendingApproval")


async def test_an_audit_policy_withholds_nothing() -> None:
    mesh = await EdgeMesh().start()
    await violate(mesh, PROVIDER, "audit")
    assert (await mesh.active()).state == "Active"


async def test_an_approved_edge_is_made_once_its_nodes_comply() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted()
    await violate(mesh, PROVIDER)
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, reason(edge), edge.owned) == ("Approved", "PolicyEnforced", ())
    assert {c.status for c in edge.conditions if c.type != READY} == {"Unknown"}
    assert edge.attempts + edge.waits == 0
    await mesh.change_node(PROVIDER, standings=(), state="Ready")
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Active"


async def test_an_edge_that_is_there_stays_and_may_be_extended() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    await violate(mesh, CONSUMER)
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, reason(edge)) == ("Active", "Converged")
    await mesh.desk.extend(BERT, edge.key, "still needed", 10)
