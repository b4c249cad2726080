"""The resource types that Resource Manager lists with versions and regions; any other type is served as well."""

from local.arm.documents import JsonObject, as_json

LOCATIONS = {
    "westeurope": "West Europe",
    "northeurope": "North Europe",
    "germanywestcentral": "Germany West Central",
    "francecentral": "France Central",
    "swedencentral": "Sweden Central",
    "switzerlandnorth": "Switzerland North",
    "norwayeast": "Norway East",
    "uksouth": "UK South",
    "ukwest": "UK West",
    "eastus": "East US",
    "eastus2": "East US 2",
    "centralus": "Central US",
    "northcentralus": "North Central US",
    "southcentralus": "South Central US",
    "westcentralus": "West Central US",
    "westus": "West US",
    "westus2": "West US 2",
    "westus3": "West US 3",
    "canadacentral": "Canada Central",
    "canadaeast": "Canada East",
    "brazilsouth": "Brazil South",
    "japaneast": "Japan East",
    "japanwest": "Japan West",
    "koreacentral": "Korea Central",
    "southeastasia": "Southeast Asia",
    "eastasia": "East Asia",
    "centralindia": "Central India",
    "australiaeast": "Australia East",
    "australiasoutheast": "Australia Southeast",
    "southafricanorth": "South Africa North",
    "uaenorth": "UAE North",
    "uaecentral": "UAE Central",
    "australiacentral": "Australia Central",
    "australiacentral2": "Australia Central 2",
    "austriaeast": "Austria East",
    "belgiumcentral": "Belgium Central",
    "brazilsoutheast": "Brazil Southeast",
    "chilecentral": "Chile Central",
    "francesouth": "France South",
    "germanynorth": "Germany North",
    "indonesiacentral": "Indonesia Central",
    "israelcentral": "Israel Central",
    "italynorth": "Italy North",
    "jioindiacentral": "Jio India Central",
    "jioindiawest": "Jio India West",
    "koreasouth": "Korea South",
    "malaysiawest": "Malaysia West",
    "mexicocentral": "Mexico Central",
    "newzealandnorth": "New Zealand North",
    "norwaywest": "Norway West",
    "polandcentral": "Poland Central",
    "qatarcentral": "Qatar Central",
    "southafricawest": "South Africa West",
    "southindia": "South India",
    "spaincentral": "Spain Central",
    "swedensouth": "Sweden South",
    "switzerlandwest": "Switzerland West",
    "westindia": "West India",
    "centraluseuap": "Central US EUAP",
    "eastus2euap": "East US 2 EUAP",
}

