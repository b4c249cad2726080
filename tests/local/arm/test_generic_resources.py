"""Resources of types that have no provider of their own here."""

from local.arm.documents import objects_in, text_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import Answer, LocalArm, group_path, resource_path

FACTORY = resource_path("node-a", "Microsoft.DataFactory/factories/etl")


def _ids(answer: Answer) -> list[str]:
    return [text_in(item, "name") or "" for item in objects_in(answer.body, "value")]


async def test_put_get_patch_delete(arm: LocalArm) -> None:
    """201 first, 200 after; PATCH merges properties; DELETE 200, then 204."""
    await arm.make_group("node-a")
    body = {"location": "westeurope", "properties": {"sku": {"name": "standard"}}}
    created = await arm.call("PUT", FACTORY, body)
    assert (created.status, created.body["id"], created.body["type"]) == (
        201,
        FACTORY,
        "Microsoft.DataFactory/factories",
    )
    assert (await arm.call("PUT", FACTORY.lower(), body)).body["id"] == FACTORY
    patched = await arm.call(
        "PATCH", FACTORY, {"tags": {"a": "b"}, "properties": {"enablePurgeProtection": True}}
    )
    properties = patched.body["properties"]
    assert isinstance(properties, dict)
    assert (properties["sku"], properties["enablePurgeProtection"]) == ({"name": "standard"}, True)
    assert [(await arm.call("DELETE", FACTORY)).status for _ in range(2)] == [200, 204]
    assert (await arm.call("GET", FACTORY)).error == "ResourceNotFound"


async def test_ids_are_spelled_as_azure_spells_them(arm: LocalArm) -> None:
    """A PUT in any case gives an id with resourceGroups, the group's own name and the type's own case."""
    await arm.make_group("Node-A")
    made = await arm.call(
        "PUT",
        resource_path("node-a", "microsoft.datafactory/FACTORIES/Kv").replace(
            "resourceGroups", "resourcegroups"
        ),
        {"location": "westeurope"},
    )
    assert made.body["id"] == resource_path("Node-A", "Microsoft.DataFactory/factories/Kv")


async def test_the_group_lists_tracked_resources_only(arm: LocalArm) -> None:
    """SQL databases are listed; storage services, subnets and peerings are not."""
    await arm.make_group("node-a")
    await arm.make("node-a", "Microsoft.Sql/servers/s")
    await arm.make("node-a", "Microsoft.Sql/servers/s/databases/d")
    account = await arm.make("node-a", "Microsoft.Storage/storageAccounts/acct")
    await arm.call("PUT", account + "/blobServices/default", {"properties": {}})
    subnets = [{"name": "default", "properties": {"addressPrefix": "10.1.0.0/24"}}]
    await arm.make_network("node-a", "v", "10.1.0.0/16", subnets=subnets)
    listed = await arm.call("GET", group_path("node-a") + "/resources?$expand=createdTime,provisioningState")
    assert sorted(_ids(listed)) == ["acct", "s", "s/d", "v"]
    assert all(
        "properties" not in item and "createdTime" in item for item in objects_in(listed.body, "value")
    )
    of_type = "?$filter=resourceType eq 'microsoft.sql/servers/databases'"
    assert _ids(await arm.call("GET", group_path("node-a") + "/resources" + of_type)) == ["s/d"]


