"""Private endpoints: creation, addresses, what refers to them, and what becomes of them."""

import pytest

from local.arm.documents import JsonObject, object_in, objects_in, text_in
from local.arm.operations import OperationsMode
from local.arm.providers.microsoft_network.private_endpoints.endpoints import MOST_IN_NETWORK
from local.arm.store import Resource
from tests.local.arm.private_link import (
    ENDPOINT,
    GROUP,
    connections_of,
    endpoint_body,
    make_endpoint,
    make_place,
    properties_of,
    state_of,
)
from tests.support.local_arm import NETWORK, LocalArm, group_path, resource_path


async def test_creating_an_endpoint_follows_the_recording(arm: LocalArm) -> None:
    """201 Updating with Azure-AsyncOperation and Retry-After 10, approved at once; names when it has succeeded."""
    place = await make_place(arm)
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=1, retry_after=None)
    made = await make_endpoint(arm, endpoint_body(place))
    assert (made.status, made.headers["Retry-After"], "Location" in made.headers) == (201, "10", False)
    properties = object_in(made.body, "properties")
    assert (properties["provisioningState"], properties["customDnsConfigs"]) == ("Updating", [])
    (connection,) = objects_in(properties, "privateLinkServiceConnections")
    assert connection["id"] == f"{ENDPOINT}/privateLinkServiceConnections/link"
    assert object_in(connection, "properties") == {
        "provisioningState": "Succeeded",
        "privateLinkServiceId": place.account,
        "groupIds": ["blob"],
        "privateLinkServiceConnectionState": {
            "status": "Approved",
            "description": "Auto Approved",
            "actionsRequired": "None",
        },
    }
    assert await connections_of(arm, place.account) == []
    poll = await arm.call("GET", made.headers["Azure-AsyncOperation"])
    assert poll.body == {"status": "Succeeded"}
    found = await arm.call("GET", ENDPOINT, version=NETWORK)
    assert found.headers["ETag"] == found.body["etag"] != made.body["etag"]
    properties = object_in(found.body, "properties")
    assert properties["provisioningState"] == "Succeeded"
    assert properties["customDnsConfigs"] == [
        {"fqdn": "lake.blob.core.windows.net", "ipAddresses": ["10.1.0.4"]}
    ]
    assert (await state_of(arm))["description"] == "Auto-Approved"


async def test_an_endpoint_has_an_interface_with_a_free_address(arm: LocalArm) -> None:
    """Each its own, after the four that Azure keeps; the interface names the endpoint that manages it."""
    place = await make_place(arm)
    for number in range(3):
        await make_endpoint(arm, endpoint_body(place), f"{ENDPOINT}{number}")
    addresses = []
    for number in range(3):
        (reference,) = objects_in(await properties_of(arm, f"{ENDPOINT}{number}"), "networkInterfaces")
        nic = await arm.call("GET", str(reference["id"]), version=NETWORK)
        assert nic.body["managedBy"] == f"{ENDPOINT}{number}"
        assert object_in(nic.body, "properties", "privateEndpoint") == {"id": f"{ENDPOINT}{number}"}
        (configuration,) = objects_in(object_in(nic.body, "properties"), "ipConfigurations")
        addresses.append(object_in(configuration, "properties")["privateIPAddress"])
    assert addresses == ["10.1.0.4", "10.1.0.5", "10.1.0.6"]
    (reference,) = objects_in(await properties_of(arm, ENDPOINT + "0"), "networkInterfaces")
    held = await arm.call("DELETE", str(reference["id"]), version=NETWORK)
    assert (held.status, held.error) == (400, "NicInUse")


async def test_a_full_subnet_takes_no_more_endpoints(arm: LocalArm) -> None:
    """A /29 has three addresses; a deleted endpoint gives its own back."""
    place = await make_place(arm, "10.1.0.0/29")
    for number in range(3):
        assert (await make_endpoint(arm, endpoint_body(place), f"{ENDPOINT}{number}")).status == 201
    refused = await make_endpoint(arm, endpoint_body(place))
    assert (refused.status, refused.error) == (400, "SubnetIsFull")
    await arm.call("DELETE", f"{ENDPOINT}1", version=NETWORK)
    assert (await make_endpoint(arm, endpoint_body(place))).status == 201
    (config,) = objects_in(await properties_of(arm), "customDnsConfigs")
    assert config["ipAddresses"] == ["10.1.0.5"]


