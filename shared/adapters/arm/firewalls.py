"""How resource types keep the subnets that their firewall lets through, as data, and the changes to them.

Bodies are changed as they were read: what is not understood goes back untouched. None of these documents has an etag.
Shapes: Storage 2023-05-01, Key Vault 2023-07-01, Event Hubs 2024-01-01, each as its REST API describes it.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

from shared.adapters.arm.connection import Body
from shared.domain.ids import same_id
from shared.domain.private_link import NetworkRules

_RULES = "virtualNetworkRules"


class Firewall(NamedTuple):
    """`document` follows the resource's id; `inside` names the property that holds the rules, empty for all of them.

    `subnet` is where a rule names its subnet, `absent` what it means that a resource has no rules at all.
    """

    version: str
    document: str
    inside: str
    subnet: tuple[str, ...]
    method: Literal["PATCH", "PUT"]
    absent: Mapping[str, str]


_ACLS = {"bypass": "AzureServices", "defaultAction": "Allow"}
FIREWALLS: dict[str, Firewall] = {
    "microsoft.storage/storageaccounts": Firewall("2023-05-01", "", "networkAcls", ("id",), "PATCH", _ACLS),
    "microsoft.keyvault/vaults": Firewall("2023-07-01", "", "networkAcls", ("id",), "PATCH", _ACLS),
    "microsoft.eventhub/namespaces": Firewall(
        "2024-01-01", "/networkRuleSets/default", "", ("subnet", "id"), "PUT", {"defaultAction": "Allow"}
    ),
}
"""By lower-case type; SQL servers keep each rule as a resource of its own."""


def network_rules(firewall: Firewall, document: Body) -> NetworkRules:
    """Open is what lets everybody through: a default that allows, and public access that nobody switched off."""
    properties = _part(document, "properties")
    rules = _rule_set(firewall, properties)
    public = properties.get("publicNetworkAccess") or "Enabled"
    subnets = tuple(_subnet(firewall, rule) for rule in _entries(rules))
    enabled = public == "Enabled"
    return NetworkRules(subnets, enabled and rules.get("defaultAction") != "Deny", not enabled)


def with_rule(firewall: Firewall, document: Body, subnet: str) -> Body | None:
    """What to write so that a subnet is let through; None where it is."""
    rules = _rule_set(firewall, _part(document, "properties"))
    entries = _entries(rules)
    if any(same_id(_subnet(firewall, entry), subnet) for entry in entries):
        return None
    added: Body = {}
    inner = added
    for name in firewall.subnet[:-1]:
        inner[name] = inner = {}
    inner[firewall.subnet[-1]] = subnet
    return _written(firewall, document, {**rules, _RULES: [*entries, added]})


def without_rule(firewall: Firewall, document: Body, subnet: str) -> Body | None:
    """What to write so that a subnet is no longer let through; None where it is not."""
    rules = _rule_set(firewall, _part(document, "properties"))
    entries = _entries(rules)
    kept = [entry for entry in entries if not same_id(_subnet(firewall, entry), subnet)]
    return _written(firewall, document, {**rules, _RULES: kept}) if len(kept) < len(entries) else None


def _written(firewall: Firewall, document: Body, rules: Body) -> Body:
    if firewall.method == "PATCH":
        return {"properties": {firewall.inside: rules}}
    properties = {**_part(document, "properties"), firewall.inside: rules} if firewall.inside else rules
    return {**document, "properties": properties}


def _rule_set(firewall: Firewall, properties: Body) -> Body:
    found = _part(properties, firewall.inside) if firewall.inside else properties
    return found or dict(firewall.absent)


def _entries(rules: Body) -> list[Body]:
    return cast("list[Body]", rules.get(_RULES) or [])


def _subnet(firewall: Firewall, rule: Body) -> str:
    for name in firewall.subnet[:-1]:
        rule = _part(rule, name)
    return str(rule.get(firewall.subnet[-1], ""))


def _part(body: Body, name: str) -> Body:
    return cast("Body", body.get(name) or {})
