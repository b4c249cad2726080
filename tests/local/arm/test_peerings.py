"""Peerings, both sides: states, sync levels, etags, and what Azure refuses."""

import pytest

from local.arm.documents import JsonObject, copied, object_in, objects_in, text_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import NETWORK, LocalArm, network_path

HUB = network_path("mesh", "hub")
SPOKE = network_path("mesh", "spoke")


@pytest.fixture(autouse=True)
async def _networks(arm: LocalArm) -> None:
    await arm.make_group("mesh")
    await arm.make_network("mesh", "hub", "10.0.0.0/16")
    await arm.make_network("mesh", "spoke", "10.1.0.0/16")


async def _etag(arm: LocalArm, path: str) -> str:
    return text_in((await arm.call("GET", path, version=NETWORK)).body, "etag") or ""


async def _connect(arm: LocalArm) -> None:
    await arm.peer(SPOKE, HUB, "to-hub")
    await arm.peer(HUB, SPOKE, "to-spoke")


async def test_the_first_side_is_initiated_as_recorded(arm: LocalArm) -> None:
    """201, Updating, Initiated, RemoteNotInSync, all flags with their defaults, Retry-After 10."""
    arm.manager.operations.mode = OperationsMode(advance="at-once", retry_after=None)
    made = await arm.peer(SPOKE, HUB, "to-hub")
    assert (made.status, made.headers["Retry-After"]) == (201, "10")
    properties = object_in(made.body, "properties")
    assert properties == {
        "provisioningState": "Updating",
        "resourceGuid": properties["resourceGuid"],
        "peeringState": "Initiated",
        "peeringSyncLevel": "RemoteNotInSync",
        "remoteVirtualNetwork": {"id": HUB},
        "allowVirtualNetworkAccess": True,
        "allowForwardedTraffic": False,
        "allowGatewayTransit": False,
        "useRemoteGateways": False,
        "doNotVerifyRemoteGateways": False,
        "peerCompleteVnets": True,
        "remoteAddressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "remoteVirtualNetworkAddressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "routeServiceVips": {},
    }
    found = await arm.call("GET", SPOKE + "/virtualNetworkPeerings/to-hub", version=NETWORK)
    assert found.headers["ETag"] == await _etag(arm, SPOKE)
    assert object_in(found.body, "properties")["provisioningState"] == "Succeeded"


async def test_the_second_side_connects_both(arm: LocalArm) -> None:
    """Both are Connected and FullyInSync at once, share a guid, and the first side's etag has changed."""
    await arm.peer(SPOKE, HUB, "to-hub")
    before = await _etag(arm, SPOKE)
    made = await arm.peer(HUB, SPOKE, "to-spoke")
    assert object_in(made.body, "properties")["peeringState"] == "Connected"
    first, second = await arm.peering(SPOKE, "to-hub"), await arm.peering(HUB, "to-spoke")
    for side in (first, second):
        assert (side["peeringState"], side["peeringSyncLevel"]) == ("Connected", "FullyInSync")
    assert first["resourceGuid"] == second["resourceGuid"]
    assert await _etag(arm, SPOKE) != before


async def test_deleting_one_side_disconnects_the_other_until_it_is_put_again(arm: LocalArm) -> None:
    """Re-creating the deleted side first is refused; putting the Disconnected side again starts afresh."""
    await _connect(arm)
    deleted = await arm.call("DELETE", SPOKE + "/virtualNetworkPeerings/to-hub", version=NETWORK)
    assert deleted.status == 202
    assert (await arm.peering(HUB, "to-spoke"))["peeringState"] == "Disconnected"
    refused = await arm.peer(SPOKE, HUB, "to-hub")
    assert (refused.status, refused.error) == (400, "RemotePeeringIsDisconnected")
    again = await arm.peer(HUB, SPOKE, "to-spoke")
    assert object_in(again.body, "properties")["peeringState"] == "Initiated"
    await arm.peer(SPOKE, HUB, "to-hub")
    assert (await arm.peering(HUB, "to-spoke"))["peeringState"] == "Connected"


