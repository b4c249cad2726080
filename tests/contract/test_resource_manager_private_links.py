"""PrivateLinks: private endpoints, what they lead to, who approves them, and the names they are found by."""

from collections.abc import Awaitable
from pathlib import Path

import pytest

from shared.domain.errors import MeshError, NotFound, Waiting
from shared.domain.ids import same_id
from shared.domain.plan import Accepted
from shared.domain.private_link import PrivateEndpoint, PrivateEndpointConnection
from tests.contract.azure import LOCATION, Azure
from tests.contract.conftest import fake_azure, local_azure
from tests.contract.landscape import EVENT_HUBS, IDENTITY, SQL, STORAGE, VAULT, Landscape, landscape

BLOB = "privatelink.blob.core.windows.net"
GROUPS = {
    STORAGE: ("blob", BLOB),
    VAULT: ("vault", "privatelink.vaultcore.azure.net"),
    SQL: ("sqlServer", "privatelink.database.windows.net"),
    EVENT_HUBS: ("namespace", "privatelink.servicebus.windows.net"),
}
KINDS = pytest.mark.parametrize("kind", GROUPS, ids=lambda kind: kind.rpartition("/")[2])


class Consumer:
    """A network that reaches out to a service of another node."""

    def __init__(self, land: Landscape, target: str, group: str, zone: str) -> None:
        self.land, self.target, self.group, self.zone = land, target, group, land.zone(zone)

    async def put(self, name: str = "link", *, manual: bool = False, subnet: str = "default") -> Accepted:
        land = self.land
        return await land.port.put_private_endpoint(
            land.endpoint(name),
            LOCATION,
            land.subnet(subnet),
            self.target,
            self.group,
            manual=manual,
            message="edge 7: orders",
        )

    async def connect(self, name: str = "link", *, manual: bool = False) -> PrivateEndpoint:
        await self.land.done(await self.put(name, manual=manual))
        return await self.read(name)

    async def read(self, name: str = "link") -> PrivateEndpoint:
        return await self.land.port.get_private_endpoint(self.land.endpoint(name))

    async def connection(self, name: str = "link") -> PrivateEndpointConnection:
        found = await self.land.port.list_private_endpoint_connections(self.target)
        [one] = [c for c in found if same_id(c.endpoint, self.land.endpoint(name))]
        return one

    async def name(self, endpoint: str = "link") -> None:
        """Keeps the endpoint's names in the zone."""
        group = f"{self.land.endpoint(endpoint)}/privateDnsZoneGroups/mesh"
        await self.land.done(await self.land.port.put_zone_group(group, [self.zone]))

    async def answer(self) -> set[str]:
        return await self.land.azure.addresses(self.zone, self.target.rpartition("/")[2])


async def refusal(write: Awaitable[Accepted]) -> str:
    with pytest.raises(MeshError) as refused:
        await write
    return refused.value.reason


async def consumer(azure: Azure, kind: str = STORAGE) -> Consumer:
    land = await landscape(azure)
    await land.make_network()
    group, zone = GROUPS[kind]
    await land.azure.create_zone(land.zone(zone))
    return Consumer(land, await land.make_service(kind), group, zone)


@KINDS
async def test_a_service_names_its_parts_and_their_zones(azure: Azure, kind: str) -> None:
    land = await landscape(azure)
    found = await land.port.list_private_link_groups(await land.make_service(kind))
    name, zone = GROUPS[kind]
    assert {g.name: g.zones for g in found}[name] == (zone,)


async def test_a_type_without_private_endpoints_offers_nothing(azure: Azure) -> None:
    land = await landscape(azure)
    target = await land.make_service(IDENTITY)
    assert list(await land.port.list_private_link_groups(target)) == []
    assert list(await land.port.list_private_endpoint_connections(target)) == []


@KINDS
async def test_an_endpoint_is_approved_at_once_and_has_an_address_of_its_subnet(
    azure: Azure, kind: str
) -> None:
    there = await consumer(azure, kind)
    found = await there.connect()
    assert (found.provisioning_state, found.connection_state) == ("Succeeded", "Approved")
    assert (found.location, found.group, found.zones) == (LOCATION, there.group, ())
    assert same_id(found.id, there.land.endpoint())
    assert same_id(found.subnet, there.land.subnet())
    assert same_id(found.target, there.target)
    assert found.addresses[0] == "10.1.0.4"
    assert found.names[0].startswith(there.target.rpartition("/")[2] + ".")
    assert "privatelink" not in found.names[0]


