"""How resource types differ where no provider of their own is needed."""

from collections.abc import Callable
from dataclasses import dataclass

from local.arm.documents import JsonObject, object_in, text_in
from local.arm.ids import ResourceId
from local.arm.store import Resource


@dataclass(frozen=True, slots=True)
class TypeRules:
    """`asynchronous`: PUT answers 202 with `Location` only and an empty body, as Microsoft.Storage does.

    `defaults` makes the properties that the provider adds. `needs_location` is off for children that have none.
    """

    asynchronous: bool = False
    needs_location: bool = True
    defaults: Callable[[ResourceId, JsonObject], JsonObject] = lambda _id, _body: {}


def _storage(resource: ResourceId, body: JsonObject) -> JsonObject:
    services = ("blob", "queue", "table", "file")
    return {
        "primaryEndpoints": {name: f"https://{resource.name}.{name}.core.windows.net/" for name in services},
        "primaryLocation": text_in(body, "location") or "",
        "statusOfPrimary": "available",
        "supportsHttpsTrafficOnly": True,
    }


def _vault(resource: ResourceId, body: JsonObject) -> JsonObject:
    return {
        "vaultUri": f"https://{resource.name}.vault.azure.net/",
        "tenantId": text_in(object_in(body, "properties"), "tenantId") or "",
    }


def _sql_server(resource: ResourceId, _body: JsonObject) -> JsonObject:
    return {
        "fullyQualifiedDomainName": f"{resource.name}.database.windows.net",
        "version": "12.0",
        "state": "Ready",
    }


_RULES = {
    "microsoft.storage/storageaccounts": TypeRules(asynchronous=True, defaults=_storage),
    "microsoft.keyvault/vaults": TypeRules(defaults=_vault),
    "microsoft.sql/servers": TypeRules(defaults=_sql_server),
    "microsoft.sql/servers/databases": TypeRules(needs_location=True),
    "microsoft.sql/servers/elasticpools": TypeRules(needs_location=True),
    "microsoft.sql/managedinstances/databases": TypeRules(needs_location=True),
    "microsoft.synapse/workspaces/sqlpools": TypeRules(needs_location=True),
    "microsoft.synapse/workspaces/bigdatapools": TypeRules(needs_location=True),
    "microsoft.web/sites/slots": TypeRules(needs_location=True),
}
_TOP_LEVEL = TypeRules()
_CHILD = TypeRules(needs_location=False)


def render(resource: Resource) -> JsonObject:
    return {"id": resource.id.text, "name": resource.name, "type": resource.type, **resource.body}


def rules(resource: ResourceId) -> TypeRules:
    found = _RULES.get(resource.type.lower())
    if found is not None:
        return found
    return _TOP_LEVEL if len(resource.types) == 1 else _CHILD
