"""What people create: a hub with a workspace and other sinks, and five groups, before anybody has heard of a mesh."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from demo.azure import Azure
from demo.stack import HUB_GROUP, HUB_PREFIX, ZONES, archive, hub_network, stream, workspace, zone_id

TENANT = "00000000-0000-0000-0000-0000000000aa"
FOREIGN_SETTING = "security-team"
FOREIGN_PEERING = "to-bastion"
MADE_NETWORK = "meshplane-vnet"

_API_VERSIONS = {
    "Microsoft.Storage/storageAccounts": "2023-05-01",
    "Microsoft.KeyVault/vaults": "2023-07-01",
    "Microsoft.Sql/servers": "2023-08-01",
    "Microsoft.Sql/servers/databases": "2023-08-01",
    "Microsoft.DataFactory/factories": "2018-06-01",
    "Microsoft.EventHub/namespaces": "2024-01-01",
    "Microsoft.OperationalInsights/workspaces": "2023-09-01",
}
_KINDS = {"Microsoft.Storage/storageAccounts": "StorageV2"}
_PROPERTIES: Mapping[str, Mapping[str, object]] = {
    "Microsoft.KeyVault/vaults": {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group as its team set it up. `contents` are (type, name) of what it holds beside its network.

    Without a `prefix` it has no network, and gets one from the mesh.
    """

    group: str
    prefix: str
    tags: Mapping[str, str]
    contents: tuple[tuple[str, str], ...] = ()

    def network(self, subscription: str) -> str:
        """The resource id of the team's network."""
        name = f"{self.group}-net" if self.prefix else MADE_NETWORK
        return self._id(subscription, "Microsoft.Network/virtualNetworks", name)

    def resources(self, subscription: str) -> tuple[str, ...]:
        """The resource ids of what the group holds beside its network, parents before children."""
        return tuple(self._id(subscription, kind, name) for kind, name in self.contents)

    def of_type(self, subscription: str, kind: str) -> str:
        """The resource id of the first resource of a type. Raises StopIteration where there is none."""
        return next(self._id(subscription, k, name) for k, name in self.contents if k == kind)

    def _id(self, subscription: str, kind: str, name: str) -> str:
        return resource_id(subscription, self.group, kind, name)


SALES = Team(
    group="sales",
    prefix="10.1.0.0/16",
    tags={
        "mesh-node": "sales-orders",
        "mesh-domain": "sales",
        "mesh-owner": "team-orders",
        "mesh-telemetry": "all",
    },
    contents=(
        ("Microsoft.Storage/storageAccounts", "salesorders"),
        ("Microsoft.KeyVault/vaults", "sales-vault"),
        ("Microsoft.Sql/servers", "sales-sql"),
        ("Microsoft.Sql/servers/databases", "sales-sql/orders"),
        ("Microsoft.DataFactory/factories", "sales-factory"),
    ),
)
FINANCE = Team(
    group="finance",
    prefix="10.2.0.0/16",
    tags={"mesh-node": "ledger", "mesh-domain": "finance"},
    contents=(("Microsoft.KeyVault/vaults", "finance-vault"),),
)
LEGACY = Team(group="legacy", prefix="10.0.128.0/17", tags={"mesh-node": "archive"})
MARKETING = Team(
    group="marketing", prefix="10.4.0.0/16", tags={"mesh-node": "campaigns", "mesh-network": "hbu"}
)
REPORTS = Team(group="reports", prefix="", tags={"mesh-node": "reports", "mesh-domain": "finance"})
TEAMS = (SALES, FINANCE, REPORTS, LEGACY, MARKETING)


def resource_id(subscription: str, group: str, kind: str, name: str) -> str:
    """An id; the name of a child resource holds its parent's name before a slash."""
    namespace, *types = kind.split("/")
    path = "/".join(f"{t}/{n}" for t, n in zip(types, name.split("/"), strict=True))
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{path}"


def security_archive(subscription: str) -> str:
    """The security team's storage account, which is none of the mesh's business."""
    return resource_id(subscription, HUB_GROUP, "Microsoft.Storage/storageAccounts", "securityarchive")


def bastion(subscription: str) -> str:
    """A network that people peered with the hub themselves."""
    return resource_id(subscription, HUB_GROUP, "Microsoft.Network/virtualNetworks", "bastion")


def create_world(azure: Azure) -> None:
    """Creates all of it, untagged. Raises what the SDK raises."""
    for group in (HUB_GROUP, *(team.group for team in TEAMS)):
        azure.create_group(group)
    with ThreadPoolExecutor(max_workers=len(TEAMS) + 1) as pool:
        begun = [pool.submit(_create_team, azure, team) for team in TEAMS]
        _create_hub(azure)
        for each in begun:
            each.result()
    _create_what_is_foreign(azure)


def _create_hub(azure: Azure) -> None:
    subscription = azure.subscription
    azure.create_network(hub_network(subscription), HUB_PREFIX)
    azure.create_network(bastion(subscription), "10.200.0.0/24")
    _create(azure, workspace(subscription), "Microsoft.OperationalInsights/workspaces")
    _create(azure, stream(subscription), "Microsoft.EventHub/namespaces")
    for account in (archive(subscription), security_archive(subscription)):
        _create(azure, account, "Microsoft.Storage/storageAccounts")
    for zone in ZONES:
        azure.create_zone(zone_id(subscription, zone))


def _create_team(azure: Azure, team: Team) -> None:
    if team.prefix:
        azure.create_network(team.network(azure.subscription), team.prefix, subnet="workload")
    for resource, (kind, _) in zip(team.resources(azure.subscription), team.contents, strict=True):
        _create(azure, resource, kind)


def _create_what_is_foreign(azure: Azure) -> None:
    """What other people set up beside the mesh, and what Meshplane therefore has to leave alone."""
    subscription = azure.subscription
    vault = FINANCE.of_type(subscription, "Microsoft.KeyVault/vaults")
    azure.create_archive_setting(vault, FOREIGN_SETTING, security_archive(subscription), "AuditEvent")
    azure.create_peering(hub_network(subscription), FOREIGN_PEERING, bastion(subscription))
    azure.create_peering(bastion(subscription), "to-hub", hub_network(subscription))


def _create(azure: Azure, resource: str, kind: str) -> None:
    azure.create_resource(resource, _API_VERSIONS[kind], _PROPERTIES.get(kind, {}), _KINDS.get(kind, ""))
