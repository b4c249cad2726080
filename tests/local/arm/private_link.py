"""A virtual network with a subnet, services and private endpoints: what the tests of private link begin with."""

from dataclasses import dataclass

from local.arm.documents import Json, JsonObject, object_in, objects_in
from tests.support.local_arm import NETWORK, Answer, LocalArm, resource_path

DNS = "2020-06-01"
STORAGE = "2023-05-01"
GROUP = "edge"
ENDPOINT = resource_path(GROUP, "Microsoft.Network/privateEndpoints/pe")
ZONE = resource_path(GROUP, "Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net")
ZONE_GROUP = ENDPOINT + "/privateDnsZoneGroups/default"


@dataclass(frozen=True, slots=True)
class Place:
    """Ids of what has been made."""

    network: str
    subnet: str
    account: str


async def make_place(arm: LocalArm, prefix: str = "10.1.0.0/24") -> Place:
    """A group with a network `spoke`, its subnet `ends` and a storage account `lake`."""
    await arm.make_group(GROUP)
    subnets = [{"name": "ends", "properties": {"addressPrefix": prefix}}]
    network = await arm.make_network(GROUP, "spoke", "10.1.0.0/16", subnets=subnets)
    account = await arm.make(GROUP, "Microsoft.Storage/storageAccounts/lake")
    return Place(network, f"{network}/subnets/ends", account)


def endpoint_body(
    place: Place,
    *,
    target: str = "",
    groups: tuple[str, ...] = ("blob",),
    manual: bool = False,
    **more: Json,
) -> JsonObject:
    connection: JsonObject = {
        "name": "link",
        "properties": {"privateLinkServiceId": target or place.account, "groupIds": [*groups]},
    }
    name = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    properties: JsonObject = {"subnet": {"id": place.subnet}, name: [connection]}
    properties.update(more)
    return {"location": "westeurope", "properties": properties}


async def make_endpoint(arm: LocalArm, body: JsonObject, path: str = ENDPOINT) -> Answer:
    return await arm.call("PUT", path, body, version=NETWORK)


async def properties_of(arm: LocalArm, path: str = ENDPOINT, version: str = NETWORK) -> JsonObject:
    found = await arm.call("GET", path, version=version)
    assert found.status == 200, found
    return object_in(found.body, "properties")


async def state_of(arm: LocalArm, path: str = ENDPOINT) -> JsonObject:
    """The state of an endpoint's only connection."""
    properties = await properties_of(arm, path)
    names = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
    (connection,) = [item for name in names for item in objects_in(properties, name)]
    return object_in(connection, "properties", "privateLinkServiceConnectionState")


async def connections_of(arm: LocalArm, target: str) -> list[JsonObject]:
    listed = await arm.call("GET", target + "/privateEndpointConnections", version=STORAGE)
    assert listed.status == 200, listed
    return objects_in(listed.body, "value")


async def make_zone(arm: LocalArm, zone: str = ZONE, network: str = "") -> None:
    """A private zone, linked to `network` where one is given."""
    await arm.call("PUT", zone, {"location": "global"}, version=DNS)
    if network:
        link = {"location": "global", "properties": {"virtualNetwork": {"id": network}}}
        await arm.call("PUT", zone + "/virtualNetworkLinks/l", link, version=DNS)


def zone_group_body(*zones: str) -> JsonObject:
    return {
        "properties": {
            "privateDnsZoneConfigs": [
                {"name": f"config{index}", "properties": {"privateDnsZoneId": zone}}
                for index, zone in enumerate(zones)
            ]
        }
    }


async def addresses_in(arm: LocalArm, record: str) -> list[str]:
    """The addresses of an A record set, none where there is none."""
    found = await arm.call("GET", record, version=DNS)
    return [str(item["ipv4Address"]) for item in objects_in(object_in(found.body, "properties"), "aRecords")]
