"""Virtual network gateways, and the peerings that lend or borrow them."""

import pytest

from local.arm.documents import object_in, objects_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import AT_ONCE, NETWORK, Answer, LocalArm, network_path, resource_path

HUB, SPOKE, OTHER = (network_path("mesh", name) for name in ("hub", "spoke", "other"))
PUBLIC = resource_path("mesh", "Microsoft.Network/publicIPAddresses/front")
GATEWAY = resource_path("mesh", "Microsoft.Network/virtualNetworkGateways/vpn")


@pytest.fixture(autouse=True)
async def _networks(arm: LocalArm) -> None:
    await arm.make_group("mesh")
    for name, prefix in (("hub", "10.0.0.0/16"), ("spoke", "10.1.0.0/16"), ("other", "10.2.0.0/16")):
        await arm.make_network("mesh", name, prefix)
    await arm.make(
        "mesh",
        "Microsoft.Network/publicIPAddresses/front",
        sku={"name": "Standard"},
        properties={"publicIPAllocationMethod": "Static"},
    )


async def _gateway(arm: LocalArm, network: str = HUB, prefix: str = "10.0.255.0/27") -> Answer:
    subnet = f"{network}/subnets/GatewaySubnet"
    await arm.call("PUT", subnet, {"properties": {"addressPrefix": prefix}}, version=NETWORK)
    return await _put_gateway(arm, subnet)


async def _put_gateway(arm: LocalArm, subnet: str) -> Answer:
    configuration = {
        "name": "c",
        "properties": {"subnet": {"id": subnet}, "publicIPAddress": {"id": PUBLIC}},
    }
    body = {
        "location": "westeurope",
        "properties": {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
            "ipConfigurations": [configuration],
        },
    }
    return await arm.call("PUT", GATEWAY, body, version=NETWORK)


async def test_a_gateway_is_made_as_recorded(arm: LocalArm) -> None:
    """201 Updating with the clients' settings that no read shows; then an address in its subnet, and no ETag header."""
    made = await _gateway(arm)
    begun = object_in(made.body, "properties")
    assert (made.status, begun["provisioningState"]) == (201, "Updating")
    assert object_in(begun, "vpnClientConfiguration")["vpnClientProtocols"] == ["OpenVPN", "IkeV2"]
    assert ("Azure-AsyncOperation" in made.headers, "Location" in made.headers) == (True, False)
    read = await arm.call("GET", GATEWAY, version=NETWORK)
    properties = object_in(read.body, "properties")
    assert ("ETag" in read.headers, "vpnClientConfiguration" in properties) == (False, False)
    assert object_in(properties, "bgpSettings")["bgpPeeringAddress"] == "10.0.255.30"
    subnet = await arm.call("GET", f"{HUB}/subnets/GatewaySubnet", version=NETWORK)
    users = object_in(subnet.body, "properties")["ipConfigurations"]
    assert users == [{"id": f"{GATEWAY}/ipConfigurations/c"}]
    public = object_in((await arm.call("GET", PUBLIC, version=NETWORK)).body, "properties")
    assert public["ipConfiguration"] == {"id": f"{GATEWAY}/ipConfigurations/c"}


async def test_what_a_gateway_stands_on_stays(arm: LocalArm) -> None:
    """Neither its address nor its subnet can go before it; a second delete finds nothing."""
    await _gateway(arm)
    assert (await arm.call("DELETE", PUBLIC, version=NETWORK)).error == "PublicIPAddressCannotBeDeleted"
    subnet = f"{HUB}/subnets/GatewaySubnet"
    assert (await arm.call("DELETE", subnet, version=NETWORK)).error == "InUseSubnetCannotBeDeleted"
    assert [(await arm.call("DELETE", GATEWAY, version=NETWORK)).status for _ in range(2)] == [202, 204]
    assert (await arm.call("DELETE", PUBLIC, version=NETWORK)).status == 202