async def test_addresses_and_interface_names_can_be_asked_for(arm: LocalArm) -> None:
    """A static address must lie in the subnet and be free."""
    place = await make_place(arm)

    def asking(address: str) -> JsonObject:
        member: JsonObject = {"groupId": "blob", "memberName": "blob", "privateIPAddress": address}
        return endpoint_body(
            place,
            ipConfigurations=[{"name": "one", "properties": member}],
            customNetworkInterfaceName="mine",
        )

    await make_endpoint(arm, asking("10.1.0.77"))
    properties = await properties_of(arm)
    assert objects_in(properties, "customDnsConfigs")[0]["ipAddresses"] == ["10.1.0.77"]
    assert str(objects_in(properties, "networkInterfaces")[0]["id"]).endswith("/networkInterfaces/mine")
    for address, code in (
        ("10.1.0.77", "PrivateIPAddressIsAllocated"),
        ("10.9.0.4", "PrivateIPAddressNotInSubnet"),
    ):
        assert (await make_endpoint(arm, asking(address), ENDPOINT + "2")).error == code


async def test_a_subnet_with_endpoints_says_so_and_cannot_be_deleted(arm: LocalArm) -> None:
    """It lists endpoints and their addresses' configurations; neither subnet nor network can go before them."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    properties = await properties_of(arm, place.subnet)
    assert properties["privateEndpoints"] == [{"id": ENDPOINT}]
    (configuration,) = objects_in(properties, "ipConfigurations")
    assert "/networkInterfaces/pe.nic." in str(configuration["id"])
    for path in (place.subnet, place.network):
        refused = await arm.call("DELETE", path, version=NETWORK)
        assert (refused.status, refused.error) == (400, "InUseSubnetCannotBeDeleted")
    await arm.call("DELETE", ENDPOINT, version=NETWORK)
    assert "privateEndpoints" not in await properties_of(arm, place.subnet)
    assert (await arm.call("DELETE", place.network, version=NETWORK)).status == 202


async def test_deleting_an_endpoint_removes_all_that_it_made(arm: LocalArm) -> None:
    """202 with both headers, then no interface and no connection; 204 when it has gone."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    assert len(await connections_of(arm, place.account)) == 1
    deleted = await arm.call("DELETE", ENDPOINT, version=NETWORK)
    assert (deleted.status, "Location" in deleted.headers) == (202, True)
    assert (await arm.call("GET", deleted.headers["Location"])).status == 204
    assert (await arm.call("GET", ENDPOINT, version=NETWORK)).error == "ResourceNotFound"
    assert (await arm.call("DELETE", ENDPOINT, version=NETWORK)).status == 204
    assert await connections_of(arm, place.account) == []
    assert arm.manager.store.of_type("Microsoft.Network/networkInterfaces") == []


async def test_a_put_without_change_answers_succeeded(arm: LocalArm) -> None:
    """200 under the same etag; other tags are a new etag and no operation; security groups begin one."""
    place = await make_place(arm)
    body = endpoint_body(place)
    await make_endpoint(arm, body)
    before = await arm.call("GET", ENDPOINT, version=NETWORK)
    again = await make_endpoint(arm, body)
    assert (again.status, again.body) == (200, before.body)
    assert "Retry-After" not in again.headers
    tagged = await make_endpoint(arm, {**body, "tags": {"a": "b"}})
    assert (tagged.body["tags"], tagged.body["etag"] != before.body["etag"]) == ({"a": "b"}, True)
    assert object_in(tagged.body, "properties")["provisioningState"] == "Succeeded"
    asg: JsonObject = {"id": resource_path(GROUP, "Microsoft.Network/applicationSecurityGroups/asg")}
    grouped = await make_endpoint(arm, endpoint_body(place, applicationSecurityGroups=[asg]))
    assert object_in(grouped.body, "properties")["provisioningState"] == "Updating"
    assert (await properties_of(arm))["applicationSecurityGroups"] == [asg]


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ((), "MissingParameterOnPrivateLinkServiceConnection"),
        (("blob", "file"), "OnlyOneGroupIdPermitted"),
        (("sqlServer",), "BadRequest"),
    ],
)
async def test_group_ids_are_checked_against_the_target(
    arm: LocalArm, groups: tuple[str, ...], code: str
) -> None:
    """One group, and one that the service has; what is refused leaves no interface behind."""
    place = await make_place(arm)
    refused = await make_endpoint(arm, endpoint_body(place, groups=groups))
    assert (refused.status, refused.error) == (400, code)
    assert arm.manager.store.of_type("Microsoft.Network/networkInterfaces") == []


async def test_what_an_endpoint_refers_to_must_be_there(arm: LocalArm) -> None:
    """Subnet in the same region, target, exactly one named connection."""
    place = await make_place(arm)
    absent = endpoint_body(place, target=place.account + "x")
    elsewhere = {**endpoint_body(place), "location": "northeurope"}
    nowhere = endpoint_body(place, subnet={"id": place.subnet + "x"})
    for body in (absent, elsewhere, nowhere):
        assert (await make_endpoint(arm, body)).error == "InvalidResourceReference"
    empty: JsonObject = {"location": "westeurope"}
    for body in (endpoint_body(place, privateLinkServiceConnections=[]), empty):
        assert (await make_endpoint(arm, body)).error == "InvalidRequestFormat"


