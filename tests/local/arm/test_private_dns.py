"""Private zones, their links to virtual networks, and record sets."""

import pytest

from local.arm.documents import JsonObject, object_in, objects_in, text_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import Answer, LocalArm, resource_path

DNS = "2020-06-01"
ZONE = resource_path("dns", "Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net")
LINK = ZONE + "/virtualNetworkLinks/spoke"


async def _zone(arm: LocalArm) -> None:
    await arm.make_group("dns")
    made = await arm.call("PUT", ZONE, {"location": "global"}, version=DNS)
    assert made.status == 202, made


def _link(network: str, *, registers: bool = False) -> JsonObject:
    return {
        "location": "global",
        "properties": {"virtualNetwork": {"id": network}, "registrationEnabled": registers},
    }


async def _outcome(arm: LocalArm, answer: Answer) -> JsonObject:
    """How the operation ended that an answer has begun."""
    assert answer.status == 202, answer
    return (await arm.call("GET", answer.headers["Azure-AsyncOperation"])).body


async def test_creating_a_zone_follows_the_recording(arm: LocalArm) -> None:
    """202 with an empty object, both polling URLs in the group and Retry-After 30; polls answer 202, then 200."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2, retry_after=None)
    await arm.make_group("dns")
    made = await arm.call("PUT", ZONE, {"location": "global"}, version=DNS)
    assert (made.status, made.body, made.headers["Retry-After"]) == (202, {}, "30")
    status, result = made.headers["Azure-AsyncOperation"], made.headers["Location"]
    group = ZONE.partition("/privateDnsZones")[0]
    assert f"{group}/privateDnsOperationStatuses/" in status
    assert f"{group}/privateDnsOperationResults/" in result
    first = await arm.call("GET", status)
    assert (first.status, first.body, "Location" in first.headers) == (202, {"status": "InProgress"}, True)
    last = await arm.call("GET", status)
    assert (last.status, last.body) == (200, {"status": "Succeeded"})
    assert (await arm.call("GET", result)).status == 200
    found = await arm.call("GET", ZONE, version=DNS)
    assert found.headers["ETag"] == found.body["etag"]
    assert object_in(found.body, "properties") == {
        "maxNumberOfRecordSets": 25000,
        "maxNumberOfVirtualNetworkLinks": 1000,
        "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
        "numberOfRecordSets": 1,
        "numberOfVirtualNetworkLinks": 0,
        "numberOfVirtualNetworkLinksWithRegistration": 0,
        "provisioningState": "Succeeded",
    }


async def test_a_zone_that_is_still_being_made_has_no_children(arm: LocalArm) -> None:
    """A record set sent too early finds no parent."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=99)
    await _zone(arm)
    early = await arm.call("PUT", ZONE + "/A/a", {"properties": {"ttl": 10}}, version=DNS)
    assert (early.status, early.error) == (404, "ParentResourceNotFound")


@pytest.mark.parametrize(
    ("name", "location", "code"),
    [
        ("example.org", "westeurope", "LocationNotAvailableForResourceType"),
        ("example", "global", "BadRequest"),
        ("example..org", "global", "BadRequest"),
        ("example.org", "", "LocationRequired"),
    ],
)
async def test_zones_that_cannot_be(arm: LocalArm, name: str, location: str, code: str) -> None:
    """Zones are global and have at least two labels."""
    await arm.make_group("dns")
    path = resource_path("dns", f"Microsoft.Network/privateDnsZones/{name}")
    refused = await arm.call("PUT", path, {"location": location}, version=DNS)
    assert (refused.status, refused.error) == (400, code)


async def test_preconditions_on_zones_fail_in_the_poll(arm: LocalArm) -> None:
    """202 all the same; the operation's end says `PreconditionFailed`, with status 200, and nothing has changed."""
    await _zone(arm)
    etag = (await arm.call("GET", ZONE, version=DNS)).body["etag"]
    body = {"location": "global", "tags": {"a": "b"}}
    for headers in ({"If-None-Match": "*"}, {"If-Match": "stale"}):
        ended = await _outcome(arm, await arm.call("PUT", ZONE, body, version=DNS, headers=headers))
        assert (ended["status"], object_in(ended, "error")["code"]) == ("Failed", "PreconditionFailed")
    assert "tags" not in (await arm.call("GET", ZONE, version=DNS)).body
    fresh = await arm.call("PUT", ZONE, body, version=DNS, headers={"If-Match": str(etag)})
    assert await _outcome(arm, fresh) == {"status": "Succeeded"}
    changed = (await arm.call("GET", ZONE, version=DNS)).body
    assert (changed["tags"], changed["etag"] != etag) == ({"a": "b"}, True)


