"""Microsoft.Authorization: what a caller may do, while no roles are enforced."""

import pytest

from tests.support.local_arm import LocalArm, group_path, network_path, resource_path

PERMISSIONS = "/providers/Microsoft.Authorization/permissions"
VERSION = "2022-04-01"
EVERYTHING = {"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}


@pytest.mark.parametrize("scope", ["", "/PROVIDERS/microsoft.network/virtualNetworks/net"])
async def test_everybody_may_do_everything_in_a_group_and_at_a_resource(arm: LocalArm, scope: str) -> None:
    await arm.make_group("mesh")
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    await arm.call("PUT", network_path("mesh", "net"), body)
    answer = await arm.call("GET", group_path("mesh") + scope + PERMISSIONS, version=VERSION)
    assert (answer.status, answer.body) == (200, {"value": [EVERYTHING]})


async def test_a_subscription_tells_what_may_be_done_in_all_its_groups(arm: LocalArm) -> None:
    scope = group_path("mesh").rpartition("/resourceGroups/")[0]
    answer = await arm.call("GET", scope + PERMISSIONS, version=VERSION)
    assert (answer.status, answer.body) == (200, {"value": [EVERYTHING]})


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        (group_path("nobody"), "ResourceGroupNotFound"),
        (resource_path("mesh", "Microsoft.KeyVault/vaults/nothing"), "ResourceNotFound"),
        (f"{group_path('mesh')}/providers/Microsoft.KeyVault/vaults", "InvalidResourceType"),
    ],
)
async def test_there_are_no_permissions_where_nothing_is(arm: LocalArm, scope: str, code: str) -> None:
    await arm.make_group("mesh")
    answer = await arm.call("GET", scope + PERMISSIONS, version=VERSION)
    assert (answer.status, answer.error) == (404, code)


async def test_a_read_of_permissions_is_named_as_azure_names_it(arm: LocalArm) -> None:
    """The name is what a fault is matched by, and a role would have to allow."""
    await arm.make_group("mesh")
    await arm.call("GET", group_path("mesh") + PERMISSIONS, version=VERSION)
    last = arm.manager.log.since(0)[-1]
    assert (last.operation, last.kind) == ("Microsoft.Authorization/permissions/read", "read")
