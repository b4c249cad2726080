"""Virtual networks and subnets."""

import pytest

from local.arm.documents import JsonObject, object_in, objects_in, text_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import NETWORK, LocalArm, network_path

SPOKE = network_path("node-a", "spoke")


def _body(*prefixes: str, **properties: object) -> dict[str, object]:
    return {
        "location": "westeurope",
        "properties": {"addressSpace": {"addressPrefixes": list(prefixes)}, **properties},
    }


async def test_creating_a_network_follows_the_recording(arm: LocalArm) -> None:
    """201 Updating with Azure-AsyncOperation, Retry-After 3 and no Location; then Succeeded under another etag."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2, retry_after=None)
    await arm.make_group("node-a")
    created = await arm.call("PUT", SPOKE, _body("10.1.0.0/16"), version=NETWORK)
    assert (created.status, created.headers["Retry-After"], "Location" in created.headers) == (
        201,
        "3",
        False,
    )
    assert "ETag" not in created.headers
    assert object_in(created.body, "properties")["provisioningState"] == "Updating"
    polls = [await arm.call("GET", created.headers["Azure-AsyncOperation"]) for _ in range(2)]
    assert [poll.body for poll in polls] == [{"status": "InProgress"}, {"status": "Succeeded"}]
    found = await arm.call("GET", SPOKE, version=NETWORK)
    assert found.headers["ETag"] == found.body["etag"] != created.body["etag"]
    assert object_in(found.body, "properties") == {
        "provisioningState": "Succeeded",
        "resourceGuid": object_in(created.body, "properties")["resourceGuid"],
        "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "privateEndpointVNetPolicies": "Disabled",
        "enableDdosProtection": False,
        "subnets": [],
        "virtualNetworkPeerings": [],
    }


async def test_a_put_without_change_answers_succeeded(arm: LocalArm) -> None:
    """200 with an async header and an unchanged etag."""
    await arm.make_group("node-a")
    await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    before = await arm.call("GET", SPOKE, version=NETWORK)
    again = await arm.call("PUT", SPOKE, _body("10.1.0.0/16"), version=NETWORK)
    assert (again.status, again.body["etag"]) == (200, before.body["etag"])
    assert object_in(again.body, "properties")["provisioningState"] == "Succeeded"
    poll = await arm.call("GET", again.headers["Azure-AsyncOperation"])
    assert poll.body == {"status": "Succeeded"}


async def test_a_put_of_other_tags_is_settled_at_once(arm: LocalArm) -> None:
    """Succeeded in the answer itself, as recorded, under a new etag and without Retry-After."""
    await arm.make_group("node-a")
    await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    before = await arm.call("GET", SPOKE, version=NETWORK)
    tagged = await arm.call("PUT", SPOKE, {**_body("10.1.0.0/16"), "tags": {"a": "b"}}, version=NETWORK)
    assert object_in(tagged.body, "properties")["provisioningState"] == "Succeeded"
    assert (tagged.body["tags"], "Retry-After" in tagged.headers) == ({"a": "b"}, False)
    assert tagged.body["etag"] != before.body["etag"]


async def test_a_put_without_peerings_keeps_them(arm: LocalArm) -> None:
    """Leaving virtualNetworkPeerings out keeps the peerings; an empty list removes them."""
    await arm.make_group("node-a")
    spoke = await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    hub = await arm.make_network("node-a", "hub", "10.0.0.0/16")
    await arm.peer(spoke, hub, "to-hub")
    await arm.peer(hub, spoke, "to-spoke")
    await arm.make_network("node-a", "spoke", "10.1.0.0/16", enableDdosProtection=True)
    kept = await arm.call("GET", spoke, version=NETWORK)
    inline = objects_in(object_in(kept.body, "properties"), "virtualNetworkPeerings")
    assert [(item["name"], item["etag"] == kept.body["etag"]) for item in inline] == [("to-hub", True)]
    await arm.make_network("node-a", "spoke", "10.1.0.0/16", virtualNetworkPeerings=[])
    assert (await arm.peering(hub, "to-spoke"))["peeringState"] == "Disconnected"


async def test_a_network_sent_back_as_it_was_read_changes_nothing(arm: LocalArm) -> None:
    """What `az network vnet update` does: inline peerings that are the same keep their state, Disconnected too."""
    await arm.make_group("node-a")
    spoke = await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    hub = await arm.make_network("node-a", "hub", "10.0.0.0/16")
    await arm.peer(spoke, hub, "to-hub")
    await arm.peer(hub, spoke, "to-spoke")
    await arm.call("DELETE", hub + "/virtualNetworkPeerings/to-spoke", version=NETWORK)
    read = await arm.call("GET", spoke, version=NETWORK)
    again = await arm.call("PUT", spoke, read.body, version=NETWORK)
    assert again.body == read.body
    assert (await arm.peering(spoke, "to-hub"))["peeringState"] == "Disconnected"


async def test_a_network_with_a_refused_peering_is_not_made(arm: LocalArm) -> None:
    """Nor is an existing one changed."""
    await arm.make_group("node-a")
    remote = {"id": network_path("node-a", "absent")}
    peering = {"name": "p", "properties": {"remoteVirtualNetwork": remote}}
    body = _body("10.1.0.0/16", virtualNetworkPeerings=[peering])
    refused = await arm.call("PUT", SPOKE, body, version=NETWORK)
    assert (refused.status, refused.error) == (400, "InvalidResourceReference")
    assert (await arm.call("GET", SPOKE, version=NETWORK)).status == 404
    await arm.make_network("node-a", "spoke", "10.2.0.0/16")
    assert (await arm.call("PUT", SPOKE, body, version=NETWORK)).error == "InvalidResourceReference"
    kept = await arm.call("GET", SPOKE, version=NETWORK)
    assert object_in(kept.body, "properties", "addressSpace") == {"addressPrefixes": ["10.2.0.0/16"]}


async def test_subnets_inline_and_on_their_own(arm: LocalArm) -> None:
    """Subnets show up inline; a PUT of the network without subnets keeps them; DELETE answers with Location."""
    await arm.make_group("node-a")
    subnets = [{"name": "a", "properties": {"addressPrefix": "10.1.0.0/24"}}]
    spoke = await arm.make_network("node-a", "spoke", "10.1.0.0/16", subnets=subnets)
    made = await arm.call(
        "PUT", spoke + "/subnets/b", {"properties": {"addressPrefix": "10.1.1.0/24"}}, version=NETWORK
    )
    assert (made.status, object_in(made.body, "properties")["delegations"]) == (201, [])
    await arm.make_network("node-a", "spoke", "10.1.0.0/16", "10.9.0.0/16")
    listed = await arm.call("GET", spoke + "/subnets", version=NETWORK)
    assert [item["name"] for item in objects_in(listed.body, "value")] == ["a", "b"]
    deleted = await arm.call("DELETE", spoke + "/subnets/a", version=NETWORK)
    assert (deleted.status, "operationResults" in deleted.headers["Location"]) == (202, True)
    assert (await arm.call("GET", deleted.headers["Location"])).status == 204
    assert (await arm.call("DELETE", spoke + "/subnets/a", version=NETWORK)).status == 204
    missing = await arm.call("GET", spoke + "/subnets/a", version=NETWORK)
    assert missing.body == {
        "error": {"code": "NotFound", "message": f"Resource {spoke}/subnets/a not found.", "details": []}
    }
    assert "x-ms-failure-cause" not in missing.headers


@pytest.mark.parametrize(
    ("prefixes", "subnets", "code"),
    [
        (["10.1.0.0/99"], [], "InvalidAddressPrefixFormat"),
        (["ten"], [], "InvalidAddressPrefixFormat"),
        (["10.1.0.1/16"], [], "InvalidCIDRNotation"),
        (["10.1.0.0/16", "10.1.2.0/24"], [], "NetcfgOverlappingAddressPrefixes"),
        ([], [], "InvalidRequestFormat"),
        (["10.1.0.0/16"], ["10.2.0.0/24"], "NetcfgSubnetRangeOutsideVnet"),
        (["10.1.0.0/16"], ["10.1.0.0/24", "10.1.0.128/25"], "NetcfgSubnetRangesOverlap"),
    ],
)
async def test_invalid_address_spaces(
    arm: LocalArm, prefixes: list[str], subnets: list[str], code: str
) -> None:
    """Prefixes must be CIDR, disjoint, and contain their subnets; a refused network does not exist."""
    await arm.make_group("node-a")
    made: list[JsonObject] = [
        {"name": f"s{index}", "properties": {"addressPrefix": prefix}} for index, prefix in enumerate(subnets)
    ]
    refused = await arm.call("PUT", SPOKE, _body(*prefixes, subnets=made), version=NETWORK)
    assert (refused.status, refused.error) == (400, code)
    assert (await arm.call("GET", SPOKE, version=NETWORK)).error == "ResourceNotFound"


async def test_a_network_in_use_cannot_be_deleted(arm: LocalArm) -> None:
    """A network interface in a subnet blocks the subnet and the network, until it is gone."""
    await arm.make_group("node-a")
    subnets = [{"name": "default", "properties": {"addressPrefix": "10.1.0.0/24"}}]
    spoke = await arm.make_network("node-a", "spoke", "10.1.0.0/16", subnets=subnets)
    configurations = [{"properties": {"subnet": {"id": spoke.upper() + "/SUBNETS/DEFAULT"}}}]
    nic = await arm.make(
        "node-a", "Microsoft.Network/networkInterfaces/nic", properties={"ipConfigurations": configurations}
    )
    for path in (spoke, spoke + "/subnets/default"):
        refused = await arm.call("DELETE", path, version=NETWORK)
        assert (refused.status, refused.error) == (400, "InUseSubnetCannotBeDeleted")
    emptied = await arm.call("PUT", spoke, _body("10.1.0.0/16", subnets=[]), version=NETWORK)
    assert (emptied.status, emptied.error) == (400, "InUseSubnetCannotBeDeleted")
    await arm.call("DELETE", nic, version=NETWORK)
    assert (await arm.call("DELETE", spoke, version=NETWORK)).status == 202
    assert (await arm.call("GET", spoke, version=NETWORK)).error == "ResourceNotFound"


async def test_if_match_guards_an_update(arm: LocalArm) -> None:
    """A stale etag is refused with 412, the present one is taken."""
    await arm.make_group("node-a")
    await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    etag = text_in((await arm.call("GET", SPOKE, version=NETWORK)).body, "etag") or ""
    body = _body("10.1.0.0/16", "10.2.0.0/16")
    stale = await arm.call("PUT", SPOKE, body, version=NETWORK, headers={"If-Match": 'W/"0"'})
    assert (stale.status, stale.error) == (412, "PreconditionFailed")
    fresh = await arm.call("PUT", SPOKE, body, version=NETWORK, headers={"If-Match": etag})
    assert fresh.status == 200


async def test_networks_are_listed_with_peerings_inline(arm: LocalArm) -> None:
    """By group and by subscription; tags can be patched alone."""
    await arm.make_group("node-a")
    await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    await arm.call("PATCH", SPOKE, {"tags": {"a": "b"}}, version=NETWORK)
    for path in (
        SPOKE.rpartition("/")[0],
        SPOKE.partition("/resourceGroups")[0] + "/providers/Microsoft.Network/virtualNetworks",
    ):
        listed = objects_in((await arm.call("GET", path, version=NETWORK)).body, "value")
        assert [(item["name"], item["tags"]) for item in listed] == [("spoke", {"a": "b"})]
        assert object_in(listed[0], "properties")["virtualNetworkPeerings"] == []
