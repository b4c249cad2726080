"""What Azure wants to hear to make a resource of a type, and to close its firewall."""

from typing import Any

VERSIONS = {
    "microsoft.network/virtualnetworks": "2024-05-01",
    "microsoft.network/virtualnetworks/subnets": "2024-05-01",
    "microsoft.network/networksecuritygroups": "2024-05-01",
    "microsoft.network/privatednszones": "2020-06-01",
    "microsoft.operationalinsights/workspaces": "2023-09-01",
    "microsoft.managedidentity/userassignedidentities": "2023-01-31",
    "microsoft.storage/storageaccounts": "2023-05-01",
    "microsoft.keyvault/vaults": "2023-07-01",
    "microsoft.sql/servers": "2023-08-01",
    "microsoft.sql/servers/databases": "2021-11-01",
    "microsoft.eventhub/namespaces": "2024-01-01",
}
TENANT = "11111111-2222-4333-8444-555555555555"
BODIES: dict[str, dict[str, Any]] = {
    "microsoft.storage/storageaccounts": {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    "microsoft.keyvault/vaults": {
        "properties": {
            "tenantId": TENANT,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
        }
    },
    "microsoft.sql/servers": {
        "properties": {
            "administrators": {
                "azureADOnlyAuthentication": True,
                "login": "nobody",
                "sid": "22222222-3333-4444-8555-666666666666",
                "tenantId": TENANT,
            }
        }
    },
    "microsoft.eventhub/namespaces": {"sku": {"name": "Standard", "tier": "Standard", "capacity": 1}},
}
CLOSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "microsoft.storage/storageaccounts": (
        "",
        "PATCH",
        {"properties": {"networkAcls": {"bypass": "Logging, Metrics", "defaultAction": "Deny"}}},
    ),
    "microsoft.keyvault/vaults": (
        "",
        "PATCH",
        {"properties": {"networkAcls": {"bypass": "None", "defaultAction": "Deny"}}},
    ),
    "microsoft.eventhub/namespaces": (
        "/networkRuleSets/default",
        "PUT",
        {"properties": {"defaultAction": "Deny", "ipRules": [{"ipMask": "198.51.100.7", "action": "Allow"}]}},
    ),
}
"""By type: what follows the id, the method, and the body. SQL servers are closed from the start."""
