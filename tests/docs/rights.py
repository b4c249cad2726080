"""The tables of docs/rights.md: what each action of the roles in infra/roles is for."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable

from demo.rights import FOLDER, Role

_NETWORK = "Microsoft.Network/"
_PEERING = "virtualNetworks/(read|peer/action|virtualNetworkPeerings/.*)"
_RULES = "Microsoft.(Sql/servers/virtualNetworkRules|Sql/locations/virtualNetworkRules|Sql/servers/firewallRules).*"

# By role: what for, and which actions, as expressions; the first that fits has an action.
WORK: dict[Role, tuple[tuple[str, str], ...]] = {
    "node": (
        ("find groups and what is in them", "Microsoft.Resources/.*"),
        ("say what is missing before it is tried", "Microsoft.Authorization/permissions/read"),
        ("follow long operations of the network", f"{_NETWORK}locations/operations/read"),
        ("see networks; peer them with a hub, with each other, for an edge", _NETWORK + _PEERING),
        (
            "make a network out of a pool, with its security group, and take it away again",
            f"{_NETWORK}(virtualNetworks/(write|delete)|networkSecurityGroups/(read|write|delete))",
        ),
        ("have resources report", "Microsoft.Insights/.*"),
        (
            "find resources inside resources, which report by themselves",
            ".*/(databases|sqlPools|bigDataPools|slots)/read",
        ),
        (
            "make private endpoints, and read their names and addresses",
            f"{_NETWORK}(privateEndpoints/(read|write|delete)|networkInterfaces/read|virtualNetworks/subnets/join/action)",
        ),
        (
            "keep their names in zones; have zones of a consumer's own "
            "([0016](adr/0016-zones-of-consumers.md)); link zones to networks",
            f"{_NETWORK}(privateEndpoints/privateDnsZoneGroups/.*|privateDns.*|virtualNetworks/join/action)",
        ),
        (
            "see what endpoints may lead to, approve them, and follow that",
            ".*/(privateLinkResources|privateEndpointConnections|privateEndpointConnectionsApproval)/.*"
            "|Microsoft.Sql/locations/privateEndpointConnection.*|Microsoft.Synapse/workspaces/operationStatuses/read"
            "|Microsoft.D(atabricks|ocumentDB)/locations/.*",
        ),
        (
            "put service endpoints on a consumer's subnet; a PUT of the subnet takes a right on all that it refers to",
            f"{_NETWORK}(virtualNetworks/subnets/(read|write)|[a-zA-Z]+/join/action)",
        ),
        (
            "let such a subnet through a firewall",
            f"{_NETWORK}virtualNetworks/subnets/joinViaServiceEndpoint/action|.*/networkRuleSets/.*"
            f"|Microsoft.(Storage/storageAccounts|KeyVault/vaults)/(read|write)|{_RULES}",
        ),
        ("tell whether resources are public ([governance](governance.md))", "Microsoft.[^/]+/[^/]+/read"),
    ),
    "hub": (
        ("see the hub's network; peer it with nodes and with other hubs", _NETWORK + _PEERING),
        ("link its private zones to nodes' networks", f"{_NETWORK}privateDnsZones/virtualNetworkLinks/.*"),
        ("follow that", f"{_NETWORK}privateDnsOperationStatuses/read"),
        (
            "keep names of private endpoints in its zones, and see whether they answer",
            f"{_NETWORK}privateDnsZones/(join/action|A/read)",
        ),
    ),
    "operations": (
        ("say what is missing before it is tried", "Microsoft.Authorization/permissions/read"),
        ("follow long operations of the network", f"{_NETWORK}locations/operations/read"),
    ),
    "sink": (
        ("name a workspace in a diagnostic setting", "Microsoft.OperationalInsights/.*"),
        ("name an Event Hub in one", "Microsoft.EventHub/.*"),
        ("name a storage account in one", "Microsoft.Storage/.*"),
        ("have the doctor say whether that is allowed", "Microsoft.Authorization/permissions/read"),
    ),
}


def rights() -> dict[str, str]:
    """By role, the table of its actions. Raises ValueError for an action that nothing is said of."""
    return {role: _table(role) for role in WORK}


def _table(role: Role) -> str:
    actions = json.loads((FOLDER / f"{role}.json").read_text())["actions"]
    found: dict[str, list[str]] = defaultdict(list)
    for action in actions:
        found[_work(role, action)].append(action)
    rows = [f"| {what} | {_short(found[what])} |" for what, _ in WORK[role] if found[what]]
    return "\n".join(["| to | actions |", "|---|---|", *rows, ""])


def _work(role: Role, action: str) -> str:
    for what, expression in WORK[role]:
        if re.fullmatch(expression, action):
            return what
    raise ValueError(f"nothing is said of {action} in {role}.json")


def _short(actions: Iterable[str]) -> str:
    """Actions of one type together: `Microsoft.Network/privateEndpoints/{delete,read,write}`."""
    verbs: dict[str, list[str]] = defaultdict(list)
    for action in actions:
        type_, _, verb = action.rpartition("/")
        verbs[type_].append(verb)
    shown = [f"`{t}/{v[0] if len(v) == 1 else '{' + ','.join(v) + '}'}`" for t, v in verbs.items()]
    return ", ".join(shown)
