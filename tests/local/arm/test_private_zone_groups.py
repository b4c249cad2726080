"""Zone groups: the records that follow an endpoint, and what a name leads to inside a network."""

from local.arm.documents import JsonObject, object_in, objects_in
from local.arm.operations import OperationsMode
from tests.local.arm.private_link import (
    DNS,
    ENDPOINT,
    GROUP,
    ZONE,
    ZONE_GROUP,
    Place,
    addresses_in,
    connections_of,
    endpoint_body,
    make_endpoint,
    make_place,
    make_zone,
    properties_of,
    zone_group_body,
)
from tests.support.local_arm import NETWORK, LocalArm, resource_path

RECORD = ZONE + "/A/lake"
OTHER = resource_path(GROUP, "Microsoft.Network/privateDnsZones/example.org")


async def _in_zone(arm: LocalArm) -> Place:
    """An endpoint whose names are in a zone that its own network is linked to."""
    place = await make_place(arm)
    await make_zone(arm, network=place.network)
    await make_endpoint(arm, endpoint_body(place))
    await arm.call("PUT", ZONE_GROUP, zone_group_body(ZONE), version=NETWORK)
    return place


async def _resolved(arm: LocalArm, network: str, name: str) -> JsonObject:
    return await arm.control("GET", f"/resolve?network={network}&name={name}")


async def test_a_zone_group_writes_the_records_of_its_endpoint(arm: LocalArm) -> None:
    """201 Updating, then Succeeded with the record sets, which are in the zone by then and say who made them."""
    place = await make_place(arm)
    await make_zone(arm)
    await make_endpoint(arm, endpoint_body(place))
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=1, retry_after=None)
    made = await arm.call("PUT", ZONE_GROUP, zone_group_body(ZONE), version=NETWORK)
    assert (made.status, made.headers["Retry-After"]) == (201, "10")
    assert object_in(made.body, "properties")["provisioningState"] == "Updating"
    assert await addresses_in(arm, RECORD) == []
    await arm.call("GET", made.headers["Azure-AsyncOperation"])
    (config,) = objects_in(await properties_of(arm, ZONE_GROUP), "privateDnsZoneConfigs")
    assert config["id"] == ZONE_GROUP + "/privateDnsZoneConfigs/config0"
    assert object_in(config, "properties")["recordSets"] == [
        {
            "recordType": "A",
            "recordSetName": "lake",
            "fqdn": "lake.privatelink.blob.core.windows.net",
            "ttl": 10,
            "provisioningState": "Succeeded",
            "ipAddresses": ["10.1.0.4"],
        }
    ]
    record = await properties_of(arm, RECORD, DNS)
    assert (record["ttl"], await addresses_in(arm, RECORD)) == (10, ["10.1.0.4"])
    assert str(object_in(record, "metadata")["creator"]).startswith(
        "created by private endpoint pe with resource guid"
    )
    listed = await arm.call("GET", ENDPOINT + "/privateDnsZoneGroups", version=NETWORK)
    assert [item["name"] for item in objects_in(listed.body, "value")] == ["default"]


async def test_names_that_a_zone_holds_are_no_custom_names_any_more(arm: LocalArm) -> None:
    """With a zone group that fits the endpoint shows no customDnsConfigs; a zone of another name changes nothing."""
    place = await make_place(arm)
    await make_zone(arm, OTHER)
    await make_zone(arm)
    await make_endpoint(arm, endpoint_body(place))
    await arm.call("PUT", ZONE_GROUP, zone_group_body(OTHER), version=NETWORK)
    assert len(objects_in(await properties_of(arm), "customDnsConfigs")) == 1
    (config,) = objects_in(await properties_of(arm, ZONE_GROUP), "privateDnsZoneConfigs")
    assert object_in(config, "properties")["recordSets"] == []
    await arm.call("PUT", ZONE_GROUP, zone_group_body(OTHER, ZONE), version=NETWORK)
    assert (await properties_of(arm))["customDnsConfigs"] == []
    await arm.call("DELETE", ZONE, version=DNS)
    assert len(objects_in(await properties_of(arm), "customDnsConfigs")) == 1


