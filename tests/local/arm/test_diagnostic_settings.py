"""Diagnostic settings and their categories."""

from collections.abc import Mapping

import pytest

from local.arm.documents import JsonObject, object_in, objects_in, text_in
from tests.support.local_arm import INSIGHTS, Answer, LocalArm, resource_path

VAULT = resource_path("node-a", "Microsoft.KeyVault/vaults/kv")
WORKSPACE = resource_path("node-a", "Microsoft.OperationalInsights/workspaces/logs")
ACCOUNT = resource_path("node-a", "Microsoft.Storage/storageAccounts/acct")
ALL_LOGS = [{"categoryGroup": "allLogs", "enabled": True}]
AUDIT_EVENT = [{"category": "AuditEvent", "enabled": True}]


@pytest.fixture(autouse=True)
async def _resources(arm: LocalArm) -> None:
    await arm.make_group("node-a")
    await arm.make("node-a", "Microsoft.KeyVault/vaults/kv")
    await arm.make("node-a", "Microsoft.OperationalInsights/workspaces/logs")
    await arm.make("node-a", "Microsoft.Storage/storageAccounts/acct")


def _settings(resource: str) -> str:
    return f"{resource}/providers/Microsoft.Insights/diagnosticSettings"


async def _put(
    arm: LocalArm,
    name: str,
    extra: Mapping[str, object] | None = None,
    resource: str = VAULT,
    **properties: object,
) -> Answer:
    sent = {"workspaceId": WORKSPACE, "logs": ALL_LOGS, **properties, **(extra or {})}
    return await arm.call("PUT", f"{_settings(resource)}/{name}", {"properties": sent}, version=INSIGHTS)


async def test_put_get_and_list_differ_as_recorded(arm: LocalArm) -> None:
    """PUT 200 with lower-case ids and explicit nulls; GET adds a disabled AllMetrics; the list does not."""
    made = await _put(arm, "one")
    lowered = VAULT.lower() + "/providers/microsoft.insights/diagnosticSettings/one"
    expected: JsonObject = {
        "id": lowered,
        "type": "Microsoft.Insights/diagnosticSettings",
        "name": "one",
        "location": None,
        "kind": None,
        "tags": None,
        "properties": {
            "storageAccountId": None,
            "serviceBusRuleId": None,
            "workspaceId": WORKSPACE,
            "eventHubAuthorizationRuleId": None,
            "eventHubName": None,
            "metrics": [],
            "logs": [
                {
                    "category": None,
                    "categoryGroup": "allLogs",
                    "enabled": True,
                    "retentionPolicy": {"enabled": False, "days": 0},
                }
            ],
            "logAnalyticsDestinationType": None,
        },
        "identity": None,
    }
    assert (made.status, made.body) == (200, expected)
    listed = await arm.call("GET", _settings(VAULT), version=INSIGHTS)
    assert listed.body == {"value": [expected]}
    single = await arm.call("GET", _settings(VAULT) + "/one", version=INSIGHTS)
    assert single.body["location"] == "westeurope"
    metrics = objects_in(object_in(single.body, "properties"), "metrics")
    assert [(entry["category"], entry["enabled"]) for entry in metrics] == [("AllMetrics", False)]


async def test_delete_and_absence(arm: LocalArm) -> None:
    """DELETE 200, then 204; an absent setting is a bare 404, an absent resource a wrapped one."""
    await _put(arm, "one")
    path = _settings(VAULT) + "/one"
    assert [(await arm.call("DELETE", path, version=INSIGHTS)).status for _ in range(2)] == [200, 204]
    absent = await arm.call("GET", path, version=INSIGHTS)
    assert (absent.status, absent.body) == (
        404,
        {"code": "ResourceNotFound", "message": "The diagnostic setting 'one' doesn't exist."},
    )
    nowhere = await arm.call("GET", _settings(VAULT + "x"), version=INSIGHTS)
    assert (nowhere.status, text_in(object_in(nowhere.body, "error"), "code")) == (404, "ResourceNotFound")


async def test_settings_outlive_their_resource(arm: LocalArm) -> None:
    """They are there again when a resource is made anew under the same id."""
    await _put(arm, "one")
    await arm.call("DELETE", VAULT)
    assert (await arm.call("GET", _settings(VAULT), version=INSIGHTS)).status == 404
    await arm.make("node-a", "Microsoft.KeyVault/vaults/kv")
    listed = await arm.call("GET", _settings(VAULT), version=INSIGHTS)
    assert [item["name"] for item in objects_in(listed.body, "value")] == ["one"]


async def test_a_sink_may_not_get_a_category_twice(arm: LocalArm) -> None:
    """Another setting with the same sink and category is a bare 409, groups counted by their categories."""
    await _put(arm, "one")
    again = await _put(arm, "two", logs=AUDIT_EVENT)
    assert (again.status, again.body["code"]) == (409, "Conflict")
    assert "is already used in diagnostic setting 'one' for category 'AuditEvent'" in str(
        again.body["message"]
    )
    other_sink = await _put(arm, "two", workspaceId=None, storageAccountId=ACCOUNT, logs=AUDIT_EVENT)
    assert other_sink.status == 200
    metrics_only = await _put(arm, "three", logs=[], metrics=[{"category": "AllMetrics", "enabled": True}])
    assert metrics_only.status == 200


