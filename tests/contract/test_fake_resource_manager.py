"""What only the pretended Resource Manager can do: go wrong when told to, and show all that it holds as values."""

from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from shared.domain.errors import Transient
from shared.ports.network import Networks, PrivateDns, PrivateLinks, ServiceRules
from tests.contract.azure import FakeAzure
from tests.contract.conftest import fake_azure
from tests.contract.landscape import STORAGE, Landscape, landscape
from tests.contract.test_resource_manager_private_links import BLOB, Consumer
from tests.fakes import FakeResourceManager

CALLS = sorted(
    name
    for port in (Networks, PrivateDns, PrivateLinks, ServiceRules)
    for name in vars(port)
    if not name.startswith("_")
)
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "put_network": ("location", [], [], ""),
    "put_security_group": ("location",),
    "put_zone": ("meshplane",),
    "get_addresses": ("name",),
    "put_zone_link": ("/network",),
    "put_zone_group": ([],),
    "put_private_endpoint": ("location", "/subnet", "/target", "blob"),
    "approve_connection": ("granted",),
    "add_service_endpoint": ("Microsoft.Storage",),
    "remove_service_endpoint": ("Microsoft.Storage",),
    "add_network_rule": ("/subnet",),
    "remove_network_rule": ("/subnet",),
}


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_goes_wrong_when_told_to(name: str) -> None:
    azure = fake_azure()
    azure.port.inject(name, Transient("ServerBusy", "again"))
    call = cast("Callable[..., Awaitable[object]]", getattr(azure.port, name))
    more = {"manual": False, "message": ""} if name == "put_private_endpoint" else {}
    with pytest.raises(Transient) as raised:
        await call("/subscriptions/s/resourceGroups/g/x/y", *ARGUMENTS.get(name, ()), **more)
    assert raised.value.reason == "ServerBusy"
    assert azure.port.calls == [name]


async def connected(azure: FakeAzure) -> Consumer:
    land = await landscape(azure)
    await land.make_network()
    await azure.create_zone(land.zone(BLOB))
    return Consumer(land, await land.make_service(STORAGE), "blob", BLOB)


async def test_a_write_that_fails_later_leaves_what_it_wrote_failed() -> None:
    azure = fake_azure(operation_seconds=5)
    there = await connected(azure)
    azure.port.fail_next_operation("InternalServerError")
    status = await there.land.end(await there.put())
    assert (status.state, status.code) == ("Failed", "InternalServerError")
    assert (await there.read()).provisioning_state == "Failed"


async def test_a_snapshot_holds_all_connections_without_the_order_they_came_in() -> None:
    azure, other = fake_azure(), fake_azure()
    for cloud, names in ((azure, ("one", "two")), (other, ("two", "one"))):
        there = await connected(cloud)
        for name in names:
            await there.connect(name)
        await there.name("one")
        await _link_and_admit(there.land, there.target)
    found = azure.cloud.snapshot()
    assert found == other.cloud.snapshot()
    for part in ("networks", "subnets", "endpoints", "links", "records", "rules"):
        assert found[part], part


async def _link_and_admit(land: Landscape, target: str) -> None:
    await land.done(await land.port.put_zone_link(f"{land.zone(BLOB)}/virtualNetworkLinks/l", land.network()))
    await land.done(await land.port.add_service_endpoint(land.subnet(), "Microsoft.Storage"))
    await land.done(await land.port.add_network_rule(target, land.subnet()))


def test_the_fake_has_every_call_of_the_port() -> None:
    assert not [name for name in CALLS if not hasattr(FakeResourceManager, name)]
