"""Networks: what a node without a network gets, how it shows, and when it can go."""

from pathlib import Path

import pytest

from shared.domain.errors import Conflict, MeshError, NotFound, Transient
from shared.domain.ids import same_id
from shared.domain.steps import NewSubnet
from tests.contract.azure import LOCATION, Azure
from tests.contract.conftest import fake_azure, local_azure
from tests.contract.landscape import STORAGE, Landscape, landscape

SUBNETS = (
    NewSubnet("default", "10.1.0.0/24"),
    NewSubnet("databricks", "10.1.1.0/24", "Microsoft.Databricks/workspaces"),
)


async def put(
    land: Landscape, *subnets: NewSubnet, group: str | None = None, prefix: str = "10.1.0.0/16"
) -> None:
    guard = land.security_group() if group is None else group
    await land.done(
        await land.port.put_network(land.network(), LOCATION, [prefix], subnets or SUBNETS, guard)
    )


async def guarded(land: Landscape) -> None:
    await land.done(await land.port.put_security_group(land.security_group(), LOCATION))
    await put(land)


async def test_a_network_shows_its_subnets_with_group_and_delegation(land: Landscape) -> None:
    await guarded(land)
    network = await land.read()
    assert (network.location, network.address_prefixes) == (LOCATION, ("10.1.0.0/16",))
    assert network.provisioning_state == "Succeeded"
    default, databricks = network.subnets
    assert (default.name, default.address_prefixes) == ("default", ("10.1.0.0/24",))
    assert (default.delegated, databricks.delegated) == (False, True)
    assert same_id(default.id, land.subnet())
    for subnet in network.subnets:
        assert same_id(subnet.security_group, land.security_group())
        assert (subnet.service_endpoints, subnet.private_endpoints, subnet.ip_configurations) == ((), 0, 0)
    [listed] = await land.port.list_networks(land.key)
    assert listed == network


async def test_a_network_that_is_there_is_never_replaced(land: Landscape) -> None:
    await guarded(land)
    before = await land.read()
    with pytest.raises(Conflict):
        await put(land, NewSubnet("other", "10.1.9.0/24"))
    assert await land.read() == before


async def test_a_network_without_a_security_group_is_made_too(land: Landscape) -> None:
    await put(land, NewSubnet("default", "10.1.0.0/24"), group="")
    assert (await land.read_subnet()).security_group == ""


async def test_a_security_group_that_is_there_stays_as_it_is(land: Landscape) -> None:
    for _ in range(2):
        await land.done(await land.port.put_security_group(land.security_group(), LOCATION))
    found = [r for r in await land.port.list_resources(land.key) if same_id(r.id, land.security_group())]
    assert len(found) == 1


async def test_nothing_is_made_in_a_group_that_is_gone(azure: Azure) -> None:
    land = Landscape(azure, azure.key("nowhere"))
    with pytest.raises(NotFound) as missing:
        await put(land, NewSubnet("default", "10.1.0.0/24"), group="")
    assert missing.value.reason == "ResourceGroupNotFound"
    with pytest.raises(NotFound):
        await land.port.put_security_group(land.security_group(), LOCATION)


async def test_a_network_whose_security_group_is_missing_is_refused(land: Landscape) -> None:
    with pytest.raises(MeshError) as refusal:
        await put(land)
    assert refusal.value.reason == "InvalidResourceReference"
    with pytest.raises(NotFound):
        await land.read()


async def test_an_unused_network_goes_and_its_security_group_after_it(land: Landscape) -> None:
    await guarded(land)
    with pytest.raises(Transient) as held:
        await land.port.delete_security_group(land.security_group())
    assert held.value.reason == "InUseNetworkSecurityGroupCannotBeDeleted"
    await land.done(await land.port.delete_network(land.network()))
    with pytest.raises(NotFound):
        await land.read()
    await land.done(await land.port.delete_security_group(land.security_group()))
    assert list(await land.port.list_resources(land.key)) == []


async def test_deleting_twice_or_what_never_was_is_done(azure: Azure) -> None:
    land = await landscape(azure)
    nowhere = Landscape(azure, azure.key("nowhere"))
    for place in (land, nowhere):
        await place.done(await place.port.delete_network(place.network()))
        await place.done(await place.port.delete_security_group(place.security_group()))


async def test_a_network_with_a_private_endpoint_in_it_stays(land: Landscape) -> None:
    await land.make_network()
    target = await land.make_service(STORAGE)
    made = await land.port.put_private_endpoint(
        land.endpoint(), LOCATION, land.subnet(), target, "blob", manual=False, message="test"
    )
    await land.done(made)
    with pytest.raises(Transient) as held:
        await land.port.delete_network(land.network())
    assert held.value.reason == "InUseSubnetCannotBeDeleted"
    subnet = await land.read_subnet()
    assert (subnet.private_endpoints, subnet.ip_configurations) == (1, 1)
    await land.done(await land.port.delete_private_endpoint(land.endpoint()))
    await land.done(await land.port.delete_network(land.network()))


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_a_network_takes_a_while_to_be_made_and_to_go(backend: str, tmp_path: Path) -> None:
    if backend == "fake":
        await _check_running(await landscape(fake_azure(operation_seconds=5)))
        return
    async with local_azure(tmp_path, reads=2) as azure:
        await _check_running(await landscape(azure))


async def _check_running(land: Landscape) -> None:
    made = await land.port.put_network(
        land.network(), LOCATION, ["10.1.0.0/16"], [NewSubnet("default", "10.1.0.0/24")], ""
    )
    assert made.url
    assert (await land.port.get_operation(made.url)).state == "Running"
    await land.done(made)
    assert (await land.read()).provisioning_state == "Succeeded"
    gone = await land.port.delete_network(land.network())
    assert (await land.port.get_operation(gone.url)).state == "Running"
    await land.done(gone)
    with pytest.raises(NotFound):
        await land.read()