@KINDS
async def test_a_manual_endpoint_waits_for_the_targets_owner(azure: Azure, kind: str) -> None:
    there = await consumer(azure, kind)
    assert (await there.connect(manual=True)).connection_state == "Pending"
    connection = await there.connection()
    assert connection.state == "Pending"
    await there.land.done(await there.land.port.approve_connection(connection.id, "granted"))
    assert (await there.connection()).state == "Approved"
    assert (await there.read()).connection_state == "Approved"
    assert await there.land.port.approve_connection(connection.id, "granted again") == Accepted()


async def test_who_was_rejected_sees_it(azure: Azure) -> None:
    there = await consumer(azure)
    await there.connect(manual=True)
    await there.land.azure.reject(there.land.endpoint(), there.target)
    assert (await there.read()).connection_state == "Rejected"


@KINDS
async def test_a_zone_group_keeps_the_endpoints_names_in_the_zone(azure: Azure, kind: str) -> None:
    there = await consumer(azure, kind)
    before = await there.connect()
    await there.name()
    found = await there.read()
    assert [z.lower() for z in found.zones] == [there.zone.lower()]
    assert (found.addresses, found.names) == (before.addresses, before.names)
    assert await there.answer() == {before.addresses[0]}
    await there.name()  # again changes nothing
    assert await there.answer() == {before.addresses[0]}


@KINDS
async def test_a_zone_group_says_under_which_name_the_zone_answers(azure: Azure, kind: str) -> None:
    there = await consumer(azure, kind)
    await there.connect()
    await there.name()
    found = await there.read()
    [record] = found.records
    assert (same_id(record.zone, there.zone), record.name) == (True, there.target.rpartition("/")[2])
    answered = await there.land.port.get_addresses(there.zone, record.name)
    assert list(answered) == [found.addresses[0]]


async def test_a_zone_group_moves_its_names_into_another_zone_of_the_same_name(azure: Azure) -> None:
    there = await consumer(azure)
    found = await there.connect()
    await there.name()
    first, other = there.zone, await landscape(azure, "elsewhere")
    await there.land.done(await there.land.port.put_zone(other.zone(BLOB), "meshplane"))
    there.zone = other.zone(BLOB)
    await there.name()
    assert await there.answer() == {found.addresses[0]}
    assert [same_id(z, there.zone) for z in (await there.read()).zones] == [True]
    there.zone = first
    assert await there.answer() == set()


async def test_a_zone_group_that_is_made_anew_brings_back_what_was_lost_with_its_zone(azure: Azure) -> None:
    """Put again without a change, it does nothing: that is how the network provider answers such a PUT."""
    there = await consumer(azure)
    found = await there.connect()
    await there.name()
    await there.land.done(await there.land.port.delete_zone(there.zone))
    assert await there.answer() == set()
    await there.land.done(await there.land.port.put_zone(there.zone, "meshplane"))
    group = f"{there.land.endpoint()}/privateDnsZoneGroups/mesh"
    for _ in range(2):
        await there.land.done(await there.land.port.delete_zone_group(group))
    assert (await there.read()).zones == ()
    await there.name()
    assert await there.answer() == {found.addresses[0]}


async def test_records_go_with_the_endpoint(azure: Azure) -> None:
    there = await consumer(azure)
    await there.connect()
    await there.name()
    await there.land.done(await there.land.port.delete_private_endpoint(there.land.endpoint()))
    assert await there.answer() == set()
    with pytest.raises(NotFound):
        await there.read()
    assert list(await there.land.port.list_private_endpoint_connections(there.target)) == []
    assert (await there.land.read_subnet()).private_endpoints == 0


async def test_two_endpoints_to_one_target_take_the_name_from_each_other_where_they_share_a_zone(
    azure: Azure,
) -> None:
    """A zone has one record of a name, the last writer's (MicrosoftDocs/azure-docs #58044)."""
    there = await consumer(azure)
    await there.connect("one")
    other = await there.connect("other")
    for name in ("one", "other"):
        await there.name(name)
    assert await there.answer() == set(other.addresses)
    await there.land.done(await there.land.port.delete_private_endpoint(there.land.endpoint("other")))
    assert await there.answer() == set()


async def test_each_endpoint_has_an_address_of_its_own(azure: Azure) -> None:
    there = await consumer(azure)
    one, other = await there.connect("one"), await there.connect("other")
    assert one.addresses != other.addresses
    assert (await there.land.read()).private_endpoints == 2


async def test_putting_an_endpoint_again_changes_nothing(azure: Azure) -> None:
    there = await consumer(azure)
    before = await there.connect()
    assert await there.connect() == before
    assert len(await there.land.port.list_private_endpoint_connections(there.target)) == 1


async def test_deleting_twice_or_what_never_was_is_done(azure: Azure) -> None:
    there = await consumer(azure)
    await there.connect()
    for name in ("link", "link", "never"):
        await there.land.done(await there.land.port.delete_private_endpoint(there.land.endpoint(name)))