async def test_an_absent_peering_has_the_network_providers_404(arm: LocalArm) -> None:
    """NotFound with empty details; an absent network is the gateway's ParentResourceNotFound."""
    missing = await arm.call("GET", SPOKE + "/virtualNetworkPeerings/x", version=NETWORK)
    assert (missing.status, missing.error, "x-ms-failure-cause" in missing.headers) == (
        404,
        "NotFound",
        False,
    )
    orphan = await arm.call("GET", network_path("mesh", "no") + "/virtualNetworkPeerings/x", version=NETWORK)
    assert (orphan.error, orphan.headers["x-ms-failure-cause"]) == ("ParentResourceNotFound", "gateway")
    assert (await arm.call("DELETE", SPOKE + "/virtualNetworkPeerings/x", version=NETWORK)).status == 204


async def test_sync_levels_after_the_hub_grew(arm: LocalArm) -> None:
    """Each side tells who lags; PUT with syncRemoteAddressSpace heals it, a plain PUT does not."""
    await _connect(arm)
    await arm.make_network("mesh", "hub", "10.0.0.0/16", "10.9.0.0/16")
    lagging = await arm.peering(SPOKE, "to-hub")
    assert lagging["peeringSyncLevel"] == "LocalNotInSync"
    assert lagging["remoteAddressSpace"] == {"addressPrefixes": ["10.0.0.0/16"]}
    assert lagging["remoteVirtualNetworkAddressSpace"] == {"addressPrefixes": ["10.0.0.0/16", "10.9.0.0/16"]}
    assert (await arm.peering(HUB, "to-spoke"))["peeringSyncLevel"] == "RemoteNotInSync"
    await arm.make_network("mesh", "spoke", "10.1.0.0/16", "10.8.0.0/16")
    assert (await arm.peering(SPOKE, "to-hub"))["peeringSyncLevel"] == "LocalAndRemoteNotInSync"
    await arm.peer(SPOKE, HUB, "to-hub", allowForwardedTraffic=True)
    assert (await arm.peering(SPOKE, "to-hub"))["peeringSyncLevel"] == "LocalAndRemoteNotInSync"
    await arm.peer(SPOKE, HUB, "to-hub", query="?syncRemoteAddressSpace=true")
    assert (await arm.peering(SPOKE, "to-hub"))["peeringSyncLevel"] == "RemoteNotInSync"
    await arm.peer(HUB, SPOKE, "to-spoke", query="?syncRemoteAddressSpace=true")
    for network, name in ((SPOKE, "to-hub"), (HUB, "to-spoke")):
        assert (await arm.peering(network, name))["peeringSyncLevel"] == "FullyInSync"


async def test_overlap_with_the_remote_is_refused(arm: LocalArm) -> None:
    """The message names both networks and the prefixes."""
    clash = await arm.make_network("mesh", "clash", "10.0.128.0/17")
    refused = await arm.peer(clash, HUB, "to-hub")
    assert (refused.status, refused.error) == (400, "VnetAddressSpacesOverlap")
    assert "10.0.128.0/17, 10.0.0.0/16" in str(refused.body)