async def test_zones_are_listed_by_group_and_subscription(arm: LocalArm) -> None:
    """Both lists, and tags patched by a long operation."""
    await _zone(arm)
    patched = await arm.call("PATCH", ZONE, {"tags": {"c": "d"}}, version=DNS)
    assert await _outcome(arm, patched) == {"status": "Succeeded"}
    group = ZONE.rpartition("/")[0]
    everywhere = group.partition("/resourceGroups")[0] + "/providers/Microsoft.Network/privateDnsZones"
    for path in (group, everywhere):
        listed = objects_in((await arm.call("GET", path, version=DNS)).body, "value")
        assert [(item["id"], item["tags"]) for item in listed] == [(ZONE, {"c": "d"})]


async def test_a_link_is_in_progress_and_then_completed(arm: LocalArm) -> None:
    """Its zone counts it, and cannot be deleted before it has gone."""
    await _zone(arm)
    spoke = await arm.make_network("dns", "spoke", "10.1.0.0/16")
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2)
    made = await arm.call("PUT", LINK, _link(spoke), version=DNS)
    assert (made.status, made.body) == (202, {})
    running = await arm.call("GET", LINK, version=DNS)
    assert object_in(running.body, "properties")["virtualNetworkLinkState"] == "InProgress"
    await arm.call("GET", LINK, version=DNS)
    found = await arm.call("GET", LINK, version=DNS)
    assert object_in(found.body, "properties") == {
        "provisioningState": "Succeeded",
        "registrationEnabled": False,
        "virtualNetwork": {"id": spoke},
        "virtualNetworkLinkState": "Completed",
    }
    assert found.headers["ETag"] == found.body["etag"]
    zone = await arm.call("GET", ZONE, version=DNS)
    assert object_in(zone.body, "properties")["numberOfVirtualNetworkLinks"] == 1
    refused = await arm.call("DELETE", ZONE, version=DNS)
    assert (refused.status, refused.error) == (409, "CannotDeleteResource")
    assert "virtualNetworkLinks/spoke" in str(refused.body)


async def test_a_zone_goes_with_its_record_sets_once_its_links_have_gone(arm: LocalArm) -> None:
    """Deletions answer 202 with both headers, 204 for what is not there."""
    await _zone(arm)
    spoke = await arm.make_network("dns", "spoke", "10.1.0.0/16")
    await arm.call("PUT", LINK, _link(spoke), version=DNS)
    for path in (LINK, ZONE):
        deleted = await arm.call("DELETE", path, version=DNS)
        assert (deleted.status, "Location" in deleted.headers) == (202, True)
        assert (await arm.call("DELETE", path, version=DNS)).status == 204
    assert (await arm.call("GET", ZONE, version=DNS)).error == "ResourceNotFound"
    assert not arm.manager.store.of_type("Microsoft.Network/privateDnsZones/SOA")


async def test_a_network_is_linked_once_to_a_name_and_registers_in_one_zone(arm: LocalArm) -> None:
    """Conflicts show in the poll: overlapping namespaces, a second registration, an unknown network."""
    await _zone(arm)
    spoke = await arm.make_network("dns", "spoke", "10.1.0.0/16")
    await arm.call("PUT", LINK, _link(spoke, registers=True), version=DNS)
    again = await arm.call("PUT", ZONE + "/virtualNetworkLinks/again", _link(spoke.upper()), version=DNS)
    assert object_in(await _outcome(arm, again), "error")["code"] == "BadRequest"
    other = resource_path("dns", "Microsoft.Network/privateDnsZones/example.org")
    await arm.call("PUT", other, {"location": "global"}, version=DNS)
    second = await arm.call(
        "PUT", other + "/virtualNetworkLinks/l", _link(spoke, registers=True), version=DNS
    )
    assert object_in(await _outcome(arm, second), "error")["code"] == "Conflict"
    absent = await arm.call("PUT", other + "/virtualNetworkLinks/l", _link(spoke + "x"), version=DNS)
    assert (await _outcome(arm, absent))["status"] == "Failed"
    resolves = await arm.call("PUT", other + "/virtualNetworkLinks/l", _link(spoke), version=DNS)
    assert (await _outcome(arm, resolves))["status"] == "Succeeded"
    listed = await arm.call("GET", ZONE + "/virtualNetworkLinks", version=DNS)
    assert [item["name"] for item in objects_in(listed.body, "value")] == ["spoke"]