async def test_a_gateway_needs_its_subnet(arm: LocalArm) -> None:
    """One that is called GatewaySubnet and exists."""
    await arm.call(
        "PUT", f"{HUB}/subnets/a", {"properties": {"addressPrefix": "10.0.0.0/24"}}, version=NETWORK
    )
    assert (await _put_gateway(arm, f"{HUB}/subnets/a")).error == "SubnetIsNotGatewaySubnet"
    assert (await _put_gateway(arm, f"{HUB}/subnets/GatewaySubnet")).error == "InvalidResourceReference"


async def test_a_gateway_counts_once_it_is_there(arm: LocalArm) -> None:
    """While it is being made, its network has none; afterwards a peering may use it and names it."""
    await arm.peer(HUB, SPOKE, "to-spoke", allowGatewayTransit=True)
    subnet = f"{HUB}/subnets/GatewaySubnet"
    await arm.call("PUT", subnet, {"properties": {"addressPrefix": "10.0.255.0/27"}}, version=NETWORK)
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=1, retry_after=None)
    begun = await _put_gateway(arm, subnet)
    early = await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True)
    assert (early.status, early.error) == (400, "RemoteVnetHasNoGateways")
    await arm.call("GET", begun.headers["Azure-AsyncOperation"])
    arm.manager.operations.mode = AT_ONCE
    made = await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True)
    assert object_in(made.body, "properties")["remoteGateways"] == [{"id": GATEWAY}]


async def test_lending_and_borrowing(arm: LocalArm) -> None:
    """Who does not lend cannot be borrowed from; what is borrowed cannot be taken back; nobody lends and borrows."""
    await _gateway(arm)
    await arm.peer(HUB, SPOKE, "to-spoke")
    unlent = await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True)
    assert unlent.error == "RemotePeeringDoesNotAllowGatewayTransit"
    await arm.peer(HUB, SPOKE, "to-spoke", allowGatewayTransit=True)
    both = await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True, allowGatewayTransit=True)
    assert both.error == "AllowGatewayTransitAndUseRemoteGatewaysConflict"
    assert (await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True)).status == 201
    assert (await arm.peer(HUB, SPOKE, "to-spoke")).error == "RemotePeeringUsesGateways"


async def test_who_borrows_cannot_have_a_gateway(arm: LocalArm) -> None:
    """A gateway is refused in a network that uses a remote one."""
    await _gateway(arm)
    await arm.peer(HUB, SPOKE, "to-spoke", allowGatewayTransit=True)
    await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True)
    assert (await _gateway(arm, SPOKE, "10.1.255.0/27")).error == "VnetUsesRemoteGateways"


async def test_ceilings_can_be_lowered(arm: LocalArm) -> None:
    """Peerings of a network and networks of a region; a reset gives Azure's numbers back."""
    await arm.control("PUT", "/mode", {"ceilings": {"peerings": 1, "networks": 3}})
    await arm.peer(HUB, SPOKE, "first")
    assert (await arm.peer(HUB, OTHER, "second")).error == "VnetPeeringCountLimitReached"
    space = {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}
    fourth = network_path("mesh", "fourth")
    refused = await arm.call("PUT", fourth, {"location": "westeurope", "properties": space}, version=NETWORK)
    assert refused.error == "VnetCountLimitReached"
    elsewhere = await arm.call(
        "PUT", fourth, {"location": "northeurope", "properties": space}, version=NETWORK
    )
    assert elsewhere.status == 201
    await arm.control("POST", "/reset")
    assert object_in(await arm.control("GET", "/mode"), "ceilings") == {"peerings": 500, "networks": 1000}