async def test_subnet_and_connection_of_an_endpoint_are_fixed(arm: LocalArm) -> None:
    """Another subnet or group needs another endpoint."""
    place = await make_place(arm)
    await arm.call(
        "PUT", place.network + "/subnets/b", {"properties": {"addressPrefix": "10.1.9.0/24"}}, version=NETWORK
    )
    await make_endpoint(arm, endpoint_body(place))
    for body in (
        endpoint_body(place, subnet={"id": place.network + "/subnets/b"}),
        endpoint_body(place, groups=("file",)),
    ):
        assert (await make_endpoint(arm, body)).status == 400


async def test_a_network_takes_a_thousand_endpoints(arm: LocalArm) -> None:
    """The one after is refused."""
    place = await make_place(arm, "10.1.0.0/17")
    await make_endpoint(arm, endpoint_body(place))
    first = arm.manager.store.find(ENDPOINT)
    assert first is not None
    for number in range(MOST_IN_NETWORK - 1):
        copy = first.id.spelled(f"copies{number}", first.type)
        arm.manager.store.put(Resource(id=copy, type=first.type, body=first.body))
    refused = await make_endpoint(arm, endpoint_body(place), ENDPOINT + "2")
    assert (refused.status, refused.error) == (400, "PrivateEndpointsPerVirtualNetworkLimitReached")


async def test_one_operation_at_a_time(arm: LocalArm) -> None:
    """409 while another runs on the endpoint, or one makes an endpoint in the subnet that is to change."""
    place = await make_place(arm)
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=99)
    await make_endpoint(arm, endpoint_body(place))
    busy = await arm.call("DELETE", ENDPOINT, version=NETWORK)
    assert (busy.status, busy.error) == (409, "AnotherOperationInProgress")
    change = {"properties": {"addressPrefix": "10.1.0.0/23"}}
    joined = await arm.call("PUT", place.subnet, change, version=NETWORK)
    assert (joined.status, joined.error) == (409, "AnotherOperationInProgress")
    other = await arm.call(
        "PUT", place.subnet + "2", {"properties": {"addressPrefix": "10.1.4.0/24"}}, version=NETWORK
    )
    assert other.status == 201


async def test_no_endpoint_is_made_in_a_subnet_that_is_being_changed(arm: LocalArm) -> None:
    place = await make_place(arm)
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=99)
    await arm.call("PUT", place.subnet, {"properties": {"addressPrefix": "10.1.0.0/23"}}, version=NETWORK)
    early = await make_endpoint(arm, endpoint_body(place), ENDPOINT + "2")
    assert (early.status, early.error) == (400, "ReferencedResourceNotProvisioned")


async def test_a_failed_creation_has_no_connection(arm: LocalArm) -> None:
    """An injected failure leaves the endpoint Failed, and a repeated PUT mends it."""
    place = await make_place(arm)
    await arm.control("POST", "/faults", {"match": {"method": "PUT"}, "fail_operation": True, "times": 1})
    await make_endpoint(arm, endpoint_body(place))
    assert (await properties_of(arm))["provisioningState"] == "Failed"
    assert await connections_of(arm, place.account) == []
    assert (await make_endpoint(arm, endpoint_body(place))).status == 200
    assert (await properties_of(arm))["provisioningState"] == "Succeeded"
    assert len(await connections_of(arm, place.account)) == 1


async def test_endpoints_are_listed_and_guarded_by_etags(arm: LocalArm) -> None:
    """By group and by subscription; a stale If-Match is refused."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    group = ENDPOINT.rpartition("/")[0]
    everywhere = group.partition("/resourceGroups")[0] + "/providers/Microsoft.Network/privateEndpoints"
    for path in (group, everywhere):
        listed = await arm.call("GET", path, version=NETWORK)
        assert [item["id"] for item in objects_in(listed.body, "value")] == [ENDPOINT]
    stale = await arm.call(
        "PUT", ENDPOINT, endpoint_body(place), version=NETWORK, headers={"If-Match": 'W/"0"'}
    )
    assert (stale.status, stale.error) == (412, "PreconditionFailed")


async def test_deleting_the_target_disconnects_its_endpoints(arm: LocalArm) -> None:
    """The endpoint stays, says Disconnected, and a target made anew does not bring it back."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    await arm.call("DELETE", place.account, version="2023-05-01")
    assert (await state_of(arm))["status"] == "Disconnected"
    await arm.make(GROUP, "Microsoft.Storage/storageAccounts/lake")
    await make_endpoint(arm, {**endpoint_body(place), "tags": {"a": "b"}})
    assert (await state_of(arm))["status"] == "Disconnected"
    assert await connections_of(arm, place.account) == []
    assert (await arm.call("DELETE", ENDPOINT, version=NETWORK)).status == 202


