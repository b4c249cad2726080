"""Private endpoints where the networks that are peered with each other hold as many as Azure takes."""

import msgspec
import pytest

from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey
from tests.unit.reconcile.edges.mesh import EdgeMesh
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, REQUEST

PRIVATELY = msgspec.structs.replace(REQUEST, exposure="private-endpoint")


async def count(mesh: EdgeMesh, endpoints: int) -> None:
    """What the hub's last look counted in its network and its nodes'."""
    key = HubKey("hub")
    record = await mesh.hubs.get(key) or HubRecord(key=key)
    await mesh.hubs.save(msgspec.structs.replace(record, endpoints=endpoints))


@pytest.mark.parametrize(
    ("option", "state"), [("hub", "Failed"), ("sandbox", "Failed"), ("endpoints", "Active")]
)
async def test_no_endpoint_is_made_where_a_hubs_networks_hold_as_many_as_azure_takes(
    option: str, state: str
) -> None:
    """Also where there was room when it was planned; a node that is peered with no hub may have more."""
    mesh = await EdgeMesh().start()
    await mesh.change_node(CONSUMER, network=option)
    edge = await mesh.desk.request(ANNE, PRIVATELY)
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).route
    await count(mesh, 4_000)
    await mesh.desk.approve(BERT, edge.key, "fine")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, len(mesh.endpoints)) == (state, 1 if state == "Active" else 0)
    reason = edge.conditions[0].reason
    assert (reason == "PrivateEndpointsAcrossPeerings") is (state == "Failed")


async def test_endpoints_that_are_there_are_shared_and_kept_where_no_more_may_be_made() -> None:
    """A second edge takes the first one's; one that somebody deleted is made again."""
    mesh = await EdgeMesh().start()
    await mesh.active(PRIVATELY)
    await count(mesh, 5_000)
    second = await mesh.active(PRIVATELY)
    assert len(mesh.endpoints) == 1
    mesh.cloud.delete_resource(second.owned[0])
    await mesh.later(hours=2)
    assert len(mesh.endpoints) == 1
    assert (await mesh.edge(second.key)).state == "Active"