async def test_what_is_asked_of_a_target_that_is_gone_is_not_found(azure: Azure) -> None:
    land = await landscape(azure)
    gone = land.service(STORAGE, "gone")
    with pytest.raises(NotFound):
        await land.port.list_private_link_groups(gone)
    with pytest.raises(NotFound):
        await land.port.list_private_endpoint_connections(gone)
    with pytest.raises(NotFound):
        await land.port.approve_connection(f"{gone}/privateEndpointConnections/x", "granted")


async def test_an_endpoint_that_is_gone_is_not_found(azure: Azure) -> None:
    there = await consumer(azure)
    with pytest.raises(NotFound):
        await there.read()
    with pytest.raises(NotFound):
        await there.land.port.put_zone_group(
            f"{there.land.endpoint()}/privateDnsZoneGroups/mesh", [there.zone]
        )


async def test_an_endpoint_needs_its_subnet_its_target_and_a_part_of_it(azure: Azure) -> None:
    there = await consumer(azure)
    assert await refusal(there.put(subnet="gone")) == "InvalidResourceReference"
    there.group = "sqlServer"
    assert await refusal(there.put()) == "BadRequest"
    there.target, there.group = there.land.service(STORAGE, "gone"), "blob"
    assert await refusal(there.put()) == "InvalidResourceReference"
    with pytest.raises(NotFound):
        await there.read()


async def test_where_an_endpoint_leads_to_is_fixed(azure: Azure) -> None:
    there = await consumer(azure)
    before = await there.connect()
    there.target = await there.land.make_service(STORAGE, "other")
    assert await refusal(there.put()) == "PrivateEndpointPropertyCannotBeChanged"
    assert await there.read() == before


async def test_names_come_with_the_approval_and_stay_when_it_is_withdrawn(azure: Azure) -> None:
    there = await consumer(azure)
    waiting = await there.connect(manual=True)
    await there.name()
    assert await there.answer() == set()
    connection = await there.connection()
    await there.land.done(await there.land.port.approve_connection(connection.id, "granted"))
    assert await there.answer() == set(waiting.addresses)
    await there.land.azure.reject(there.land.endpoint(), there.target)
    assert await there.answer() == set(waiting.addresses)


async def test_an_endpoint_has_one_zone_group_and_its_zones_are_there(azure: Azure) -> None:
    there = await consumer(azure)
    await there.connect()
    groups = f"{there.land.endpoint()}/privateDnsZoneGroups"
    gone = there.land.port.put_zone_group(f"{groups}/mesh", [there.land.zone("privatelink.gone.net")])
    assert await refusal(gone) == "InvalidResourceReference"
    await there.name()
    second = there.land.port.put_zone_group(f"{groups}/second", [there.zone])
    assert await refusal(second) == "MultiplePrivateDnsZoneGroupsNotAllowed"


async def test_the_endpoint_of_a_target_that_is_gone_is_disconnected(azure: Azure) -> None:
    there = await consumer(azure)
    await there.connect()
    await azure.delete_resource(there.target)
    assert (await there.read()).connection_state == "Disconnected"


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_an_endpoint_takes_a_while(backend: str, tmp_path: Path) -> None:
    if backend == "fake":
        await _check_running(await consumer(fake_azure(operation_seconds=5)))
        return
    async with local_azure(tmp_path, reads=2) as azure:
        await _check_running(await consumer(azure))


async def _check_running(there: Consumer) -> None:
    port = there.land.port
    made = await there.put()
    assert (await port.get_operation(made.url)).state == "Running"
    await there.land.done(made)
    assert (await there.read()).provisioning_state == "Succeeded"
    gone = await port.delete_private_endpoint(there.land.endpoint())
    assert (await port.get_operation(gone.url)).state == "Running"
    await there.land.done(gone)
    with pytest.raises(NotFound):
        await there.read()


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_a_subnet_waits_while_an_endpoint_is_made_in_it(backend: str, tmp_path: Path) -> None:
    """Of either kind of refusal that is reported, 409 and 429 (terraform-provider-azurerm #21293), the caller waits."""
    if backend == "fake":
        await _check_locked(await consumer(fake_azure(operation_seconds=5)))
        return
    async with local_azure(tmp_path, reads=2) as azure:
        await _check_locked(await consumer(azure))


async def _check_locked(there: Consumer) -> None:
    made = await there.put()
    with pytest.raises(Waiting):
        await there.land.port.add_service_endpoint(there.land.subnet(), "Microsoft.Sql")
    await there.land.done(made)
    await there.land.done(await there.land.port.add_service_endpoint(there.land.subnet(), "Microsoft.Sql"))
