"""Resource groups, over raw HTTPS, against what the recordings show."""

from local.arm.documents import objects_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import NETWORK, LocalArm, group_path, network_path, resource_path

GROUP = group_path("node-a")


async def test_a_group_is_created_once_and_then_updated(arm: LocalArm) -> None:
    """The first PUT answers 201, the second 200, both with the document of the recordings."""
    created = await arm.call("PUT", GROUP, {"location": "West Europe", "tags": {"mesh-node": "a"}})
    assert created.status == 201
    assert created.body == {
        "id": GROUP,
        "name": "node-a",
        "type": "Microsoft.Resources/resourceGroups",
        "location": "westeurope",
        "tags": {"mesh-node": "a"},
        "properties": {"provisioningState": "Succeeded"},
    }
    updated = await arm.call("PUT", GROUP.upper(), {"location": "westeurope"})
    assert (updated.status, updated.body["name"], "tags" in updated.body) == (200, "node-a", False)


async def test_deleting_a_group_is_a_long_operation(arm: LocalArm) -> None:
    """202 with Location only, Deleting meanwhile, writes refused, then 200 and 404."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=3, retry_after=None)
    await arm.make_group("node-a")
    deleting = await arm.call("DELETE", GROUP)
    assert deleting.status == 202
    assert deleting.headers["Retry-After"] == "15"
    assert "Azure-AsyncOperation" not in deleting.headers
    during = await arm.call("GET", GROUP)
    assert during.body["properties"] == {"provisioningState": "Deleting"}
    refused = await arm.call(
        "PUT", resource_path("node-a", "Microsoft.Web/serverfarms/x"), {"location": "westeurope"}
    )
    assert (refused.status, refused.error) == (409, "ResourceGroupBeingDeleted")
    polls = [await arm.call("GET", deleting.headers["Location"]) for _ in range(2)]
    assert [poll.status for poll in polls] == [202, 200]
    gone = await arm.call("GET", GROUP)
    assert (gone.status, gone.error) == (404, "ResourceGroupNotFound")
    assert gone.headers["x-ms-failure-cause"] == "gateway"


async def test_deleting_a_group_twice_joins_the_running_deletion(arm: LocalArm) -> None:
    """A second DELETE while the first runs announces the same polling URL."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=9)
    await arm.make_group("node-a")
    first, second = [await arm.call("DELETE", GROUP) for _ in range(2)]
    assert first.headers["Location"] == second.headers["Location"]


async def test_deleting_a_group_disconnects_the_peerings_of_others(arm: LocalArm) -> None:
    """What was in the group goes, and the far side of its peering is left Disconnected."""
    await arm.make_group("node-a")
    await arm.make_group("hub")
    spoke = await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    hub = await arm.make_network("hub", "hub", "10.0.0.0/16")
    await arm.peer(spoke, hub, "to-hub")
    await arm.peer(hub, spoke, "to-spoke")
    await arm.call("DELETE", GROUP)
    assert (await arm.call("GET", spoke, version=NETWORK)).error == "ResourceGroupNotFound"
    assert (await arm.peering(hub, "to-spoke"))["peeringState"] == "Disconnected"


async def test_a_group_whose_network_is_in_use_elsewhere_is_not_deleted(arm: LocalArm) -> None:
    """The poll fails with PascalCase keys, the group is back, and what could go is gone."""
    await arm.make_group("node-a")
    await arm.make_group("other")
    subnets = [{"name": "default", "properties": {"addressPrefix": "10.1.0.0/24"}}]
    network = await arm.make_network("node-a", "spoke", "10.1.0.0/16", subnets=subnets)
    await arm.make("node-a", "Microsoft.KeyVault/vaults/kv")
    configurations = [{"properties": {"subnet": {"id": f"{network}/subnets/default"}}}]
    await arm.make(
        "other", "Microsoft.Network/networkInterfaces/nic", properties={"ipConfigurations": configurations}
    )
    deleting = await arm.call("DELETE", GROUP)
    poll = await arm.call("GET", deleting.headers["Location"])
    assert poll.status == 409
    error = poll.body["Error"]
    assert isinstance(error, dict)
    assert error["Code"] == "ResourceGroupDeletionTimeout"
    assert (await arm.call("GET", GROUP)).body["properties"] == {"provisioningState": "Succeeded"}
    left = await arm.call("GET", GROUP + "/resources")
    assert [item["id"] for item in objects_in(left.body, "value")] == [network_path("node-a", "spoke")]


async def test_groups_are_listed_by_tag_page_by_page(arm: LocalArm) -> None:
    """Pages are filled before they are filtered, so one may be empty and still have a nextLink."""
    arm.manager.page_size = 2
    for name in ("a", "b", "c", "d", "e"):
        await arm.make_group(name, tags={"mesh-node": "x"} if name == "e" else {"MESH-OTHER": "x"})
    url = group_path("").rstrip("/") + "?$filter=tagName eq 'Mesh-Node' and tagValue eq 'x'"
    sizes: list[int] = []
    while url:
        page = await arm.call("GET", url)
        sizes.append(len(objects_in(page.body, "value")))
        url = str(page.body.get("nextLink", ""))
    assert sizes == [0, 0, 1]


async def test_top_limits_a_page_and_a_wrong_token_is_refused(arm: LocalArm) -> None:
    """`$top=1` gives one group and a nextLink; a made-up `$skiptoken` is a 400."""
    for name in ("a", "b"):
        await arm.make_group(name)
    groups = group_path("").rstrip("/")
    page = await arm.call("GET", groups + "?$top=1")
    assert [item["name"] for item in objects_in(page.body, "value")] == ["a"]
    following = await arm.call("GET", str(page.body["nextLink"]))
    assert [item["name"] for item in objects_in(following.body, "value")] == ["b"]
    assert (await arm.call("GET", groups + "?$skiptoken=%FF!")).error == "InvalidSkipToken"
    assert (await arm.call("GET", groups + "?$filter=nonsense")).error == "InvalidFilterInQueryString"


async def test_invalid_groups_are_refused_as_recorded(arm: LocalArm) -> None:
    """A bad region, a bad name, and moving a group to another region."""
    bad_region = await arm.call("PUT", GROUP, {"location": "BadLocation"})
    assert (bad_region.status, bad_region.error) == (400, "LocationNotAvailableForResourceGroup")
    bad_name = await arm.call("PUT", group_path("~`123"), {"location": "westeurope"})
    assert (bad_name.status, bad_name.error) == (400, "InvalidResourceGroup")
    await arm.make_group("node-a")
    moved = await arm.call("PUT", GROUP, {"location": "northeurope"})
    assert (moved.status, moved.error) == (409, "InvalidResourceGroupLocation")
    assert (await arm.call("PUT", GROUP, {})).error == "LocationRequired"


async def test_existence_and_patch(arm: LocalArm) -> None:
    """HEAD tells existence without a body; PATCH replaces the tags and leaves the region alone."""
    assert (await arm.call("HEAD", GROUP)).status == 404
    await arm.make_group("node-a", tags={"a": "1"})
    assert (await arm.call("HEAD", GROUP)).status == 204
    patched = await arm.call("PATCH", GROUP, {"tags": {"b": "2"}})
    assert (patched.body["tags"], patched.body["location"]) == ({"b": "2"}, "westeurope")
