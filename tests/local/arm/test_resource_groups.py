"""Resource groups, over raw HTTPS, against what the recordings show."""

from tests.support.local_arm import SUBSCRIPTION, LocalArm, OperationsMode

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/node-a"


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
    updated = await arm.call(
        "PUT", GROUP.replace("resourceGroups", "resourcegroups").upper(), {"location": "westeurope"}
    )
    assert (updated.status, updated.body["name"], "tags" in updated.body) == (200, "node-a", False)


async def test_deleting_a_group_is_a_long_operation(arm: LocalArm) -> None:
    """202 with Location only, Deleting meanwhile, writes refused, then 200 and 404."""
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=3, retry_after=None)
    await arm.call("PUT", GROUP, {"location": "westeurope"})
    deleting = await arm.call("DELETE", GROUP)
    assert deleting.status == 202
    assert deleting.headers["Retry-After"] == "15"
    assert "Azure-AsyncOperation" not in deleting.headers
    during = await arm.call("GET", GROUP)
    assert during.body["properties"] == {"provisioningState": "Deleting"}
    refused = await arm.call(
        "PUT", GROUP + "/providers/Microsoft.Web/serverfarms/x", {"location": "westeurope"}
    )
    assert (refused.status, refused.error) == (409, "ResourceGroupBeingDeleted")
    polls = [await arm.call("GET", deleting.headers["Location"]) for _ in range(2)]
    assert [poll.status for poll in polls] == [202, 200]
    gone = await arm.call("GET", GROUP)
    assert (gone.status, gone.error, gone.headers["x-ms-failure-cause"]) == (
        404,
        "ResourceGroupNotFound",
        "gateway",
    )