async def test_records_go_with_the_zone_group_its_zones_or_the_endpoint(arm: LocalArm) -> None:
    """Dropping a zone from the group, deleting the group, deleting the endpoint."""
    await _in_zone(arm)
    await make_zone(arm, OTHER)
    await arm.call("PUT", ZONE_GROUP, zone_group_body(OTHER), version=NETWORK)
    assert await addresses_in(arm, RECORD) == []
    await arm.call("PUT", ZONE_GROUP, zone_group_body(ZONE), version=NETWORK)
    assert await addresses_in(arm, RECORD) == ["10.1.0.4"]
    deleted = await arm.call("DELETE", ZONE_GROUP, version=NETWORK)
    assert (deleted.status, "Location" in deleted.headers) == (202, True)
    assert await addresses_in(arm, RECORD) == []
    assert (await arm.call("GET", ZONE_GROUP, version=NETWORK)).error == "NotFound"
    assert (await arm.call("DELETE", ZONE_GROUP, version=NETWORK)).status == 204
    await arm.call("PUT", ZONE_GROUP, zone_group_body(ZONE), version=NETWORK)
    await arm.call("DELETE", ENDPOINT, version=NETWORK)
    assert await addresses_in(arm, RECORD) == []


async def test_records_of_others_are_left_alone(arm: LocalArm) -> None:
    """What somebody wrote over the record stays when the connection is rejected and when the endpoint goes."""
    place = await _in_zone(arm)
    own = {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": "10.9.9.9"}]}}
    await arm.call("PUT", RECORD, own, version=DNS)
    (connection,) = await connections_of(arm, place.account)
    rejection = {"properties": {"privateLinkServiceConnectionState": {"status": "Rejected"}}}
    await arm.call("PUT", str(connection["id"]), rejection, version="2023-05-01")
    assert await addresses_in(arm, RECORD) == ["10.9.9.9"]
    await arm.call("DELETE", ENDPOINT, version=NETWORK)
    assert await addresses_in(arm, RECORD) == ["10.9.9.9"]


async def test_zone_groups_that_cannot_be(arm: LocalArm) -> None:
    """A second group, a zone that is not there, the same name twice, no endpoint."""
    await _in_zone(arm)
    second = await arm.call("PUT", ZONE_GROUP + "2", zone_group_body(ZONE), version=NETWORK)
    assert second.status == 400
    absent = await arm.call("PUT", ZONE_GROUP, zone_group_body(ZONE + "x"), version=NETWORK)
    assert (absent.status, absent.error) == (400, "InvalidResourceReference")
    twice = zone_group_body(ZONE)
    configs = objects_in(object_in(twice, "properties"), "privateDnsZoneConfigs")
    object_in(twice, "properties")["privateDnsZoneConfigs"] = [*configs, *configs]
    assert (await arm.call("PUT", ZONE_GROUP, twice, version=NETWORK)).error == "InvalidRequestFormat"
    orphan = await arm.call("PUT", ZONE_GROUP.replace("/pe/", "/no/"), zone_group_body(ZONE), version=NETWORK)
    assert (orphan.status, orphan.error) == (404, "ParentResourceNotFound")


async def test_a_zone_that_goes_meanwhile_fails_the_operation(arm: LocalArm) -> None:
    """Accepted, and Failed in the poll."""
    place = await make_place(arm)
    await make_zone(arm)
    await make_endpoint(arm, endpoint_body(place))
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=1)
    made = await arm.call("PUT", ZONE_GROUP, zone_group_body(ZONE), version=NETWORK)
    arm.manager.remove(ZONE)
    poll = await arm.call("GET", made.headers["Azure-AsyncOperation"])
    assert poll.body["status"] == "Failed"
    assert (await properties_of(arm, ZONE_GROUP))["provisioningState"] == "Failed"