async def test_a_link_keeps_what_a_patch_leaves_out(arm: LocalArm) -> None:
    """Registration can be switched on alone; the network stays."""
    await _zone(arm)
    spoke = await arm.make_network("dns", "spoke", "10.1.0.0/16")
    await arm.call("PUT", LINK, {**_link(spoke), "tags": {"a": "b"}}, version=DNS)
    changed = await arm.call("PATCH", LINK, {"properties": {"registrationEnabled": True}}, version=DNS)
    assert await _outcome(arm, changed) == {"status": "Succeeded"}
    found = (await arm.call("GET", LINK, version=DNS)).body
    properties = object_in(found, "properties")
    assert (found["tags"], properties["registrationEnabled"]) == ({"a": "b"}, True)
    assert properties["virtualNetwork"] == {"id": spoke}


async def test_the_links_of_a_deleted_network_are_cleared(arm: LocalArm) -> None:
    """The zone can be deleted afterwards."""
    await _zone(arm)
    spoke = await arm.make_network("dns", "spoke", "10.1.0.0/16")
    await arm.call("PUT", LINK, _link(spoke), version=DNS)
    await arm.call("DELETE", spoke, version=DNS)
    assert (await arm.call("GET", LINK, version=DNS)).status == 404
    assert (await arm.call("DELETE", ZONE, version=DNS)).status == 202


@pytest.mark.parametrize(
    ("type_", "records"),
    [
        ("A", {"aRecords": [{"ipv4Address": "10.0.0.4"}]}),
        ("AAAA", {"aaaaRecords": [{"ipv6Address": "2001:db8::1"}]}),
        ("CNAME", {"cnameRecord": {"cname": "example.org"}}),
        ("MX", {"mxRecords": [{"exchange": "mail.example.org", "preference": 10}]}),
        ("PTR", {"ptrRecords": [{"ptrdname": "example.org"}]}),
        ("SRV", {"srvRecords": [{"port": 1, "priority": 2, "target": "x.example.org", "weight": 3}]}),
        ("TXT", {"txtRecords": [{"value": ["text"]}]}),
    ],
)
async def test_record_sets_of_each_type(arm: LocalArm, type_: str, records: JsonObject) -> None:
    """201, then 200 under another etag, GET with ETag, and DELETE 200; lower-case types are the same."""
    await _zone(arm)
    path = f"{ZONE}/{type_.lower()}/one"
    body = {"properties": {"ttl": 60, **records}}
    made = await arm.call("PUT", path, body, version=DNS)
    assert (made.status, made.headers["ETag"]) == (201, made.body["etag"])
    assert made.body["id"] == f"{ZONE}/{type_}/one"
    assert object_in(made.body, "properties") == {
        "fqdn": "one.privatelink.blob.core.windows.net.",
        "ttl": 60,
        **records,
        "isAutoRegistered": False,
    }
    again = await arm.call("PUT", path, body, version=DNS)
    assert (again.status, again.body["etag"] != made.body["etag"]) == (200, True)
    assert (await arm.call("GET", path, version=DNS)).body == again.body
    zone = await arm.call("GET", ZONE, version=DNS)
    assert object_in(zone.body, "properties")["numberOfRecordSets"] == 2
    assert (await arm.call("DELETE", path, version=DNS)).status == 200
    assert (await arm.call("DELETE", path, version=DNS)).status == 204


async def test_record_sets_are_listed_all_and_by_type(arm: LocalArm) -> None:
    """`ALL` includes the SOA record set that came with the zone; a suffix narrows it down."""
    await _zone(arm)
    for name in ("one", "two"):
        await arm.call("PUT", f"{ZONE}/A/{name}", {"properties": {"ttl": 60}}, version=DNS)
    for query, names in (("A", ["one", "two"]), ("ALL", ["one", "two", "@"]), ("SOA", ["@"])):
        listed = await arm.call("GET", f"{ZONE}/{query}", version=DNS)
        assert [item["name"] for item in objects_in(listed.body, "value")] == names
    narrowed = await arm.call("GET", f"{ZONE}/ALL?$recordsetnamesuffix=wo", version=DNS)
    assert [item["name"] for item in objects_in(narrowed.body, "value")] == ["two"]


