"""Answers of Resource Manager as our values; the bodies have the shape of recorded ones, explicit nulls included."""

import json

import pytest
from azure.mgmt.monitor.v2021_05_01_preview import models as monitor
from azure.mgmt.resource.resources import models as resources

from shared.adapters.arm import shapes
from shared.adapters.arm.networks import networks_path, read_network, read_networks
from shared.domain.diagnostics import DiagnosticSetting, Selection
from shared.domain.errors import Transient
from shared.domain.network import PeeringFlags

SETTING = {
    "id": "/subscriptions/s/resourcegroups/g/providers/microsoft.logic/workflows/w/providers/microsoft.insights/x",
    "name": "mesh",
    "location": None,
    "properties": {
        "storageAccountId": None,
        "serviceBusRuleId": None,
        "workspaceId": "/w",
        "eventHubAuthorizationRuleId": "/rule",
        "eventHubName": "hub",
        "metrics": [
            {"category": "AllMetrics", "enabled": False, "retentionPolicy": {"enabled": False, "days": 0}}
        ],
        "logs": [
            {"category": "WorkflowRuntime", "categoryGroup": None, "enabled": True},
            {"category": "Other", "categoryGroup": None, "enabled": False},
            {"category": None, "categoryGroup": "audit", "enabled": True},
        ],
        "logAnalyticsDestinationType": None,
    },
    "identity": None,
}
PEERING = {
    "name": "p",
    "id": "/n/virtualNetworkPeerings/p",
    "properties": {
        "provisioningState": "Succeeded",
        "peeringState": "Initiated",
        "peeringSyncLevel": "RemoteNotInSync",
        "remoteVirtualNetwork": {"id": "/hub"},
        "allowVirtualNetworkAccess": True,
        "allowForwardedTraffic": True,
        "allowGatewayTransit": False,
        "useRemoteGateways": False,
        "remoteAddressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
    },
}


def test_only_what_a_setting_has_enabled_counts() -> None:
    found = shapes.setting(monitor.DiagnosticSettingsResource.deserialize(SETTING))
    selection = Selection(logs=frozenset({"WorkflowRuntime"}), groups=frozenset({"audit"}))
    assert found == DiagnosticSetting("mesh", selection, "/w", "/rule", "hub", "")


def test_a_setting_with_nothing_but_nulls_is_empty() -> None:
    bare = {"name": "theirs", "properties": {"logs": None, "metrics": None, "workspaceId": None}}
    found = shapes.setting(monitor.DiagnosticSettingsResource.deserialize(bare))
    assert found == DiagnosticSetting("theirs", Selection())


def test_a_setting_is_sent_with_what_it_selects_and_nothing_else() -> None:
    selection = Selection(groups=frozenset({"allLogs"}), metrics=frozenset({"AllMetrics"}))
    chosen = {
        "logs": [{"categoryGroup": "allLogs", "enabled": True}],
        "metrics": [{"category": "AllMetrics", "enabled": True}],
    }
    sent = shapes.setting_body(DiagnosticSetting("s", selection, "/w")).serialize()
    assert sent == {"properties": {"workspaceId": "/w", **chosen}}
    sent = shapes.setting_body(DiagnosticSetting("s", selection, "", "/rule", "hub", "/account")).serialize()
    sinks = {
        "eventHubAuthorizationRuleId": "/rule",
        "eventHubName": "hub",
        "storageAccountId": "/account",
    }
    assert sent == {"properties": {**sinks, **chosen}}


def test_a_network_comes_with_its_peerings_and_without_what_it_leaves_out() -> None:
    body = {
        "id": "/n",
        "name": "n",
        "location": "westeurope",
        "properties": {"virtualNetworkPeerings": [PEERING]},
    }
    found = read_network(json.dumps(body).encode(), "/n")
    assert (found.address_prefixes, found.provisioning_state) == ((), "")
    [peering] = found.peerings
    assert (peering.state, peering.sync_level, peering.remote_network) == (
        "Initiated",
        "RemoteNotInSync",
        "/hub",
    )
    assert peering.remote_address_prefixes == ("10.0.0.0/16",)
    assert peering.flags == PeeringFlags(allow_forwarded_traffic=True)


def test_a_page_of_networks_names_the_next_even_where_it_is_empty() -> None:
    assert read_networks(b'{"value": [], "nextLink": "https://m/next"}', "/g") == ([], "https://m/next")
    assert read_networks(b'{"value": [], "nextLink": null}', "/g") == ([], "")


@pytest.mark.parametrize("body", [b"", b'{"id": "/n", "na', b"[]", b"<html>", b'{"name": "n"}'])
def test_an_answer_that_is_no_network_may_pass(body: bytes) -> None:
    with pytest.raises(Transient) as failure:
        read_network(body, "/n")
    assert (failure.value.reason, failure.value.target) == ("UnreadableAnswer", "/n")


def test_names_in_a_path_are_quoted() -> None:
    path = networks_path("s", "gr (ü)", "n?/x").partition("?")[0]
    assert path.endswith(
        "/resourceGroups/gr%20%28%C3%BC%29/providers/Microsoft.Network/virtualNetworks/n%3F%2Fx"
    )


def test_a_peering_is_sent_with_every_flag() -> None:
    sent = shapes.peering_body("/hub", PeeringFlags(use_remote_gateways=True)).as_dict()
    assert sent == {
        "properties": {
            "remoteVirtualNetwork": {"id": "/hub"},
            "allowVirtualNetworkAccess": True,
            "allowForwardedTraffic": False,
            "allowGatewayTransit": False,
            "useRemoteGateways": True,
        }
    }


def test_a_group_that_is_being_deleted_says_so() -> None:
    body = {"id": "/g", "location": "westeurope", "properties": {"provisioningState": "Deleting"}}
    found = shapes.group(resources.ResourceGroup(body))
    assert (found.deleting, dict(found.tags)) == (True, {})


def test_a_metric_category_is_told_from_a_log() -> None:
    bodies = [
        {"name": "A", "properties": {"categoryType": "Logs", "categoryGroups": ["allLogs"]}},
        {"name": "M", "properties": {"categoryType": "Metrics", "categoryGroups": None}},
    ]
    found = [shapes.category(monitor.DiagnosticSettingsCategoryResource.deserialize(body)) for body in bodies]
    assert [(c.name, c.is_metric, c.groups) for c in found] == [("A", False, ("allLogs",)), ("M", True, ())]