async def test_deleting_groups_with_endpoints(arm: LocalArm) -> None:
    """A network that another group's endpoint uses keeps its group alive; one of its own goes with it."""
    place = await make_place(arm)
    await arm.make_group("other")
    foreign = resource_path("other", "Microsoft.Network/privateEndpoints/pe")
    await make_endpoint(arm, endpoint_body(place), foreign)
    await make_endpoint(arm, endpoint_body(place))
    await arm.call("DELETE", group_path(GROUP))
    assert (await arm.call("GET", place.network, version=NETWORK)).status == 200
    assert (await arm.call("GET", ENDPOINT, version=NETWORK)).status == 404
    assert (await state_of(arm, foreign))["status"] == "Disconnected"
    await arm.call("DELETE", group_path("other"))
    await arm.call("DELETE", group_path(GROUP))
    assert (await arm.call("GET", group_path(GROUP))).status == 404
    assert arm.manager.store.of_type("Microsoft.Network/networkInterfaces") == []


async def test_endpoints_survive_a_restart(arm: LocalArm) -> None:
    """Their addresses stay taken, their connections known to both sides."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    before = (await arm.call("GET", ENDPOINT, version=NETWORK)).body
    state = await arm.control("GET", "/state")
    await arm.control("POST", "/reset")
    await arm.control("PUT", "/state", state)
    assert (await arm.call("GET", ENDPOINT, version=NETWORK)).body == before
    await make_endpoint(arm, endpoint_body(place), ENDPOINT + "2")
    (config,) = objects_in(await properties_of(arm, ENDPOINT + "2"), "customDnsConfigs")
    assert config["ipAddresses"] == ["10.1.0.5"]
    assert len(await connections_of(arm, place.account)) == 2


async def test_older_versions_show_what_they_knew(arm: LocalArm) -> None:
    """The two ways to say that an endpoint has IPv4."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    for version, shown in (
        ("2025-03-01", {"ipVersionType"}),
        ("2024-03-01", {"isIPv6EnabledPrivateEndpoint"}),
        ("2022-01-01", set()),
    ):
        properties = await properties_of(arm, version=version)
        assert {name for name in properties if "ipv" in name.lower()} == shown


async def test_events_tell_of_endpoints_when_they_are_there(arm: LocalArm) -> None:
    """One success each for endpoint, zone group, zone and record set, writes and deletions."""
    place = await make_place(arm)
    names: list[tuple[str, str]] = []
    arm.manager.feed.subscribe(lambda event: names.append((event.operation_name, event.outcome)))
    await make_endpoint(arm, endpoint_body(place))
    zone = resource_path(GROUP, "Microsoft.Network/privateDnsZones/example.org")
    await arm.call("PUT", zone, {"location": "global"}, version="2020-06-01")
    await arm.call("PUT", zone + "/a/x", {"properties": {"ttl": 1}}, version="2020-06-01")
    await arm.call("PUT", ENDPOINT + "/privateDnsZoneGroups/g", {"properties": {}}, version=NETWORK)
    await arm.call("DELETE", ENDPOINT, version=NETWORK)
    assert names == [
        ("Microsoft.Network/privateEndpoints/write", "Success"),
        ("Microsoft.Network/privateDnsZones/write", "Success"),
        ("Microsoft.Network/privateDnsZones/A/write", "Success"),
        ("Microsoft.Network/privateEndpoints/privateDnsZoneGroups/write", "Success"),
        ("Microsoft.Network/privateEndpoints/delete", "Success"),
    ]


async def test_an_endpoint_for_a_service_outside_of_the_table(arm: LocalArm) -> None:
    """It is approved and has an address, but no names; a private link service needs no group."""
    place = await make_place(arm)
    farm = await arm.make(GROUP, "Microsoft.Search/searchServices/s")
    await make_endpoint(arm, endpoint_body(place, target=farm, groups=("searchService",)))
    own = await arm.make(GROUP, "Microsoft.Network/privateLinkServices/pls")
    await make_endpoint(arm, endpoint_body(place, target=own, groups=()), ENDPOINT + "2")
    for path in (ENDPOINT, ENDPOINT + "2"):
        assert (await properties_of(arm, path))["customDnsConfigs"] == []
        assert text_in(await state_of(arm, path), "status") == "Approved"
