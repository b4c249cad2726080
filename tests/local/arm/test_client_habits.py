"""How clients other than Azure's for Python ask: spellings, headers, filters, and the order in which they work."""

from urllib.parse import quote

import pytest

from local.arm.documents import JsonObject, object_in, objects_in, text_in
from tests.support.local_arm import (
    NETWORK,
    RESOURCES,
    SUBSCRIPTION,
    Answer,
    LocalArm,
    group_path,
    network_path,
    resource_path,
)

HUB = network_path("mesh", "hub")
SPOKE = network_path("mesh", "spoke")
RESOURCE_LIST = f"/subscriptions/{SUBSCRIPTION}/resources"


@pytest.fixture(autouse=True)
async def _group(arm: LocalArm) -> None:
    await arm.make_group("mesh")


@pytest.mark.parametrize(
    "path",
    [
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/mesh",
        f"/SUBSCRIPTIONS/{SUBSCRIPTION.upper()}/RESOURCEGROUPS/MESH",
        group_path("mesh") + "/",
        "/" + group_path("mesh"),
    ],
    ids=["lower", "upper", "trailing slash", "double slash"],
)
async def test_one_group_under_every_spelling(arm: LocalArm, path: str) -> None:
    """The answer has Azure's own spelling of the id; names of query parameters are compared without case too."""
    found = await arm.call("GET", f"{path}?API-VERSION={RESOURCES}", version=None)
    assert (found.status, found.body["id"]) == (200, group_path("mesh"))


async def test_request_ids_and_languages_are_taken(arm: LocalArm) -> None:
    """The client's request id comes back, as .NET and Java clients ask for it."""
    asked = {
        "x-ms-client-request-id": "0a0a",
        "x-ms-return-client-request-id": "true",
        "Accept-Language": "de-DE",
        "Prefer": "respond-async",
    }
    found = await arm.call("GET", group_path("mesh"), headers=asked)
    assert found.headers["x-ms-client-request-id"] == "0a0a"
    assert found.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ("", ["a", "hub"]),
        ("resourceType eq 'Microsoft.Network/virtualNetworks'", ["hub"]),
        ("resourcetype EQ 'microsoft.network/virtualnetworks'", ["hub"]),
        (
            "name eq 'a' and (resourceType eq 'Microsoft.X/y' or resourceType eq 'Microsoft.KeyVault/vaults')",
            ["a"],
        ),
        ("(name eq 'a') or (name eq 'hub')", ["a", "hub"]),
        ("substringof('u', name)", ["hub"]),
        ("tagName eq 'team' and tagValue eq 'x (or) y'", ["a"]),
        ("tagname eq 'TEAM'", ["a"]),
        ("location ne 'westeurope'", []),
    ],
)
async def test_filters_as_clients_spell_them(arm: LocalArm, filter_: str, names: list[str]) -> None:
    """The `az` CLI filters in parentheses, and with an empty filter."""
    await arm.make("mesh", "Microsoft.KeyVault/vaults/a", tags={"team": "x (or) y"})
    await arm.make_network("mesh", "hub", "10.0.0.0/16")
    found = await arm.call("GET", f"{RESOURCE_LIST}?$filter={quote(filter_)}")
    assert sorted(str(item["name"]) for item in objects_in(found.body, "value")) == names


@pytest.mark.parametrize(
    "filter_", ["name", "name eq a", "(name eq 'a'", "nonsense eq 'a'", "name eq 'a' and"]
)
async def test_filters_that_mean_nothing_are_refused(arm: LocalArm, filter_: str) -> None:
    found = await arm.call("GET", f"{RESOURCE_LIST}?$filter={quote(filter_)}")
    assert (found.status, found.error) == (400, "InvalidFilterInQueryString")


async def test_a_list_by_tag_shows_no_tags(arm: LocalArm) -> None:
    """As recorded in 2018: id, name, type and location, whatever `$expand` asks for."""
    await arm.make("mesh", "Microsoft.KeyVault/vaults/a", tags={"team": "x"})
    query = quote("tagname eq 'team'")
    found = await arm.call("GET", f"{RESOURCE_LIST}?$filter={query}&$expand=createdTime,changedTime")
    (item,) = objects_in(found.body, "value")
    assert set(item) == {"id", "name", "type", "location"}


@pytest.mark.parametrize(
    ("version", "shown", "hidden"),
    [
        (
            "2016-09-01",
            set(),
            {"enableDdosProtection", "virtualNetworkPeerings", "privateEndpointVNetPolicies"},
        ),
        ("2019-11-01", {"enableVmProtection", "virtualNetworkPeerings"}, {"privateEndpointVNetPolicies"}),
        ("2022-01-01", {"enableDdosProtection"}, {"enableVmProtection", "privateEndpointVNetPolicies"}),
        ("2025-03-01", {"privateEndpointVNetPolicies"}, {"enableVmProtection"}),
    ],
)
async def test_old_versions_show_what_they_knew(
    arm: LocalArm, version: str, shown: set[str], hidden: set[str]
) -> None:
    """One network, asked for with versions of ten years; children have a type since 2017-10-01."""
    await arm.make_network("mesh", "hub", "10.0.0.0/16", subnets=[_subnet("s", "10.0.0.0/24")])
    found = await arm.call("GET", HUB, version=version)
    properties = object_in(found.body, "properties")
    assert shown <= set(properties)
    assert not hidden & set(properties)
    (subnet,) = objects_in(properties, "subnets")
    assert ("type" in subnet) == (version >= "2017-10-01")


