"""The documents of network security groups and rules, in the field order of the recordings."""

from collections.abc import Sequence

from local.arm.documents import JsonObject, copied
from local.arm.providers.microsoft_network.models import etag_of
from local.arm.store import Resource

SECURITY_GROUPS = "Microsoft.Network/networkSecurityGroups"
RULES = SECURITY_GROUPS + "/securityRules"
DEFAULT_RULES = SECURITY_GROUPS + "/defaultSecurityRules"

_LISTS = (
    "sourcePortRanges",
    "destinationPortRanges",
    "sourceAddressPrefixes",
    "destinationAddressPrefixes",
)
# Name, description, source, destination, access, priority, direction.
_DEFAULTS = (
    (
        "AllowVnetInBound",
        "Allow inbound traffic from all VMs in VNET",
        "VirtualNetwork",
        "VirtualNetwork",
        "Allow",
        65000,
        "Inbound",
    ),
    (
        "AllowAzureLoadBalancerInBound",
        "Allow inbound traffic from azure load balancer",
        "AzureLoadBalancer",
        "*",
        "Allow",
        65001,
        "Inbound",
    ),
    ("DenyAllInBound", "Deny all inbound traffic", "*", "*", "Deny", 65500, "Inbound"),
    (
        "AllowVnetOutBound",
        "Allow outbound traffic from all VMs to all VMs in VNET",
        "VirtualNetwork",
        "VirtualNetwork",
        "Allow",
        65000,
        "Outbound",
    ),
    (
        "AllowInternetOutBound",
        "Allow outbound traffic from all VMs to Internet",
        "*",
        "Internet",
        "Allow",
        65001,
        "Outbound",
    ),
    ("DenyAllOutBound", "Deny all outbound traffic", "*", "*", "Deny", 65500, "Outbound"),
)


def rule_properties(given: JsonObject) -> JsonObject:
    """A rule's properties with the empty lists that Azure adds."""
    own = {"provisioningState"}
    stored: JsonObject = {name: copied(value) for name, value in given.items() if name not in own}
    return {**stored, **{name: stored.get(name) or [] for name in _LISTS}}


def rule_document(rule: Resource, group: Resource) -> JsonObject:
    return {
        "name": rule.name,
        "id": rule.id.text,
        "etag": etag_of(group),
        "type": RULES,
        "properties": dict(rule.properties),
    }


def security_group_document(
    group: Resource, rules: Sequence[Resource], *, subnets: Sequence[str], interfaces: Sequence[str]
) -> JsonObject:
    document: JsonObject = {
        "name": group.name,
        "id": group.id.text,
        "etag": etag_of(group),
        "type": SECURITY_GROUPS,
        "location": group.location,
    }
    if "tags" in group.body:
        document["tags"] = group.body["tags"]
    properties: JsonObject = {
        **group.properties,
        "securityRules": [rule_document(rule, group) for rule in rules],
        "defaultSecurityRules": [*_default_rules(group)],
    }
    for name, users in (("networkInterfaces", interfaces), ("subnets", subnets)):
        if users:
            properties[name] = [{"id": user} for user in users]
    document["properties"] = properties
    return document


def _default_rules(group: Resource) -> list[JsonObject]:
    return [
        {
            "name": name,
            "id": f"{group.id.text}/defaultSecurityRules/{name}",
            "etag": etag_of(group),
            "type": DEFAULT_RULES,
            "properties": {
                "provisioningState": group.properties.get("provisioningState"),
                "description": description,
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination,
                "access": access,
                "priority": priority,
                "direction": direction,
                **{list_name: [] for list_name in _LISTS},
            },
        }
        for name, description, source, destination, access, priority, direction in _DEFAULTS
    ]
