"""How the network provider's documents differ between api-versions.

A version shows what the provider knew when it was new: seen by laying the recordings of 2016 to 2026 side by side.
Where a field went away for every version on some day, the version of that time stands for the day.
"""

from collections.abc import Callable

from local.arm.documents import JsonObject, object_in, objects_in
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.microsoft_network.models import NETWORKS, PEERINGS, SUBNETS
from local.arm.providers.microsoft_network.plain_types import LATEST, TYPES, PlainType
from local.arm.providers.microsoft_network.plain_types import Fields as PlainFields

# Field: first and last api-version that shows it.
type Fields = dict[str, tuple[str, str]]

_NETWORK: Fields = {
    "enableDdosProtection": ("2017-08-01", LATEST),
    "enableVmProtection": ("2017-08-01", "2020-04-01"),
    "virtualNetworkPeerings": ("2016-12-01", LATEST),
    "privateEndpointVNetPolicies": ("2024-03-01", LATEST),
}
_SUBNET: Fields = {
    "delegations": ("2018-08-01", LATEST),
    "privateEndpointNetworkPolicies": ("2019-04-01", LATEST),
    "privateLinkServiceNetworkPolicies": ("2019-04-01", LATEST),
    "ipamPoolPrefixAllocations": ("2023-11-01", "2024-01-01"),
}
_PEERING: Fields = {
    "peeringSyncLevel": ("2021-02-01", LATEST),
    "remoteVirtualNetworkAddressSpace": ("2021-02-01", LATEST),
    "peerCompleteVnets": ("2023-11-01", LATEST),
}
_ENDPOINT: Fields = {
    "customNetworkInterfaceName": ("2021-05-01", LATEST),
    "ipConfigurations": ("2021-03-01", LATEST),
    "isIPv6EnabledPrivateEndpoint": ("2024-03-01", "2024-07-01"),
    "ipVersionType": ("2024-10-01", LATEST),
}
_RULE: Fields = {
    "sourceAddressPrefixes": ("2017-10-01", LATEST),
    "destinationAddressPrefixes": ("2017-10-01", LATEST),
    "sourcePortRanges": ("2017-10-01", LATEST),
    "destinationPortRanges": ("2017-10-01", LATEST),
}
_CHILD_TYPES_SINCE = "2017-10-01"
_SKUS_SINCE = "2017-08-01"
_TIERS_SINCE = "2020-06-01"
_CLOSED_BY_DEFAULT_SINCE = "2020-11-01"


def as_of(document: JsonObject, version: str) -> JsonObject:
    """The document of a network, subnet, peering, security group or rule as `version` shows it."""
    render = _RENDERED.get(str(document.get("type")).lower())
    return render(document, version) if render else document


def versioned(handler: Callable[[ArmRequest], ArmResponse]) -> Callable[[ArmRequest], ArmResponse]:
    """A handler whose answer, a document or a list of them, is shown as of the request's api-version."""

    def shown(request: ArmRequest) -> ArmResponse:
        response = handler(request)
        if response.body is not None and "value" in response.body:
            items = [as_of(item, request.api_version) for item in objects_in(response.body, "value")]
            response.body = {**response.body, "value": [*items]}
        elif response.body is not None:
            response.body = as_of(response.body, request.api_version)
        return response

    return shown


def private_endpoint_policies(version: str) -> str:
    """What a new subnet has for `privateEndpointNetworkPolicies` when the request says nothing."""
    return "Disabled" if version >= _CLOSED_BY_DEFAULT_SINCE else "Enabled"


def _network(document: JsonObject, version: str) -> JsonObject:
    properties = _shown(object_in(document, "properties"), _NETWORK, version)
    for name, render in (("subnets", _subnet), ("virtualNetworkPeerings", _peering)):
        if name in properties:
            properties[name] = [render(child, version) for child in objects_in(properties, name)]
    return {**document, "properties": properties}


def _subnet(document: JsonObject, version: str) -> JsonObject:
    return _child(document, _SUBNET, version)


def _peering(document: JsonObject, version: str) -> JsonObject:
    return _child(document, _PEERING, version)


def _endpoint(document: JsonObject, version: str) -> JsonObject:
    return {**document, "properties": _shown(object_in(document, "properties"), _ENDPOINT, version)}


def _rule(document: JsonObject, version: str) -> JsonObject:
    return _child(document, _RULE, version)


def _group(document: JsonObject, version: str) -> JsonObject:
    properties = dict(object_in(document, "properties"))
    for name in ("securityRules", "defaultSecurityRules"):
        properties[name] = [_rule(rule, version) for rule in objects_in(properties, name)]
    return {**document, "properties": properties}


def _plain(kind: PlainType) -> Callable[[JsonObject, str], JsonObject]:
    def shown(document: JsonObject, version: str) -> JsonObject:
        properties = _visible(object_in(document, "properties"), kind.fields, version)
        for name, part in kind.parts.items():
            if name in properties:
                items = objects_in(properties, name)
                properties[name] = [_part(item, part.fields, version) for item in items]
        return {**_with_sku(document, version), "properties": properties}

    return shown


def _with_sku(document: JsonObject, version: str) -> JsonObject:
    """Addresses and load balancers have skus since 2017, and tiers of those since 2020."""
    shown = dict(document)
    if version < _SKUS_SINCE:
        shown.pop("sku", None)
    elif version < _TIERS_SINCE and "sku" in shown:
        shown["sku"] = {"name": object_in(shown, "sku").get("name")}
    return shown


def _part(document: JsonObject, fields: PlainFields, version: str) -> JsonObject:
    shown: JsonObject = {
        **document,
        "properties": _visible(object_in(document, "properties"), fields, version),
    }
    if version < _CHILD_TYPES_SINCE:
        shown.pop("type", None)
    return shown


def _visible(properties: JsonObject, fields: PlainFields, version: str) -> JsonObject:
    return {
        name: value for name, value in properties.items() if name not in fields or fields[name].shows(version)
    }


def _child(document: JsonObject, fields: Fields, version: str) -> JsonObject:
    shown: JsonObject = {**document, "properties": _shown(object_in(document, "properties"), fields, version)}
    if version < _CHILD_TYPES_SINCE:
        shown.pop("type", None)
    return shown


def _shown(properties: JsonObject, fields: Fields, version: str) -> JsonObject:
    everything = ("", LATEST)
    return {
        name: value
        for name, value in properties.items()
        if fields.get(name, everything)[0] <= version <= fields.get(name, everything)[1]
    }


_GROUPS = "Microsoft.Network/networkSecurityGroups"
_RENDERED: dict[str, Callable[[JsonObject, str], JsonObject]] = {
    NETWORKS.lower(): _network,
    SUBNETS.lower(): _subnet,
    PEERINGS.lower(): _peering,
    _GROUPS.lower(): _group,
    f"{_GROUPS}/securityRules".lower(): _rule,
    f"{_GROUPS}/defaultSecurityRules".lower(): _rule,
    **{kind.type.lower(): _plain(kind) for kind in TYPES.values()},
    "microsoft.network/privateendpoints": _endpoint,
}