async def test_lists_by_type_and_subscription(arm: LocalArm) -> None:
    """`.../providers/Microsoft.DataFactory/factories` in a group and in the subscription; a child collection."""
    for group in ("node-a", "node-b"):
        await arm.make_group(group)
        await arm.make(group, f"Microsoft.DataFactory/factories/{group}")
        await arm.make(group, f"Microsoft.Web/serverfarms/{group}")
    await arm.make("node-a", "Microsoft.EventHub/namespaces/ns")
    await arm.make("node-a", "Microsoft.EventHub/namespaces/ns/eventhubs/telemetry")
    subscription = group_path("").partition("/resourceGroups")[0]
    assert _ids(await arm.call("GET", FACTORY.rpartition("/")[0])) == ["node-a"]
    assert _ids(await arm.call("GET", f"{subscription}/providers/Microsoft.DataFactory/factories")) == [
        "node-a",
        "node-b",
    ]
    assert _ids(await arm.call("GET", f"{subscription}/resources?$filter=resourceGroup eq 'node-b'")) == [
        "node-b",
        "node-b",
    ]
    hubs = resource_path("node-a", "Microsoft.EventHub/namespaces/ns/eventhubs")
    assert _ids(await arm.call("GET", hubs)) == ["telemetry"]


async def test_groups_and_parents_must_exist(arm: LocalArm) -> None:
    """The two shapes of 404 for what encloses a resource; services called default come with their account."""
    assert (await arm.call("PUT", FACTORY, {"location": "westeurope"})).error == "ResourceGroupNotFound"
    await arm.make_group("node-a")
    database = resource_path("node-a", "Microsoft.Sql/servers/s/databases/d")
    refused = await arm.call("PUT", database, {"location": "westeurope"})
    assert (refused.status, refused.error) == (404, "ParentResourceNotFound")
    account = await arm.make("node-a", "Microsoft.Storage/storageAccounts/acct")
    container = await arm.call("PUT", account + "/blobServices/default/containers/c", {"properties": {}})
    assert container.status == 201


async def test_regions_are_checked(arm: LocalArm) -> None:
    """A region must be given, must exist, and cannot change."""
    await arm.make_group("node-a")
    assert (await arm.call("PUT", FACTORY, {})).error == "LocationRequired"
    assert (
        await arm.call("PUT", FACTORY, {"location": "mars"})
    ).error == "LocationNotAvailableForResourceType"
    await arm.call("PUT", FACTORY, {"location": "West Europe"})
    moved = await arm.call("PUT", FACTORY, {"location": "northeurope"})
    assert (moved.status, moved.error) == (409, "InvalidResourceLocation")


async def test_a_storage_account_is_made_by_a_long_operation(arm: LocalArm) -> None:
    """202 with Location only and an empty body, as recorded; the poll ends with the account itself."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2, retry_after=None)
    await arm.make_group("node-a")
    account = resource_path("node-a", "Microsoft.Storage/storageAccounts/acct")
    begun = await arm.call("PUT", account, {"location": "westeurope", "sku": {"name": "Standard_LRS"}})
    assert (begun.status, begun.body, begun.headers["Retry-After"]) == (202, {}, "17")
    assert "Azure-AsyncOperation" not in begun.headers
    first = await arm.call("GET", begun.headers["Location"])
    second = await arm.call("GET", begun.headers["Location"])
    assert (first.status, second.status, second.body["id"]) == (202, 200, account)


async def test_a_workspace_has_a_customer_id(arm: LocalArm) -> None:
    """The customer id stays the same through updates."""
    await arm.make_group("node-a")
    workspace = await arm.make("node-a", "Microsoft.OperationalInsights/workspaces/logs")
    first = (await arm.call("GET", workspace)).body["properties"]
    await arm.make("node-a", "Microsoft.OperationalInsights/workspaces/logs", tags={"a": "b"})
    second = (await arm.call("GET", workspace)).body["properties"]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["customerId"] == second["customerId"]


async def test_names_that_must_be_unique_can_be_checked(arm: LocalArm) -> None:
    """A storage account's name is free until an account has it."""
    check = (
        group_path("").partition("/resourceGroups")[0] + "/providers/Microsoft.Storage/checkNameAvailability"
    )
    asked = {"name": "acct", "type": "Microsoft.Storage/storageAccounts"}
    assert (await arm.call("POST", check, asked)).body == {"nameAvailable": True}
    await arm.make_group("node-a")
    await arm.make("node-a", "Microsoft.Storage/storageAccounts/acct")
    taken = (await arm.call("POST", check, asked)).body
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