async def test_five_settings_at_most(arm: LocalArm) -> None:
    """The sixth is refused; updating one of the five is not."""
    for index in range(5):
        await arm.make("node-a", f"Microsoft.OperationalInsights/workspaces/w{index}")
        workspace = resource_path("node-a", f"Microsoft.OperationalInsights/workspaces/w{index}")
        assert (await _put(arm, f"s{index}", workspaceId=workspace)).status == 200
    sixth = await _put(arm, "s5")
    assert (sixth.status, sixth.body["code"]) == (409, "Conflict")
    assert "limit of 5 diagnostic settings" in str(sixth.body["message"])
    assert (await _put(arm, "S0")).status == 200


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"workspaceId": None}, "At least one data sink"),
        ({"logs": [{"category": "Nonsense", "enabled": True}]}, "Category 'Nonsense' is not supported."),
        ({"logs": [{"categoryGroup": "most", "enabled": True}]}, "Category group 'most' is not supported."),
        ({"logs": [*ALL_LOGS, *AUDIT_EVENT]}, "cannot be enabled in the same"),
        ({"logs": [{"enabled": True}]}, "Exactly one of category and categoryGroup"),
        ({"metrics": [{"category": "Latency", "enabled": True}]}, "Category 'Latency' is not supported."),
        ({"workspaceId": WORKSPACE + "x"}, "was not found"),
        ({"workspaceId": "logs"}, "is invalid"),
    ],
)
async def test_invalid_settings_are_bare_400s(
    arm: LocalArm, properties: dict[str, object], message: str
) -> None:
    """Sinks and categories are checked, and the errors come without the `error` wrapper."""
    refused = await _put(arm, "one", properties)
    assert (refused.status, refused.body["code"]) == (400, "BadRequest")
    assert message in str(refused.body["message"])


async def test_regional_sinks_must_be_where_the_resource_is(arm: LocalArm) -> None:
    """Storage and Event Hubs of another region are refused; a workspace may be anywhere."""
    await arm.make("node-a", "Microsoft.Storage/storageAccounts/far", location="northeurope")
    await arm.make("node-a", "Microsoft.EventHub/namespaces/far", location="northeurope")
    await arm.make("node-a", "Microsoft.EventHub/namespaces/near")
    await arm.make("node-a", "Microsoft.OperationalInsights/workspaces/far", location="northeurope")
    far_account = resource_path("node-a", "Microsoft.Storage/storageAccounts/far")
    rule = "/authorizationRules/RootManageSharedAccessKey"
    far_hub = resource_path("node-a", "Microsoft.EventHub/namespaces/far") + rule
    near_hub = resource_path("node-a", "Microsoft.EventHub/namespaces/near") + rule
    far_workspace = resource_path("node-a", "Microsoft.OperationalInsights/workspaces/far")
    for refused in (
        await _put(arm, "one", storageAccountId=far_account),
        await _put(arm, "one", eventHubAuthorizationRuleId=far_hub, eventHubName="telemetry"),
    ):
        assert "Resources should be in the same region" in str(refused.body["message"])
    accepted = await _put(
        arm, "one", workspaceId=far_workspace, eventHubAuthorizationRuleId=near_hub, eventHubName="telemetry"
    )
    assert accepted.status == 200


async def test_children_that_no_list_shows(arm: LocalArm) -> None:
    """`blobServices/default` takes settings without having been created, but not to its own account."""
    blobs = ACCOUNT + "/blobServices/default"
    assert (await _put(arm, "one", resource=blobs)).status == 200
    own = await _put(arm, "two", resource=blobs, workspaceId=None, storageAccountId=ACCOUNT)
    assert "destination of its own logs" in str(own.body["message"])
    on_account = await _put(arm, "one", resource=ACCOUNT)
    assert on_account.body["message"] == "Category group 'allLogs' is not supported."


async def test_types_without_diagnostics(arm: LocalArm) -> None:
    """400 ResourceTypeNotSupported, bare, for reads and writes alike, and for the subscription itself."""
    await arm.make("node-a", "Microsoft.ManagedIdentity/userAssignedIdentities/me")
    identity = resource_path("node-a", "Microsoft.ManagedIdentity/userAssignedIdentities/me")
    for answer in (
        await _put(arm, "one", resource=identity),
        await arm.call("GET", _settings(identity), version=INSIGHTS),
        await arm.call("GET", _settings(identity) + "Categories", version=INSIGHTS),
    ):
        assert (answer.status, answer.body["code"]) == (400, "ResourceTypeNotSupported")
    assert answer.body["message"] == (
        "The resource type 'microsoft.managedidentity/userassignedidentities' does not support diagnostic settings."
    )


async def test_categories(arm: LocalArm) -> None:
    """Each category with its kind and the groups it belongs to; one can be read alone."""
    path = f"{VAULT}/providers/Microsoft.Insights/diagnosticSettingsCategories"
    listed = await arm.call("GET", path, version=INSIGHTS)
    found = {str(item["name"]): item["properties"] for item in objects_in(listed.body, "value")}
    assert found["AuditEvent"] == {"categoryType": "Logs", "categoryGroups": ["allLogs", "audit"]}
    assert found["AllMetrics"] == {"categoryType": "Metrics", "categoryGroups": []}
    single = await arm.call("GET", path + "/auditevent", version=INSIGHTS)
    assert single.body["type"] == "microsoft.insights/diagnosticSettingsCategories"
    assert (await arm.call("GET", path + "/x", version=INSIGHTS)).status == 404


async def test_the_version_before_groups(arm: LocalArm) -> None:
    """2017-05-01-preview knows neither category groups nor the type, as the Python SDK's recording shows."""
    path = _settings(VAULT) + "/one"
    body = {"properties": {"workspaceId": WORKSPACE, "logs": AUDIT_EVENT}}
    made = await arm.call("PUT", path, body, version="2017-05-01-preview")
    assert made.body["type"] is None
    assert "categoryGroup" not in objects_in(object_in(made.body, "properties"), "logs")[0]
