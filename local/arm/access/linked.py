"""What a request needs beside its own action: rights on the resources that its body refers to ("linked access").

Sources: "Create, change, or delete a virtual network peering" (permissions), "Azure RBAC permissions for Azure Private
Link", "Virtual network service endpoints" (provisioning), "Azure permissions for Networking" (join actions), "Roles,
permissions, and security in Azure Monitor"; the actions for diagnostic settings and approvals as refusals in issue
threads name them.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from local.arm.documents import JsonObject, object_in, objects_in, text_in
from local.arm.ids import ResourceId

_NETWORK = "Microsoft.Network"
# Refusals name these two without the type, as issue threads show.
_PEER, _APPROVAL = "peer/action", "PrivateEndpointConnectionsApproval/action"
_SINKS = {
    "workspaceId": "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
    "storageAccountId": "Microsoft.Storage/storageAccounts/listKeys/action",
    "eventHubAuthorizationRuleId": "Microsoft.EventHub/namespaces/authorizationRules/listkeys/action",
}
_JOINED = {
    "networkSecurityGroup": "networkSecurityGroups",
    "routeTable": "routeTables",
    "natGateway": "natGateways",
}


class Linked(NamedTuple):
    """An action that has to be allowed on another resource. `shown` is how a refusal spells it."""

    action: str
    scope: str
    shown: str


def linked(action: str, scope: str, body: JsonObject | None) -> Iterator[Linked]:
    """What the body of a request with this action refers to; nothing where it is no write that refers to others."""
    if body is None:
        return
    properties = object_in(body, "properties")
    find = _WRITES.get(action.lower())
    for needed, where, *shown in find(properties) if find else _approval(action, scope, properties):
        if where:
            yield Linked(needed, where, shown[0] if shown else needed)


type _Found = Iterator[tuple[str, ...]]


def _peering(properties: JsonObject) -> _Found:
    remote = text_in(object_in(properties, "remoteVirtualNetwork"), "id")
    yield f"{_NETWORK}/virtualNetworks/{_PEER}", remote or "", _PEER


def _network(properties: JsonObject) -> _Found:
    for subnet in objects_in(properties, "subnets"):
        yield from _subnet(object_in(subnet, "properties"))


def _subnet(properties: JsonObject) -> _Found:
    for name, type_ in _JOINED.items():
        yield f"{_NETWORK}/{type_}/join/action", text_in(object_in(properties, name), "id") or ""


def _link(properties: JsonObject) -> _Found:
    yield (
        f"{_NETWORK}/virtualNetworks/join/action",
        text_in(object_in(properties, "virtualNetwork"), "id") or "",
    )


def _endpoint(properties: JsonObject) -> _Found:
    yield (
        f"{_NETWORK}/virtualNetworks/subnets/join/action",
        text_in(object_in(properties, "subnet"), "id") or "",
    )
    # One that asks (manualPrivateLinkServiceConnections) needs no right on what it leads to.
    for connection in objects_in(properties, "privateLinkServiceConnections"):
        target = text_in(object_in(connection, "properties"), "privateLinkServiceId") or ""
        resource = ResourceId.parse(target)
        if resource is not None:
            yield f"{resource.type}/{_APPROVAL}", target, _APPROVAL


def _approval(action: str, scope: str, properties: JsonObject) -> _Found:
    """Approving a connection takes what an endpoint that approves itself takes (inferred: roles for it list both)."""
    type_, collection, verb = action.rsplit("/", 2)
    state = text_in(object_in(properties, "privateLinkServiceConnectionState"), "status")
    if (collection.lower(), verb, state) == ("privateendpointconnections", "write", "Approved"):
        yield f"{type_}/{_APPROVAL}", scope.rsplit("/", 2)[0], _APPROVAL


def _zone_group(properties: JsonObject) -> _Found:
    for configuration in objects_in(properties, "privateDnsZoneConfigs"):
        zone = text_in(object_in(configuration, "properties"), "privateDnsZoneId")
        yield f"{_NETWORK}/privateDnsZones/join/action", zone or ""


def _setting(properties: JsonObject) -> _Found:
    for name, action in _SINKS.items():
        yield action, text_in(properties, name) or ""


def _joined(subnet: str | None) -> _Found:
    yield f"{_NETWORK}/virtualNetworks/subnets/joinViaServiceEndpoint/action", subnet or ""


def _acls(properties: JsonObject) -> _Found:
    for rule in objects_in(object_in(properties, "networkAcls"), "virtualNetworkRules"):
        yield from _joined(text_in(rule, "id"))


def _rule_set(properties: JsonObject) -> _Found:
    for rule in objects_in(properties, "virtualNetworkRules"):
        yield from _joined(text_in(object_in(rule, "subnet"), "id"))


def _sql_rule(properties: JsonObject) -> _Found:
    yield from _joined(text_in(properties, "virtualNetworkSubnetId"))


_WRITES: dict[str, Callable[[JsonObject], _Found]] = {
    "microsoft.network/virtualnetworks/virtualnetworkpeerings/write": _peering,
    "microsoft.network/virtualnetworks/write": _network,
    "microsoft.network/virtualnetworks/subnets/write": _subnet,
    "microsoft.network/privatednszones/virtualnetworklinks/write": _link,
    "microsoft.network/privateendpoints/write": _endpoint,
    "microsoft.network/privateendpoints/privatednszonegroups/write": _zone_group,
    "microsoft.insights/diagnosticsettings/write": _setting,
    "microsoft.storage/storageaccounts/write": _acls,
    "microsoft.keyvault/vaults/write": _acls,
    "microsoft.eventhub/namespaces/networkrulesets/write": _rule_set,
    "microsoft.sql/servers/virtualnetworkrules/write": _sql_rule,
}
