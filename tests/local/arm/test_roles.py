"""Microsoft.Authorization: role definitions and assignments, as recorded, and what they let a caller do."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from local.arm.access.roles import CONTRIBUTOR, OWNER, READER
from local.arm.documents import JsonObject, object_in, objects_in
from local.identity.tokens import ManagedIdentity
from tests.support.local_arm import (
    INSIGHTS,
    NETWORK,
    SUBSCRIPTION,
    Answer,
    LocalArm,
    group_path,
    network_path,
    resource_path,
    running_arm,
)

VERSION = "2022-04-01"
HERE = f"/subscriptions/{SUBSCRIPTION}"
AUTHORIZATION = "/providers/Microsoft.Authorization"
ROLE = "63f8a463-35f8-44ec-971a-d76c2aa711e6"
GROUP = group_path("g")
NET, OTHER = network_path("g", "net"), network_path("h", "net")


@pytest.fixture
async def arm(tmp_path: Path) -> AsyncIterator[LocalArm]:
    """Two groups with a network each; `tests` owns everything, `app` has nothing."""
    async with running_arm(tmp_path, owners=["tests"]) as running:
        for number, group in enumerate(("g", "h")):
            await running.make_group(group)
            await running.make_network(group, "net", f"10.{number}.0.0/16")
        yield running


def oid(name: str = "app") -> str:
    return ManagedIdentity(name).object_id


async def define(arm: LocalArm, *actions: str, name: str = ROLE, scope: str = HERE, **more: object) -> Answer:
    properties = {
        "roleName": f"role {name}",
        "permissions": [{"actions": list(actions)}],
        "assignableScopes": [HERE],
        **more,
    }
    path = f"{scope}{AUTHORIZATION}/roleDefinitions/{name}"
    return await arm.call("PUT", path, {"properties": properties}, version=VERSION)


async def assign(
    arm: LocalArm, scope: str = HERE, role: str = ROLE, *, name: str = "", principal: str = ""
) -> Answer:
    properties = {
        "roleDefinitionId": f"{HERE}{AUTHORIZATION}/roleDefinitions/{role}",
        "principalId": principal or oid(),
    }
    path = f"{scope}{AUTHORIZATION}/roleAssignments/{name or uuid4()}"
    return await arm.call("PUT", path, {"properties": properties}, version=VERSION)


async def allow(arm: LocalArm, *actions: str, at: str = HERE) -> None:
    """A role of these actions, assigned to `app`."""
    name = str(uuid4())
    assert (await define(arm, *actions, name=name)).status == 201
    assert (await assign(arm, at, name)).status == 201


async def get(arm: LocalArm, path: str, version: str = NETWORK) -> Answer:
    return await arm.call("GET", path, version=version, principal="app")


# --- the check


async def test_who_has_no_role_may_do_nothing_and_is_told_as_recorded(arm: LocalArm) -> None:
    answer = await get(arm, NET)
    assert (answer.status, answer.headers["x-ms-failure-cause"]) == (403, "gateway")
    assert object_in(answer.body, "error") == {
        "code": "AuthorizationFailed",
        "message": f"The client '{oid()}' with object id '{oid()}' does not have authorization to perform action "
        f"'Microsoft.Network/virtualNetworks/read' over scope '{NET}' or the scope is invalid. If access was recently "
        "granted, please refresh your credentials.",
    }


@pytest.mark.parametrize("at", [HERE, GROUP.upper(), NET])
async def test_a_role_holds_where_it_is_assigned_and_beneath(arm: LocalArm, at: str) -> None:
    await allow(arm, "microsoft.NETWORK/virtualnetworks/READ", at=at)
    assert (await get(arm, NET)).status == 200
    assert (await get(arm, OTHER)).status == (200 if at == HERE else 403)


async def test_a_group_whose_name_begins_alike_is_another(arm: LocalArm) -> None:
    await arm.make_group("g2")
    await allow(arm, "*/read", at=GROUP)
    assert (await get(arm, GROUP)).status == 200
    assert (await get(arm, group_path("g2"))).status == 403


@pytest.mark.parametrize(
    ("actions", "left_out", "status"),
    [
        (["*"], [], 200),
        (["*/read"], [], 200),
        (["Microsoft.Network/*/read"], [], 200),
        (["Microsoft.Network/virtualNetworks/*"], [], 200),
        (["Microsoft.Network/virtualNetworks"], [], 403),
        (["Microsoft.Network/virtualNetworks/subnets/read"], [], 403),
        (["*"], ["Microsoft.Network/*"], 403),
    ],
)
async def test_wildcards_stand_for_any_run_and_what_is_left_out_is_not_allowed(
    arm: LocalArm, actions: list[str], left_out: list[str], status: int
) -> None:
    permission = {"actions": actions, "notActions": left_out}
    await define(arm, permissions=[permission])
    await assign(arm)
    assert (await get(arm, NET)).status == status


async def test_a_list_is_allowed_where_it_is_of(arm: LocalArm) -> None:
    answer = await get(arm, f"{GROUP}/providers/Microsoft.Network/virtualNetworks")
    assert f"over scope '{GROUP}/providers/Microsoft.Network'" in str(answer.body)
    await allow(arm, "Microsoft.Network/virtualNetworks/read", at=GROUP)
    assert (await get(arm, f"{GROUP}/providers/Microsoft.Network/virtualNetworks")).status == 200


async def test_groups_and_resources_are_listed_as_far_as_they_may_be_read(arm: LocalArm) -> None:
    assert (await get(arm, f"{HERE}/resourceGroups")).status == 403
    await allow(arm, "*/read", at=GROUP)
    listed = await get(arm, f"{HERE}/resourceGroups")
    assert [g["name"] for g in objects_in(listed.body, "value")] == ["g"]
    listed = await get(arm, f"{HERE}/resources")
    assert [r["id"] for r in objects_in(listed.body, "value")] == [NET]


async def test_subscriptions_are_listed_in_which_the_caller_has_a_role(arm: LocalArm) -> None:
    assert objects_in((await get(arm, "/subscriptions")).body, "value") == []
    await allow(arm, "*/read", at=NET)
    assert len(objects_in((await get(arm, "/subscriptions")).body, "value")) == 1


async def test_the_roles_go_with_their_group(arm: LocalArm) -> None:
    """Who makes a group of the same name again has not given anybody a role in it."""
    await allow(arm, "*", at=GROUP)
    await arm.call("DELETE", GROUP)
    await arm.make_group("g")
    assert (await get(arm, GROUP)).status == 403


async def test_permissions_tell_what_the_callers_roles_allow_at_a_scope(arm: LocalArm) -> None:
    await allow(arm, "Microsoft.Authorization/permissions/read")
    await allow(arm, "Microsoft.Network/virtualNetworks/write", at=GROUP)
    found = await get(arm, f"{GROUP}{AUTHORIZATION}/permissions", VERSION)
    assert [p["actions"] for p in objects_in(found.body, "value")] == [
        ["Microsoft.Authorization/permissions/read"],
        ["Microsoft.Network/virtualNetworks/write"],
    ]
    found = await get(arm, f"{group_path('h')}{AUTHORIZATION}/permissions", VERSION)
    assert len(objects_in(found.body, "value")) == 1


# --- linked access

_SUBNET = f"{NET}/subnets/s"
_ZONE = resource_path("h", "Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net")
_ACCOUNT = resource_path("h", "Microsoft.Storage/storageAccounts/acct")
_WORKSPACE = resource_path("h", "Microsoft.OperationalInsights/workspaces/logs")
_RULE = resource_path("h", "Microsoft.EventHub/namespaces/stream/authorizationRules/r")
_GUARD = resource_path("h", "Microsoft.Network/networkSecurityGroups/guard")
_SHORTENED = {
    "peer/action": "Microsoft.Network/virtualNetworks/peer/action",
    "PrivateEndpointConnectionsApproval/action": (
        "Microsoft.Storage/storageAccounts/privateEndpointConnectionsApproval/action"
    ),
}
_ENDPOINT: JsonObject = {
    "subnet": {"id": f"{OTHER}/subnets/s"},
    "privateLinkServiceConnections": [
        {"name": "c", "properties": {"privateLinkServiceId": _ACCOUNT, "groupIds": ["blob"]}}
    ],
}
_LINKED: list[tuple[str, str, JsonObject, list[tuple[str, str]]]] = [
    (
        "virtualNetworks/net/virtualNetworkPeerings/p",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
        {"remoteVirtualNetwork": {"id": OTHER}},
        [("peer/action", OTHER)],
    ),
    (
        "virtualNetworks/net/subnets/s",
        "Microsoft.Network/virtualNetworks/subnets/write",
        {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": _GUARD}},
        [("Microsoft.Network/networkSecurityGroups/join/action", _GUARD)],
    ),
    (
        "privateEndpoints/e",
        "Microsoft.Network/privateEndpoints/write",
        {**_ENDPOINT},
        [
            ("Microsoft.Network/virtualNetworks/subnets/join/action", f"{OTHER}/subnets/s"),
            ("PrivateEndpointConnectionsApproval/action", _ACCOUNT),
        ],
    ),
    (
        "privateEndpoints/e/privateDnsZoneGroups/z",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/write",
        {"privateDnsZoneConfigs": [{"name": "a", "properties": {"privateDnsZoneId": _ZONE}}]},
        [("Microsoft.Network/privateDnsZones/join/action", _ZONE)],
    ),
    (
        "privateDnsZones/z.example/virtualNetworkLinks/l",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks/write",
        {"virtualNetwork": {"id": OTHER}},
        [("Microsoft.Network/virtualNetworks/join/action", OTHER)],
    ),
    (
        "virtualNetworks/net/providers/Microsoft.Insights/diagnosticSettings/s",
        "Microsoft.Insights/diagnosticSettings/write",
        {"workspaceId": _WORKSPACE, "storageAccountId": _ACCOUNT, "eventHubAuthorizationRuleId": _RULE},
        [
            ("Microsoft.OperationalInsights/workspaces/sharedKeys/action", _WORKSPACE),
            ("Microsoft.Storage/storageAccounts/listKeys/action", _ACCOUNT),
            ("Microsoft.EventHub/namespaces/authorizationRules/listkeys/action", _RULE),
        ],
    ),
]


@pytest.mark.parametrize(("path", "action", "properties", "needed"), _LINKED, ids=lambda v: str(v)[:40])
async def test_a_write_needs_rights_on_what_it_refers_to(
    arm: LocalArm, path: str, action: str, properties: JsonObject, needed: list[tuple[str, str]]
) -> None:
    """One after the other is asked for, in the words of issue threads, until all are there."""
    await allow(arm, action, at=GROUP)
    path, version = (
        resource_path("g", f"Microsoft.Network/{path}"),
        INSIGHTS if "Insights" in path else NETWORK,
    )
    body = {"location": "westeurope", "properties": properties}
    for shown, scope in needed:
        refused = await arm.call("PUT", path, body, version=version, principal="app")
        assert (refused.status, refused.error) == (403, "LinkedAuthorizationFailed")
        assert (
            f"has permission to perform action '{action}' on scope '{path}'; however, it does not have permission to "
            f"perform action '{shown}' on the linked scope(s) '{scope}'"
        ) in str(object_in(refused.body, "error")["message"])
        await allow(arm, _SHORTENED.get(shown, shown), at=group_path("h"))
    assert (await arm.call("PUT", path, body, version=version, principal="app")).status != 403


async def test_an_endpoint_that_asks_needs_no_right_on_what_it_leads_to(arm: LocalArm) -> None:
    await arm.make(
        "h", "Microsoft.Storage/storageAccounts/acct", kind="StorageV2", sku={"name": "Standard_LRS"}
    )
    await arm.call("PUT", _SUBNET, {"properties": {"addressPrefix": "10.0.1.0/24"}}, version=NETWORK)
    await allow(
        arm,
        "Microsoft.Network/privateEndpoints/write",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
    )
    asked = {
        "subnet": {"id": _SUBNET},
        "manualPrivateLinkServiceConnections": _ENDPOINT["privateLinkServiceConnections"],
    }
    path = resource_path("g", "Microsoft.Network/privateEndpoints/e")
    body = {"location": "westeurope", "properties": asked}
    assert (await arm.call("PUT", path, body, version=NETWORK, principal="app")).status == 201


async def test_the_log_tells_what_a_request_needed_and_by_which_role_it_was_allowed(arm: LocalArm) -> None:
    await allow(arm, "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write", at=GROUP)
    await allow(arm, "Microsoft.Network/virtualNetworks/peer/action", at=group_path("h"))
    body = {"properties": {"remoteVirtualNetwork": {"id": OTHER}}}
    path = f"{NET}/virtualNetworkPeerings/p"
    await arm.call("PUT", path, body, version=NETWORK, principal="app")
    last = arm.manager.log.since(0)[-1]
    assert [(r.action.rpartition("/virtualNetworks/")[2], r.scope, len(r.roles)) for r in last.rights] == [
        ("virtualNetworkPeerings/write", path, 1),
        ("peer/action", OTHER, 1),
    ]


# --- definitions and assignments


async def test_a_definition_is_made_read_and_deleted_as_recorded(arm: LocalArm) -> None:
    """Test_Authorization_RoleDefinition...Scope_CRUD: wherever it is made, its id is that in the subscription."""
    made = await define(arm, "Microsoft.Resources/subscriptions/resourceGroups/read", scope=GROUP)
    properties = object_in(made.body, "properties")
    assert (made.status, made.body["id"]) == (201, f"{HERE}{AUTHORIZATION}/roleDefinitions/{ROLE}")
    assert (properties["type"], properties["createdBy"], properties["updatedBy"]) == (
        "CustomRole",
        None,
        oid("tests"),
    )
    path = f"{HERE}{AUTHORIZATION}/roleDefinitions/{ROLE}"
    found = await arm.call("GET", path, version=VERSION)
    assert object_in(found.body, "properties")["createdBy"] == oid("tests")
    assert (await arm.call("DELETE", path, version=VERSION)).status == 200
    gone = await arm.call("GET", path, version=VERSION)
    assert (gone.status, gone.body) == (
        404,
        {
            "error": {
                "code": "RoleDefinitionDoesNotExist",
                "message": f"The specified role definition with ID '{ROLE}' does not exist.",
            }
        },
    )
    assert (await arm.call("DELETE", path, version=VERSION)).status == 204


async def test_built_in_roles_are_found_by_name(arm: LocalArm) -> None:
    names = {"Owner": OWNER, "Contributor": CONTRIBUTOR, "Reader": READER}
    for name, guid in names.items():
        path = f"{GROUP}{AUTHORIZATION}/roleDefinitions?$filter=roleName eq '{name}'"
        [found] = objects_in((await arm.call("GET", path, version=VERSION)).body, "value")
        assert (found["name"], object_in(found, "properties")["type"]) == (guid, "BuiltInRole")


async def test_an_assignment_is_made_read_listed_and_deleted_as_recorded(arm: LocalArm) -> None:
    name = "ed3c9f84-ae20-5aea-8602-58ed2eeffef1"
    made = await assign(arm, GROUP, CONTRIBUTOR, name=name)
    assert (made.status, made.body["id"]) == (201, f"{GROUP}{AUTHORIZATION}/roleAssignments/{name}")
    properties = object_in(made.body, "properties")
    assert (properties["principalType"], properties["scope"], properties["createdBy"]) == (
        "ServicePrincipal",
        GROUP,
        None,
    )
    assert (await assign(arm, GROUP, CONTRIBUTOR, name=name)).status == 200
    path = str(made.body["id"])
    assert (await arm.call("GET", path, version=VERSION)).status == 200
    assert (await arm.call("DELETE", path, version=VERSION)).status == 200
    gone = await arm.call("GET", path, version=VERSION)
    message = f"The role assignment '{name}' is not found."
    assert (gone.status, gone.body) == (
        404,
        {"error": {"code": "RoleAssignmentNotFound", "message": message}},
    )


@pytest.mark.parametrize(
    ("scope", "query", "found"),
    [
        (HERE, "", {"tests", "above", "at", "beneath"}),
        (GROUP, "", {"tests", "above", "at", "beneath"}),
        (GROUP, "?$filter=atScope()", {"tests", "above", "at"}),
        (group_path("h"), "", {"tests", "above"}),
        (HERE, f"?$filter=principalId eq '{oid('at')}'", {"at"}),
    ],
)
async def test_assignments_are_listed_at_a_scope_above_and_beneath(
    arm: LocalArm, scope: str, query: str, found: set[str]
) -> None:
    for name, place in (("above", HERE), ("at", GROUP), ("beneath", NET)):
        await assign(arm, place, READER, principal=oid(name))
    listed = await arm.call("GET", f"{scope}{AUTHORIZATION}/roleAssignments{query}", version=VERSION)
    principals = {object_in(a, "properties")["principalId"] for a in objects_in(listed.body, "value")}
    assert principals == {oid(name) for name in found}


async def test_what_azure_refuses_is_refused(arm: LocalArm) -> None:
    await define(arm, "*/read", assignableScopes=[GROUP])
    await assign(arm, GROUP, name=str(UUID(int=1)))
    answers = {
        "RoleAssignmentExists": await assign(arm, GROUP),
        "RoleAssignmentUpdateNotPermitted": await assign(arm, GROUP, READER, name=str(UUID(int=1))),
        "RoleDefinitionDoesNotExist": await assign(arm, GROUP, str(UUID(int=2))),
        "RoleAssignmentScopeNotAssignableToRoleDefinition": await assign(arm, group_path("h")),
        "InvalidRoleAssignmentId": await assign(arm, GROUP, name="mine"),
        "BadRequestFormat": await assign(arm, GROUP, principal="somebody"),
        "ResourceGroupNotFound": await assign(arm, group_path("nowhere")),
        "RoleDefinitionWithSameNameExists": await define(arm, name=str(UUID(int=3)), roleName=f"ROLE {ROLE}"),
        "RoleDefinitionHasAssignments": await arm.call(
            "DELETE", f"{HERE}{AUTHORIZATION}/roleDefinitions/{ROLE}", version=VERSION
        ),
    }
    assert {code: answer.error for code, answer in answers.items()} == {code: code for code in answers}


async def test_roles_are_saved_with_the_state(arm: LocalArm, tmp_path: Path) -> None:
    await allow(arm, "Microsoft.Network/virtualNetworks/read", at=GROUP)
    state = await arm.control("GET", "/state")
    await arm.control("POST", "/reset")
    assert (await get(arm, NET)).status == 403
    await arm.control("PUT", "/state", state)
    assert (await get(arm, NET)).status == 200
