"""What a recorded request is about, and whether the local Resource Manager models it."""

import re
from typing import Literal

from local.arm.providers.private_link_targets.table import targets

type Kind = Literal[
    "group",
    "groups",
    "resources",
    "tags",
    "presence",
    "network",
    "subnet",
    "peering",
    "security group",
    "security rule",
    "networks of a list",
    "setting",
    "category",
    "permissions",
    "workspace",
    "private zone",
    "zone link",
    "record set",
    "private endpoint",
    "zone group",
    "private link resource",
    "endpoint connection",
    "network resource",
    "route",
    "storage account",
    "vault",
    "SQL rule",
    "poll",
]

_ROOT = "/subscriptions/[^/]+"
_GROUP = _ROOT + "/resourcegroups/[^/]+"
_NETWORK = _GROUP + "/providers/microsoft.network/virtualnetworks/[^/]+"
_LIST = "(?:" + _GROUP + "|" + _ROOT + ")/providers/"
_ZONE = _GROUP + "/providers/microsoft.network/privatednszones/[^/]+"
# Kept as they are sent, with what Azure adds.
_PLAIN = (
    "publicipaddresses|virtualnetworkgateways|networkinterfaces|routetables|loadbalancers|natgateways|ddosprotectionplans"
    "|connections|azurefirewalls|bastionhosts|applicationsecuritygroups|localnetworkgateways|publicipprefixes"
    "|serviceendpointpolicies"
)
_ENDPOINT = _GROUP + "/providers/microsoft.network/privateendpoints/[^/]+"
_TARGET = _GROUP + "/providers/(?:" + "|".join(map(re.escape, targets())) + ")/[^/]+"
_PATTERNS: tuple[tuple[str, Kind], ...] = (
    (_GROUP, "group"),
    (_ROOT + "/resourcegroups", "groups"),
    (_ROOT + "/resources", "resources"),
    (_GROUP + "/resources", "resources"),
    (".*/providers/microsoft.resources/tags/default", "tags"),
    (".*/providers/microsoft.insights/diagnosticsettings(/[^/]+)?", "setting"),
    (".*/providers/microsoft.insights/diagnosticsettingscategories(/[^/]+)?", "category"),
    (_GROUP + "(/providers/.*)?/providers/microsoft.authorization/permissions", "permissions"),
    (_NETWORK, "network"),
    (_NETWORK + "/subnets(/[^/]+)?", "subnet"),
    (_NETWORK + "/virtualnetworkpeerings(/[^/]+)?", "peering"),
    (_LIST + "microsoft.network/virtualnetworks", "networks of a list"),
    (_GROUP + "/providers/microsoft.network/networksecuritygroups/[^/]+", "security group"),
    (
        _GROUP + "/providers/microsoft.network/networksecuritygroups/[^/]+/(default)?securityrules(/[^/]+)?",
        "security rule",
    ),
    (_LIST + "microsoft.network/networksecuritygroups", "security group"),
    (_GROUP + "/providers/microsoft.operationalinsights/workspaces/[^/]+", "workspace"),
    (_LIST + "microsoft.operationalinsights/workspaces", "workspace"),
    (_LIST + f"microsoft.network/(?:{_PLAIN})", "network resource"),
    (_GROUP + f"/providers/microsoft.network/(?:{_PLAIN})/[^/]+", "network resource"),
    (_GROUP + "/providers/microsoft.network/routetables/[^/]+/routes(/[^/]+)?", "route"),
    (_GROUP + "/providers/microsoft.storage/storageaccounts/[^/]+", "storage account"),
    (_GROUP + "/providers/microsoft.keyvault/vaults/[^/]+", "vault"),
    (_GROUP + "/providers/microsoft.sql/servers/[^/]+/virtualnetworkrules(/[^/]+)?", "SQL rule"),
    (_LIST + "microsoft.network/privatednszones", "private zone"),
    (_ZONE, "private zone"),
    (_ZONE + "/virtualnetworklinks(/[^/]+)?", "zone link"),
    (_ZONE + "/all", "record set"),
    (_LIST + "microsoft.network/privateendpoints", "private endpoint"),
    (_ENDPOINT, "private endpoint"),
    (_ENDPOINT + "/privatednszonegroups(/[^/]+)?", "zone group"),
    (_TARGET + "/privatelinkresources(/[^/]+)?", "private link resource"),
    (_TARGET + "/privateendpointconnections(/[^/]+)?", "endpoint connection"),
    (_ZONE + "/(a|aaaa|cname|mx|ptr|soa|srv|txt)(/[^/]+)?", "record set"),
)
_COMPILED = tuple((re.compile(pattern), kind) for pattern, kind in _PATTERNS)
_POLL = re.compile(
    r"/(privatedns|virtualnetworkrules)?(azureasyncoperation|operationresults|operations|asyncoperations|operationstatuses|operationstatus|operationsstatus)/",
    re.IGNORECASE,
)
HOSTS = re.compile(r"(management\.[\w.]+|localhost(:\d+)?)?", re.IGNORECASE)


def kind_of(method: str, host: str, path: str) -> Kind | None:
    """None for what is not modelled. Polls are recognised only by the answer that announced them."""
    if HOSTS.fullmatch(host) is None:
        return None
    lowered = path.lower().rstrip("/")
    for pattern, kind in _COMPILED:
        if pattern.fullmatch(lowered):
            return kind
    if method == "HEAD" and re.match(_GROUP + "/providers/", lowered):
        return "presence"
    return None


def looks_like_poll(path: str) -> bool:
    return _POLL.search(path) is not None