_TYPES: dict[str, dict[str, tuple[str, ...]]] = {
    "Microsoft.Resources": {
        "subscriptions": ("2022-12-01", "2019-11-01", "2016-06-01"),
        "resourceGroups": ("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01", "2020-06-01"),
        "subscriptions/resourceGroups": (
            "2025-04-01",
            "2024-11-01",
            "2022-09-01",
            "2021-04-01",
            "2020-06-01",
        ),
        "resources": ("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01"),
        "tags": ("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01"),
    },
    "Microsoft.Network": {
        "virtualNetworks": ("2025-03-01", "2024-05-01", "2023-11-01", "2022-01-01", "2020-11-01"),
        "virtualNetworks/subnets": ("2025-03-01", "2024-05-01", "2023-11-01", "2022-01-01", "2020-11-01"),
        "virtualNetworks/virtualNetworkPeerings": ("2025-03-01", "2024-05-01", "2023-11-01", "2022-01-01"),
        "networkSecurityGroups": ("2025-03-01", "2024-05-01", "2023-11-01"),
        "virtualNetworkGateways": ("2025-03-01", "2024-05-01", "2023-09-01"),
        "publicIPAddresses": ("2025-03-01", "2024-05-01", "2022-11-01"),
        "privateEndpoints": ("2025-03-01", "2024-05-01"),
        "privateEndpoints/privateDnsZoneGroups": ("2025-03-01", "2024-05-01"),
        "networkInterfaces": ("2025-03-01", "2024-05-01"),
        "privateDnsZones": ("2024-06-01", "2020-06-01"),
        "privateDnsZones/virtualNetworkLinks": ("2024-06-01", "2020-06-01"),
        **{
            f"privateDnsZones/{type_}": ("2024-06-01", "2020-06-01")
            for type_ in ("A", "AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT")
        },
    },
    "Microsoft.Insights": {
        "diagnosticSettings": ("2021-05-01-preview", "2017-05-01-preview"),
        "diagnosticSettingsCategories": ("2021-05-01-preview", "2017-05-01-preview"),
        "components": ("2020-02-02",),
    },
    "Microsoft.OperationalInsights": {"workspaces": ("2023-09-01", "2022-10-01", "2021-06-01")},
    "Microsoft.Storage": {
        "storageAccounts": ("2024-01-01", "2023-05-01", "2021-04-01"),
        "storageAccounts/blobServices": ("2024-01-01", "2023-05-01", "2021-04-01"),
        "storageAccounts/fileServices": ("2024-01-01", "2023-05-01", "2021-04-01"),
        "storageAccounts/queueServices": ("2024-01-01", "2023-05-01", "2021-04-01"),
        "storageAccounts/tableServices": ("2024-01-01", "2023-05-01", "2021-04-01"),
    },
    "Microsoft.KeyVault": {"vaults": ("2024-11-01", "2023-07-01", "2022-07-01")},
    "Microsoft.Sql": {
        "servers": ("2023-08-01", "2021-11-01"),
        "servers/databases": ("2023-08-01", "2021-11-01"),
        "servers/elasticPools": ("2023-08-01", "2021-11-01"),
        "managedInstances": ("2023-08-01", "2021-11-01"),
        "managedInstances/databases": ("2023-08-01", "2021-11-01"),
    },
    "Microsoft.DataFactory": {"factories": ("2018-06-01",)},
    "Microsoft.Synapse": {
        "workspaces": ("2021-06-01",),
        "workspaces/sqlPools": ("2021-06-01",),
        "workspaces/bigDataPools": ("2021-06-01",),
    },
    "Microsoft.Databricks": {"workspaces": ("2024-05-01", "2023-02-01")},
    "Microsoft.EventHub": {
        "namespaces": ("2024-01-01", "2021-11-01"),
        "namespaces/eventhubs": ("2024-01-01", "2021-11-01"),
        "namespaces/authorizationRules": ("2024-01-01", "2021-11-01"),
    },
    "Microsoft.EventGrid": {
        "systemTopics": ("2025-02-15", "2022-06-15"),
        "systemTopics/eventSubscriptions": ("2025-02-15", "2022-06-15"),
        "eventSubscriptions": ("2025-02-15", "2022-06-15"),
    },
    "Microsoft.DocumentDB": {"databaseAccounts": ("2024-11-15", "2023-04-15")},
    "Microsoft.Web": {
        "sites": ("2024-04-01", "2022-09-01"),
        "sites/slots": ("2024-04-01", "2022-09-01"),
        "serverfarms": ("2024-04-01", "2022-09-01"),
    },
    "Microsoft.Logic": {"workflows": ("2019-05-01", "2016-06-01")},
    "Microsoft.MachineLearningServices": {"workspaces": ("2024-10-01", "2023-04-01")},
    "Microsoft.StreamAnalytics": {"streamingjobs": ("2021-10-01-preview", "2020-03-01")},
    "Microsoft.Kusto": {"clusters": ("2024-04-13", "2023-08-15")},
    "Microsoft.DataLakeAnalytics": {"accounts": ("2016-11-01",)},
    "Microsoft.ManagedIdentity": {"userAssignedIdentities": ("2024-11-30", "2023-01-31")},
    "Microsoft.Authorization": {"roleAssignments": ("2022-04-01",)},
}

_NAMESPACES = {namespace.lower(): namespace for namespace in _TYPES}
_SPELLINGS = {
    f"{namespace}/{type_}".lower(): f"{namespace}/{type_}"
    for namespace, types in _TYPES.items()
    for type_ in types
}


def canonical_type(type_: str) -> str:
    """Azure's own spelling of a type, or the given one where the catalogue does not hold it."""
    return _SPELLINGS.get(type_.lower(), type_)


def location_name(text: str) -> str:
    """`West Europe` and `westeurope` are one region; Resource Manager stores the second form."""
    return text.replace(" ", "").lower()


def providers(subscription: str) -> list[JsonObject]:
    return [document for name in _TYPES if (document := provider(subscription, name)) is not None]


def provider(subscription: str, namespace: str) -> JsonObject | None:
    """The document of `GET /subscriptions/S/providers/NAMESPACE`; None where the namespace is unknown."""
    name = _NAMESPACES.get(namespace.lower())
    if name is None:
        return None
    regions = as_json(list(LOCATIONS.values()))
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}",
        "namespace": name,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": [
            {
                "resourceType": type_,
                "locations": regions,
                "apiVersions": as_json(list(versions)),
                "defaultApiVersion": versions[0],
                "capabilities": "SupportsTags, SupportsLocation",
            }
            for type_, versions in _TYPES[name].items()
        ],
    }