async def test_overlap_with_a_network_peered_already_is_refused_from_both_sides(arm: LocalArm) -> None:
    """Also where the network that the remote is peered with no longer exists: its peering still blocks."""
    await _connect(arm)
    twin = await arm.make_network("mesh", "twin", "10.1.0.0/24")
    for local, remote in ((twin, HUB), (HUB, twin)):
        refused = await arm.peer(local, remote, "second")
        assert (refused.status, refused.error) == (400, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet")
        assert SPOKE in str(refused.body)
    await arm.call("DELETE", SPOKE, version=NETWORK)
    assert (await arm.peering(HUB, "to-spoke"))["peeringState"] == "Disconnected"
    assert (await arm.peer(twin, HUB, "second")).error == "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"
    await arm.call("DELETE", HUB + "/virtualNetworkPeerings/to-spoke", version=NETWORK)
    assert (await arm.peer(twin, HUB, "second")).status == 201


async def test_a_peered_network_cannot_grow_into_a_neighbour(arm: LocalArm) -> None:
    """The PUT of the network is refused and its space stays."""
    await _connect(arm)
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/15"]}}}
    refused = await arm.call("PUT", HUB, body, version=NETWORK)
    assert refused.error == "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"
    space = object_in((await arm.call("GET", HUB, version=NETWORK)).body, "properties", "addressSpace")
    assert space == {"addressPrefixes": ["10.0.0.0/16"]}


async def test_references_are_checked(arm: LocalArm) -> None:
    """A missing remote, a second peering to the same remote, and another remote for an existing peering."""
    absent = await arm.peer(SPOKE, network_path("mesh", "absent"), "p")
    assert (absent.status, absent.error) == (400, "InvalidResourceReference")
    await arm.peer(SPOKE, HUB, "to-hub")
    assert (await arm.peer(SPOKE, HUB.upper(), "again")).error == "AnotherPeeringAlreadyReferencesRemoteVnet"
    other = await arm.make_network("mesh", "other", "10.5.0.0/16")
    assert (await arm.peer(SPOKE, other, "to-hub")).error == "ChangingRemoteVirtualNetworkNotAllowed"
    assert (await arm.peer(SPOKE, other, "-bad-")).error == "InvalidResourceName"


async def test_gateway_flags(arm: LocalArm) -> None:
    """useRemoteGateways needs a gateway on the other side, and only one peering may have it."""
    refused = await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True)
    assert (refused.status, refused.error) == (400, "RemoteVnetHasNoGateways")
    await _gateway(arm, "hub", "10.0.0.0/27")
    await arm.peer(HUB, SPOKE, "to-spoke", allowGatewayTransit=True)
    made = await arm.peer(SPOKE, HUB, "to-hub", useRemoteGateways=True)
    assert "remoteGateways" in object_in(made.body, "properties")
    second = await arm.make_network("mesh", "second", "10.7.0.0/16")
    await _gateway(arm, "second", "10.7.0.0/27")
    assert (await arm.peer(SPOKE, second, "p2", useRemoteGateways=True)).error == (
        "AnotherPeeringAlreadyUsesRemoteGateways"
    )
    assert (await arm.peer(second, HUB, "p3", useRemoteGateways=True)).error == "VnetHasGateways"


async def test_a_network_takes_500_peerings(arm: LocalArm) -> None:
    """The 501st is refused; a place that becomes free can be taken."""
    await _connect(arm)
    state = await arm.control("GET", "/state")
    resources = objects_in(state, "resources")
    template = next(item for item in resources if str(item["id"]).endswith("/to-spoke"))
    resources += [
        _renamed(template, str(index), network_path("gone", f"n{index}"), f"172.16.{index % 256}.0/24")
        for index in range(499)
    ]
    await arm.control("PUT", "/state", {**state, "resources": resources})
    other = await arm.make_network("mesh", "other", "10.7.0.0/16")
    refused = await arm.peer(HUB, other, "one-more")
    assert (refused.status, refused.error) == (400, "VnetPeeringCountLimitReached")
    await arm.call("DELETE", HUB + "/virtualNetworkPeerings/p7", version=NETWORK)
    assert (await arm.peer(HUB, other, "one-more")).status == 201


def _renamed(template: JsonObject, name: str, remote: str, prefix: str) -> JsonObject:
    peering = copied(template)
    peering["id"] = f"{HUB}/virtualNetworkPeerings/p{name}"
    properties = object_in(peering, "body", "properties")
    properties["remoteVirtualNetwork"] = {"id": remote}
    properties["remoteAddressSpace"] = {"addressPrefixes": [prefix]}
    return peering


async def _gateway(arm: LocalArm, network: str, prefix: str) -> None:
    path = network_path("mesh", network)
    await arm.call(
        "PUT", f"{path}/subnets/GatewaySubnet", {"properties": {"addressPrefix": prefix}}, version=NETWORK
    )
    configuration = {"name": "c", "properties": {"subnet": {"id": f"{path}/subnets/GatewaySubnet"}}}
    await arm.make(
        "mesh",
        f"Microsoft.Network/virtualNetworkGateways/{network}-gateway",
        properties={"ipConfigurations": [configuration]},
    )
