"""Attempts to get more out of edges than was granted."""

from datetime import timedelta

import msgspec
import pytest

from shared.domain.approval import Rule
from shared.domain.artefacts import endpoint_id
from shared.domain.errors import Denied
from shared.domain.ids import EdgeKey, NodeKey, normal_id
from tests.fakes.state import Endpoint
from tests.support.mesh import SUBSCRIPTION
from tests.unit.reconcile.edges.mesh import EdgeMesh, network_of
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, REQUEST, SERVER, Desk

VICTIM = f"{NodeKey.of(SUBSCRIPTION, 'hr').group_id}/providers/Microsoft.Sql/servers/salaries"
WEEK = Rule(name="short", ruling="accept", most_lease_days=7)


async def test_a_rule_for_short_leases_is_not_stretched_by_repetition() -> None:
    """Extended again and again by who asked for it, the lease never reaches further ahead than the rule grants."""
    mesh = await Desk([WEEK]).start()
    edge = await mesh.desk.request(ANNE, msgspec.structs.replace(REQUEST, lease_days=7))
    for _ in range(10):
        try:
            edge = await mesh.desk.extend(ANNE, edge.key, "a little more", 7)
        except Denied:
            break
    assert edge.expires_at
    assert edge.expires_at <= mesh.clock.now() + timedelta(days=7)


@pytest.mark.parametrize("state", ["Pending", "Approved", "Disconnected"])
async def test_an_endpoint_that_was_planted_for_another_target_is_neither_approved_nor_used(
    state: str,
) -> None:
    """Its name can be told in advance: nobody has Meshplane approve their own connection to somebody else's server."""
    mesh = await EdgeMesh().start()
    endpoint = planted(mesh, VICTIM, mesh.subnet("private-endpoints"), state)
    edge = await mesh.granted()
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert mesh.writes() == []
    assert (edge.state, endpoint.state, edge.owned) == ("Provisioning", state, ())
    assert [c.reason for c in edge.conditions if c.type == "Connected"] == ["ForeignEndpoint"]
    await mesh.desk.revoke(BERT, edge.key, "never mind")
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Revoked"
    assert (mesh.writes(), list(mesh.cloud.endpoints.values())) == ([], [endpoint])


async def test_an_endpoint_that_was_planted_in_another_network_is_not_approved() -> None:
    """The target was granted to the consumer's network, and to no other one that its team has somewhere."""
    mesh = await EdgeMesh().start()
    endpoint = planted(mesh, SERVER, f"{network_of(NodeKey.of(SUBSCRIPTION, 'lab'))}/subnets/any", "Pending")
    edge = await mesh.granted()
    await mesh.until_quiet()
    assert (mesh.writes(), endpoint.state, (await mesh.edge(edge.key)).state) == (
        [],
        "Pending",
        "Provisioning",
    )


def planted(mesh: EdgeMesh, target: str, subnet: str, state: str) -> Endpoint:
    """An endpoint that somebody else made, under the name that the edge's will have."""
    mesh.cloud.create_group(NodeKey.of(SUBSCRIPTION, "hr"))
    if not mesh.cloud.exists(target):
        mesh.cloud.create_resource(target)
    name = endpoint_id("meshplane", network_of(CONSUMER), SERVER, "sqlServer")
    mesh.cloud.create_resource(name, "westeurope")
    endpoint = Endpoint(name, "westeurope", subnet, target, "sqlServer", "", state, "10.1.1.9", known=False)
    mesh.cloud.endpoints[normal_id(name)] = endpoint
    return endpoint


async def begun(code: str) -> tuple[EdgeMesh, EdgeKey]:
    """An edge whose endpoint is being made, which will fail in the end."""
    mesh = await EdgeMesh(operation_seconds=60).start()
    edge = await mesh.granted()
    mesh.arm.fail_next_operation(code)
    await mesh.step()
    await mesh.step()
    assert (await mesh.edge(edge.key)).operation
    return mesh, edge.key


@pytest.mark.parametrize("code", ["AuthorizationFailed", "InternalServerError"])
async def test_what_a_failed_operation_left_of_a_revoked_edge_goes_at_once(code: str) -> None:
    """An hour until the next resync would be an hour in which it is not gone."""
    mesh, key = await begun(code)
    await mesh.desk.revoke(BERT, key, "no")
    await mesh.until_quiet()
    assert (await mesh.edge(key)).state == "Revoked"
    assert mesh.endpoints == []


async def test_an_edge_whose_operation_fails_for_good_has_failed() -> None:
    """It does not stay Provisioning, as if something were under way; once that is mended, it is made."""
    mesh, key = await begun("AuthorizationFailed")
    await mesh.until_quiet()
    assert (await mesh.edge(key)).state == "Failed"
    await mesh.later(hours=2)
    assert (await mesh.edge(key)).state == "Active"