async def test_terraforms_order_of_work(arm: LocalArm) -> None:
    """Network with inline subnets, a subnet of its own with a security group, the network again, then all away.

    A PUT of the network that names only one subnet removes the other; one still in use cannot go.
    """
    await arm.make_network("mesh", "hub", "10.0.0.0/16", subnets=[_subnet("inline", "10.0.0.0/24")])
    guard = await arm.make("mesh", "Microsoft.Network/networkSecurityGroups/guard")
    alone: JsonObject = {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": guard}}
    made = await arm.call("PUT", f"{HUB}/subnets/alone", {"properties": alone}, version=NETWORK)
    assert made.status == 201
    subnets = objects_in((await arm.call("GET", f"{HUB}/subnets", version=NETWORK)).body, "value")
    assert [subnet["name"] for subnet in subnets] == ["inline", "alone"]
    users = object_in((await arm.call("GET", guard, version=NETWORK)).body, "properties")["subnets"]
    assert users == [{"id": f"{HUB}/subnets/alone"}]
    refused = await arm.call("DELETE", guard, version=NETWORK)
    assert (refused.status, refused.error) == (400, "InUseNetworkSecurityGroupCannotBeDeleted")
    await arm.make_network("mesh", "hub", "10.0.0.0/16", subnets=[_subnet("inline", "10.0.0.0/24")])
    assert (await arm.call("GET", f"{HUB}/subnets/alone", version=NETWORK)).error == "NotFound"
    for path in (guard, HUB):
        assert (await arm.call("DELETE", path, version=NETWORK)).status == 202
    orphan = await arm.call("DELETE", f"{HUB}/subnets/inline", version=NETWORK)
    assert (orphan.status, orphan.error) == (404, "ResourceNotFound")


async def test_peering_both_ways_guarded_by_etags(arm: LocalArm) -> None:
    """The etag of before the other side came is stale: 412; the present one passes."""
    await arm.make_network("mesh", "hub", "10.0.0.0/16")
    await arm.make_network("mesh", "spoke", "10.1.0.0/16")
    await arm.peer(SPOKE, HUB, "to-hub")
    peering = f"{SPOKE}/virtualNetworkPeerings/to-hub"
    before = (await arm.call("GET", peering, version=NETWORK)).headers["ETag"]
    await arm.peer(HUB, SPOKE, "to-spoke")
    body: JsonObject = {"properties": {"remoteVirtualNetwork": {"id": HUB}, "allowForwardedTraffic": True}}

    async def update(etag: str) -> Answer:
        return await arm.call("PUT", peering, body, version=NETWORK, headers={"If-Match": etag})

    stale = await update(before)
    assert (stale.status, stale.error) == (412, "PreconditionFailed")
    present = await arm.call("GET", peering, version=NETWORK)
    assert (await update(text_in(present.body, "etag") or "")).status == 200


async def test_rules_of_a_security_group(arm: LocalArm) -> None:
    """Inline and one by one; six default rules; no two rules of one priority and direction."""
    guard = await arm.make(
        "mesh",
        "Microsoft.Network/networkSecurityGroups/guard",
        properties={"securityRules": [_rule("web", 100)]},
    )
    path = f"{guard}/securityRules/ssh"
    clash = await arm.call("PUT", path, _rule("ssh", 100), version=NETWORK)
    assert (clash.status, clash.error) == (400, "SecurityRuleConflict")
    made = await arm.call("PUT", path, _rule("ssh", 110), version=NETWORK)
    assert (made.status, object_in(made.body, "properties")["sourcePortRanges"]) == (201, [])
    properties = object_in((await arm.call("GET", guard, version=NETWORK)).body, "properties")
    assert [rule["name"] for rule in objects_in(properties, "securityRules")] == ["web", "ssh"]
    assert len(objects_in(properties, "defaultSecurityRules")) == 6
    assert (await arm.call("DELETE", path, version=NETWORK)).status == 202
    assert (await arm.call("GET", path, version=NETWORK)).error == "NotFound"


async def test_a_workspace_is_made_in_two_steps(arm: LocalArm) -> None:
    """201 Creating with the workspace as Location and an operation to poll; an update answers 200 at once."""
    path = resource_path("mesh", "Microsoft.OperationalInsights/workspaces/logs")
    body: JsonObject = {"location": "westeurope", "properties": {"sku": {"name": "Standalone"}}}
    made = await arm.call("PUT", path, body, version="2023-09-01")
    properties = object_in(made.body, "properties")
    assert (made.status, properties["provisioningState"]) == (201, "Creating")
    assert object_in(properties, "sku")["name"] == "PerGB2018"
    assert made.headers["Location"].startswith(arm.url + path)
    polled = await arm.call("GET", made.headers["Azure-AsyncOperation"], version=None)
    assert (polled.body["status"], polled.body["properties"]) == ("Succeeded", {})
    again = await arm.call("PUT", path, body, version="2023-09-01")
    assert (again.status, "Azure-AsyncOperation" in again.headers) == (200, False)
    assert object_in(again.body, "properties")["customerId"] == properties["customerId"]


def _subnet(name: str, prefix: str) -> JsonObject:
    return {"name": name, "properties": {"addressPrefix": prefix}}


def _rule(name: str, priority: int) -> JsonObject:
    return {
        "name": name,
        "properties": {
            "access": "Allow",
            "direction": "Inbound",
            "priority": priority,
            "protocol": "Tcp",
            "sourcePortRange": "*",
            "destinationPortRange": "22",
            "sourceAddressPrefix": "*",
            "destinationAddressPrefix": "*",
        },
    }
