"""Which resource types take private endpoints and service endpoints: an excerpt of Azure's published lists."""

from shared.domain.private_link import PrivateLinkGroup


def _group(name: str, *zones: str) -> PrivateLinkGroup:
    return PrivateLinkGroup(name, zones)


PRIVATE_LINK_GROUPS: dict[str, tuple[PrivateLinkGroup, ...]] = {
    "microsoft.storage/storageaccounts": tuple(
        _group(part, f"privatelink.{part}.core.windows.net")
        for part in ("blob", "dfs", "file", "queue", "table", "web")
    ),
    "microsoft.sql/servers": (_group("sqlServer", "privatelink.database.windows.net"),),
    "microsoft.keyvault/vaults": (_group("vault", "privatelink.vaultcore.azure.net"),),
    "microsoft.eventhub/namespaces": (_group("namespace", "privatelink.servicebus.windows.net"),),
    "microsoft.synapse/workspaces": (
        _group("Sql", "privatelink.sql.azuresynapse.net"),
        _group("SqlOnDemand", "privatelink.sql.azuresynapse.net"),
        _group("Dev", "privatelink.dev.azuresynapse.net"),
    ),
}
"""By lower-case type; a type that is missing here takes no private endpoints."""

SERVICE_OF_TYPE: dict[str, str] = {
    "microsoft.storage/storageaccounts": "Microsoft.Storage",
    "microsoft.sql/servers": "Microsoft.Sql",
    "microsoft.keyvault/vaults": "Microsoft.KeyVault",
    "microsoft.eventhub/namespaces": "Microsoft.EventHub",
}
"""By lower-case type, the service endpoint that a network rule asks of its subnet; others have no network rules."""
