"""`/metadata/endpoints`: what the `az` CLI asks of an unknown cloud before it signs in, without a token."""

from local.arm.documents import JsonObject


def endpoints(base_url: str, tenant: str, identity: str | None) -> JsonObject:
    """The cloud's endpoints in the form of api-version 2022-09-01; `identity` stands in for the sign-in service."""
    login = identity or base_url
    return {
        "name": "local",
        "portal": base_url,
        "authentication": {
            "loginEndpoint": login,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": tenant,
            "identityProvider": "AAD",
        },
        "resourceManager": base_url,
        "media": base_url,
        "graph": base_url,
        "graphAudience": "https://graph.windows.net/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "batch": "https://batch.core.windows.net/",
        "gallery": base_url,
        "vmImageAliasDoc": base_url,
        "suffixes": {
            "storage": "core.windows.net",
            "keyVaultDns": "vault.azure.net",
            "sqlServerHostname": "database.windows.net",
            "acrLoginServer": "azurecr.io",
        },
    }
