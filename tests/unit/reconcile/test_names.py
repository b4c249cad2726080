"""Private DNS zones: linked to the networks that have to resolve their names, and to no others."""

import msgspec
import pytest

from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey
from tests.fakes.state import Link
from tests.support.edges import an_edge
from tests.support.mesh import network_of
from tests.support.plane import FIRST, SECOND_ZONE, ZONE, Plane, reason, writes

LONG = 7.0
PROVIDER = NodeKey.of("00000000-0000-0000-0000-000000000001", "stock")


@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
@pytest.mark.parametrize("option", ["hub", "mesh"])
async def test_a_node_is_linked_when_it_consumes_a_private_endpoint_and_no_longer_than_that(
    option: str, operation_seconds: float
) -> None:
    mesh = Plane(operation_seconds=operation_seconds)
    key = await mesh.onboard(option)
    assert (mesh.linked(key), reason_or_none(await mesh.record(key))) == ([], None)
    edge = await mesh.edges.save(an_edge(key, PROVIDER, "private-endpoint"))
    record = await mesh.look(key)
    assert (mesh.linked(key), reason(record, "NamesResolve")) == ([ZONE], ("True", "AsWanted"))
    assert len(record.zone_links) == 1
    await mesh.edges.save(msgspec.structs.replace(edge, state="Revoked"))
    record = await mesh.look(key)
    assert (mesh.linked(key), record.zone_links, record.state) == ([], (), "Ready")


def reason_or_none(record: object) -> object:
    return next((c.type for c in record.conditions if c.type == "NamesResolve"), None)  # type: ignore[attr-defined]


async def test_the_provider_of_a_private_endpoint_needs_no_link() -> None:
    mesh = Plane()
    key = await mesh.onboard("hub")
    await mesh.edges.save(an_edge(PROVIDER, key, "private-endpoint"))
    await mesh.look(key)
    assert mesh.linked(key) == []


async def test_a_node_that_holds_private_endpoints_already_is_linked_and_counts_them() -> None:
    mesh = Plane()
    key = mesh.create_node()
    mesh.cloud.create_subnet(f"{network_of(key)}/subnets/default", "10.1.0.0/24")
    vault = next(i for i in mesh.cloud.resources if "/vaults/" in i)
    endpoint = f"{key.group_id}/providers/Microsoft.Network/privateEndpoints/theirs"
    await mesh.arm.put_private_endpoint(
        endpoint,
        "westeurope",
        f"{network_of(key)}/subnets/default",
        vault,
        "vault",
        manual=False,
        message="",
    )
    record = await mesh.look(key)
    assert mesh.linked(key) == [ZONE]
    assert record.private_endpoints == 1


async def test_somebody_elses_link_serves_as_well_and_is_left_alone() -> None:
    mesh = Plane()
    key = mesh.create_node(tags={"mesh-node": "sales", "mesh-network": "endpoints"})
    zone = mesh.cloud.zones[ZONE.lower()]
    zone.links["theirs"] = Link(f"{ZONE}/virtualNetworkLinks/theirs", network_of(key))
    record = await mesh.look(key)
    assert (record.state, record.zone_links, writes(mesh)) == ("Ready", (), [])
    mesh.cloud.tag(key, {})
    await mesh.look(key)
    assert list(zone.links) == ["theirs"]


async def test_a_link_that_somebody_deletes_comes_back() -> None:
    mesh = Plane()
    key = await mesh.onboard("endpoints")
    mesh.cloud.zones[ZONE.lower()].links.clear()
    assert (await mesh.look(key)).state == "Ready"
    assert mesh.linked(key) == [ZONE]


@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
async def test_the_zone_of_another_hub_takes_the_place_of_one_of_the_same_name(
    operation_seconds: float,
) -> None:
    mesh = Plane(operation_seconds=operation_seconds)
    key = await mesh.onboard("endpoints")
    mesh.configure(msgspec.structs.replace(FIRST, zones=(SECOND_ZONE,)))
    record = await mesh.look(key)
    assert (record.state, mesh.linked(key)) == ("Ready", [SECOND_ZONE])
    assert len(record.zone_links) == 1


async def test_a_zone_that_is_not_there_is_said_by_name() -> None:
    mesh = Plane()
    mesh.configure(msgspec.structs.replace(FIRST, zones=(ZONE, ZONE + "x")))
    record = await mesh.record(await mesh.onboard("endpoints"))
    assert (reason(record), reason(record, "NamesResolve")) == (("False", "ZoneMissing"),) * 2
    assert mesh.linked(record.key) == [ZONE]


async def test_a_zone_that_may_not_be_read_is_said_and_nothing_of_ours_in_it_is_forgotten() -> None:
    mesh = Plane()
    key = await mesh.onboard("endpoints")
    mesh.arm.inject("list_zone_links", Terminal("AuthorizationFailed", "no"), times=1)
    record = await mesh.look(key)
    assert (reason(record, "NamesResolve"), len(record.zone_links)) == (("False", "ZoneUnread"), 1)
    assert (await mesh.look(key)).state == "Ready"


async def test_a_refused_link_is_said_under_names_and_keeps_the_former_connection() -> None:
    mesh = Plane()
    key = await mesh.onboard("hub")
    mesh.arm.inject("put_zone_link", Terminal("RequestDisallowedByPolicy", "no"))
    record = await mesh.switch(key, "endpoints")
    assert reason(record, "NamesResolve") == ("False", "RequestDisallowedByPolicy")
    assert mesh.remotes(key) == {"hub"}
    assert ((await mesh.look(key)).state, mesh.remotes(key)) == ("Ready", set())


async def test_a_hub_without_zones_links_nothing_and_reads_nothing_more() -> None:
    mesh = Plane()
    mesh.configure(msgspec.structs.replace(FIRST, zones=()))
    record = await mesh.record(await mesh.onboard("endpoints"))
    assert (record.state, "list_zone_links" in mesh.arm.calls) == ("Ready", False)