async def test_routes(arm: LocalArm) -> None:
    """Each on its own or all with their table; a table names the subnets that use it and stays while they do."""
    table = resource_path("mesh", "Microsoft.Network/routeTables/ways")
    await arm.make("mesh", "Microsoft.Network/routeTables/ways")
    route = {"properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "Internet"}}
    made = await arm.call("PUT", f"{table}/routes/out", route, version=NETWORK)
    assert (made.status, object_in(made.body, "properties")["hasBgpOverride"]) == (201, False)
    same = await arm.call("PUT", f"{table}/routes/out", route, version=NETWORK)
    assert (same.status, object_in(same.body, "properties")["provisioningState"]) == (200, "Succeeded")
    subnet = {"properties": {"addressPrefix": "10.0.0.0/24", "routeTable": {"id": table}}}
    await arm.call("PUT", f"{HUB}/subnets/s", subnet, version=NETWORK)
    seen = object_in((await arm.call("GET", table, version=NETWORK)).body, "properties")
    assert [item["name"] for item in objects_in(seen, "routes")] == ["out"]
    assert seen["subnets"] == [{"id": f"{HUB}/subnets/s"}]
    assert (await arm.call("DELETE", table, version=NETWORK)).error == "InUseRouteTableCannotBeDeleted"
    await arm.call("PUT", table, {"location": "westeurope", "properties": {"routes": []}}, version=NETWORK)
    assert (await arm.call("GET", f"{table}/routes/out", version=NETWORK)).error == "NotFound"


async def test_interfaces_get_the_next_free_address(arm: LocalArm) -> None:
    """From the fifth of the subnet on; a place that becomes free is taken again; PATCH replaces tags."""
    subnet = f"{HUB}/subnets/s"
    await arm.call("PUT", subnet, {"properties": {"addressPrefix": "10.0.0.0/29"}}, version=NETWORK)

    async def make(name: str) -> Answer:
        configuration = {"name": "c", "properties": {"subnet": {"id": subnet}}}
        body = {"location": "westeurope", "properties": {"ipConfigurations": [configuration]}}
        path = resource_path("mesh", f"Microsoft.Network/networkInterfaces/{name}")
        return await arm.call("PUT", path, body, version=NETWORK)

    def address(made: Answer) -> object:
        parts = objects_in(object_in(made.body, "properties"), "ipConfigurations")
        return object_in(parts[0], "properties")["privateIPAddress"]

    assert [address(await make(name)) for name in ("a", "b", "c")] == ["10.0.0.4", "10.0.0.5", "10.0.0.6"]
    second = resource_path("mesh", "Microsoft.Network/networkInterfaces/b")
    await arm.call("DELETE", second, version=NETWORK)
    assert address(await make("d")) == "10.0.0.5"
    tagged = await arm.call("PATCH", second[:-1] + "d", {"tags": {"a": "b"}}, version=NETWORK)
    assert (tagged.status, tagged.body["tags"]) == (200, {"a": "b"})


async def test_what_is_not_there_yet_cannot_be_used(arm: LocalArm) -> None:
    """429 with the recorded detail and no Retry-After; a second route meets the first one's lock, with it."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=1, retry_after=None)
    fresh = await arm.make("mesh", "Microsoft.Network/publicIPAddresses/fresh", sku={"name": "Standard"})
    nat = resource_path("mesh", "Microsoft.Network/natGateways/out")
    body = {"location": "westeurope", "properties": {"publicIpAddresses": [{"id": fresh}]}}
    refused = await arm.call("PUT", nat, body, version=NETWORK)
    assert (refused.status, refused.error, "Retry-After" in refused.headers) == (429, "RetryableError", False)
    assert "last operation that updated/is updating the resource is PutPublicIpAddressOperation" in str(
        refused.body
    )
    table = await arm.make("mesh", "Microsoft.Network/routeTables/ways")
    await arm.call("GET", table, version=NETWORK)
    route = {"properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "Internet"}}
    await arm.call("PUT", f"{table}/routes/a", route, version=NETWORK)
    locked = await arm.call("PUT", f"{table}/routes/b", route, version=NETWORK)
    assert (locked.status, locked.error, locked.headers["Retry-After"]) == (429, "RetryableError", "11")
