"""Which resources are reachable from public networks: what Azure's types say of themselves, as data. Pure.

Property names and values: the REST documents of each type. `publicNetworkAccess` is Enabled, Disabled or
SecuredByPerimeter, in any case of letters, and Enabled where it is left out, unless `silent` says otherwise.
"""

from datetime import datetime
from typing import Literal

import msgspec

type Access = Literal["public", "selected", "closed", "unknown"]
"""From everywhere; only from networks and addresses that its firewall names; only over private endpoints."""


class ExposedType(msgspec.Struct, frozen=True):
    """How a type tells its access, in an answer of an api-version.

    `switch` is the path of the property that opens or closes it, `firewall` that of one that is Deny where only what
    is named gets in. `silent` is what a resource without the switch is taken for.
    """

    name: str
    version: str
    switch: tuple[str, ...] = ("properties", "publicNetworkAccess")
    firewall: tuple[str, ...] = ()
    silent: Access = "public"


_NETWORK = ("properties", "network", "publicNetworkAccess")
_ACLS = ("properties", "networkAcls", "defaultAction")
_TYPES = (
    ExposedType("Microsoft.CognitiveServices/accounts", "2023-05-01", firewall=_ACLS),
    ExposedType(
        "Microsoft.ContainerRegistry/registries",
        "2023-07-01",
        firewall=("properties", "networkRuleSet", "defaultAction"),
    ),
    ExposedType("Microsoft.DBforMySQL/flexibleServers", "2023-06-30", _NETWORK),
    ExposedType("Microsoft.DBforPostgreSQL/flexibleServers", "2022-12-01", _NETWORK),
    ExposedType("Microsoft.DataFactory/factories", "2018-06-01"),
    ExposedType("Microsoft.Databricks/workspaces", "2023-02-01"),
    ExposedType("Microsoft.DocumentDB/databaseAccounts", "2023-11-15"),
    ExposedType("Microsoft.EventHub/namespaces", "2024-01-01"),
    ExposedType("Microsoft.KeyVault/vaults", "2023-07-01", firewall=_ACLS),
    ExposedType("Microsoft.Kusto/clusters", "2023-08-15"),
    ExposedType("Microsoft.MachineLearningServices/workspaces", "2023-10-01", silent="unknown"),
    ExposedType("Microsoft.Search/searchServices", "2023-11-01"),
    ExposedType("Microsoft.ServiceBus/namespaces", "2024-01-01"),
    ExposedType(
        "Microsoft.Sql/managedInstances",
        "2021-11-01",
        ("properties", "publicDataEndpointEnabled"),
        silent="closed",
    ),
    ExposedType("Microsoft.Sql/servers", "2021-11-01"),
    ExposedType("Microsoft.Storage/storageAccounts", "2023-01-01", firewall=_ACLS),
    ExposedType("Microsoft.Synapse/workspaces", "2021-06-01"),
    # A site that has private endpoints and says nothing is closed, one that has none is public.
    ExposedType("Microsoft.Web/sites", "2022-09-01", silent="unknown"),
)
EXPOSED = {one.name.lower(): one for one in _TYPES}
"""By the type in lower case. Types that are not here are not judged."""


class Exposure(msgspec.Struct, frozen=True, array_like=True):
    """What was last seen of a resource; `code` says why it is unknown, in one word."""

    id: str
    access: Access
    checked_at: datetime
    code: str = ""


def access_of(kind: ExposedType, body: object) -> Access:
    """What a resource, as its type's list shows it, says of its access."""
    value = _at(body, kind.switch)
    said = str(value).lower() if value not in (None, "") else ""
    opened = {"enabled": True, "true": True, "disabled": False, "false": False, "securedbyperimeter": False}
    if said and said not in opened:
        return "unknown"
    if not said and kind.silent != "public":
        return kind.silent
    if said and not opened[said]:
        return "closed"
    return "selected" if kind.firewall and str(_at(body, kind.firewall)).lower() == "deny" else "public"


def _at(body: object, path: tuple[str, ...]) -> object:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body