async def test_record_sets_are_guarded_by_etags_at_once(arm: LocalArm) -> None:
    """412 without the `error` wrapper, for a stale etag and for one that must not be there yet; a bare 404 too."""
    await _zone(arm)
    path, body = f"{ZONE}/A/one", {"properties": {"ttl": 60}}
    missing = await arm.call("GET", path, version=DNS)
    assert (missing.status, missing.body["code"], "error" in missing.body) == (404, "NotFound", False)
    etag = (await arm.call("PUT", path, body, version=DNS)).body["etag"]
    for headers in ({"If-None-Match": "*"}, {"If-Match": "stale"}):
        refused = await arm.call("PUT", path, body, version=DNS, headers=headers)
        assert (refused.status, refused.body["code"]) == (412, "PreconditionFailed")
        assert (await arm.call("DELETE", path, version=DNS, headers={"If-Match": "stale"})).status == 412
    fresh = await arm.call(
        "PATCH", path, {"properties": {"ttl": 5}}, version=DNS, headers={"If-Match": str(etag)}
    )
    assert object_in(fresh.body, "properties")["ttl"] == 5


@pytest.mark.parametrize(
    ("path", "records", "status"),
    [
        ("A/x", {"aRecords": [{"ipv4Address": "ten"}]}, 400),
        ("AAAA/x", {"aaaaRecords": [{"ipv6Address": "10.0.0.1"}]}, 400),
        ("CNAME/taken", {"cnameRecord": {"cname": "example.org"}}, 409),
        ("TXT/alias", {"txtRecords": []}, 409),
        ("SOA/other", {}, 400),
    ],
)
async def test_record_sets_that_cannot_be(arm: LocalArm, path: str, records: JsonObject, status: int) -> None:
    """Addresses must be addresses, an alias stands alone, and the only SOA is the zone's."""
    await _zone(arm)
    await arm.call("PUT", f"{ZONE}/A/taken", {"properties": {"ttl": 60}}, version=DNS)
    alias = {"properties": {"ttl": 60, "cnameRecord": {"cname": "example.org"}}}
    await arm.call("PUT", f"{ZONE}/CNAME/alias", alias, version=DNS)
    refused = await arm.call("PUT", f"{ZONE}/{path}", {"properties": {"ttl": 60, **records}}, version=DNS)
    assert refused.status == status


async def test_the_authority_of_a_zone_keeps_host_and_serial(arm: LocalArm) -> None:
    """Everything else of the SOA record can be changed; it cannot be deleted."""
    await _zone(arm)
    record: JsonObject = {"email": "me.example.org", "host": "mine", "serialNumber": 9, "refreshTime": 4}
    changed = await arm.call(
        "PUT", ZONE + "/SOA/@", {"properties": {"ttl": 60, "soaRecord": record}}, version=DNS
    )
    assert object_in(changed.body, "properties", "soaRecord") == {
        "email": "me.example.org",
        "expireTime": 2419200,
        "host": "azureprivatedns.net",
        "minimumTtl": 10,
        "refreshTime": 4,
        "retryTime": 300,
        "serialNumber": 1,
    }
    assert (await arm.call("DELETE", ZONE + "/SOA/@", version=DNS)).status == 400


async def test_zones_links_and_records_survive_a_restart(arm: LocalArm) -> None:
    """The state's document holds them, with their etags."""
    await _zone(arm)
    spoke = await arm.make_network("dns", "spoke", "10.1.0.0/16")
    await arm.call("PUT", LINK, _link(spoke), version=DNS)
    await arm.call("PUT", ZONE + "/A/one", {"properties": {"ttl": 60}}, version=DNS)
    paths = (ZONE, LINK, ZONE + "/A/one", ZONE + "/ALL")
    before = [(await arm.call("GET", path, version=DNS)).body for path in paths]
    state = await arm.control("GET", "/state")
    await arm.control("POST", "/reset")
    await arm.control("PUT", "/state", state)
    assert [(await arm.call("GET", path, version=DNS)).body for path in paths] == before


async def test_an_injected_failure_ends_the_operation_badly(arm: LocalArm) -> None:
    """A link whose operation fails says so in its state and in the poll."""
    await _zone(arm)
    spoke = await arm.make_network("dns", "spoke", "10.1.0.0/16")
    await arm.control("POST", "/faults", {"match": {"method": "PUT"}, "fail_operation": True})
    ended = await _outcome(arm, await arm.call("PUT", LINK, _link(spoke), version=DNS))
    assert (ended["status"], text_in(object_in(ended, "error"), "code") is not None) == ("Failed", True)
    found = await arm.call("GET", LINK, version=DNS)
    assert object_in(found.body, "properties")["provisioningState"] == "Failed"