async def test_a_manual_connection_gets_its_names_with_the_approval(arm: LocalArm) -> None:
    """Pending endpoints have an address and no names; the zone group fills when the owner approves."""
    place = await make_place(arm)
    await make_zone(arm)
    await make_endpoint(arm, endpoint_body(place, manual=True))
    await arm.call("PUT", ZONE_GROUP, zone_group_body(ZONE), version=NETWORK)
    assert await addresses_in(arm, RECORD) == []
    (connection,) = await connections_of(arm, place.account)
    approval = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
    await arm.call("PUT", str(connection["id"]), approval, version="2023-05-01")
    assert await addresses_in(arm, RECORD) == ["10.1.0.4"]
    (config,) = objects_in(await properties_of(arm, ZONE_GROUP), "privateDnsZoneConfigs")
    assert len(objects_in(object_in(config, "properties"), "recordSets")) == 1


async def test_a_public_name_leads_into_the_linked_zone(arm: LocalArm) -> None:
    """Through the alias that Azure's public name system has for services with private endpoints."""
    place = await _in_zone(arm)
    assert await _resolved(arm, place.network, "Lake.blob.core.windows.net.") == {
        "name": "Lake.blob.core.windows.net.",
        "status": "private",
        "addresses": ["10.1.0.4"],
        "zone": ZONE,
        "chain": [
            {
                "name": "lake.blob.core.windows.net",
                "type": "CNAME",
                "value": "lake.privatelink.blob.core.windows.net",
                "zone": None,
            },
            {
                "name": "lake.privatelink.blob.core.windows.net",
                "type": "A",
                "value": "10.1.0.4",
                "zone": ZONE,
            },
        ],
    }


async def test_without_a_link_names_stay_public(arm: LocalArm) -> None:
    """A network that the zone is not linked to gets the public answer; so does a name of nobody's."""
    place = await _in_zone(arm)
    elsewhere = await arm.make_network(GROUP, "elsewhere", "10.2.0.0/16")
    assert (await _resolved(arm, elsewhere, "lake.blob.core.windows.net"))["status"] == "public"
    assert (await _resolved(arm, place.network, "www.example.org"))["status"] == "public"


async def test_a_linked_zone_is_authoritative(arm: LocalArm) -> None:
    """What a linked zone does not have does not exist: another account with an endpoint elsewhere, for example."""
    place = await _in_zone(arm)
    await arm.call("DELETE", ZONE_GROUP, version=NETWORK)
    found = await _resolved(arm, place.network, "lake.blob.core.windows.net")
    assert (found["status"], found["addresses"], found["zone"]) == ("nxdomain", [], ZONE)


async def test_aliases_wildcards_and_the_longest_zone(arm: LocalArm) -> None:
    """CNAME records are followed from zone to zone; `*` answers for names without records of their own."""
    place = await make_place(arm)
    deeper = resource_path(GROUP, "Microsoft.Network/privateDnsZones/deep.example.org")
    await make_zone(arm, OTHER, place.network)
    await make_zone(arm, deeper, place.network)
    for record, address in ((OTHER + "/A/@", "10.0.0.1"), (deeper + "/A/*", "10.0.0.2")):
        body = {"properties": {"ttl": 1, "aRecords": [{"ipv4Address": address}]}}
        await arm.call("PUT", record, body, version=DNS)
    for name, target in (("alias", "x.deep.example.org."), ("round", "round.example.org")):
        alias = {"properties": {"ttl": 1, "cnameRecord": {"cname": target}}}
        await arm.call("PUT", f"{OTHER}/CNAME/{name}", alias, version=DNS)
    for name, addresses in (
        ("example.org", ["10.0.0.1"]),
        ("alias.example.org", ["10.0.0.2"]),
        ("round.example.org", []),
    ):
        assert (await _resolved(arm, place.network, name))["addresses"] == addresses


async def test_resolving_needs_a_network_and_a_name(arm: LocalArm) -> None:
    """A readable 400 otherwise."""
    place = await make_place(arm)
    for query in (f"network={place.network}x&name=a.b", f"network={place.network}"):
        async with arm.session.get(f"{arm.url}/_control/resolve?{query}") as response:
            assert (response.status, "message" in await response.json()) == (400, True)
