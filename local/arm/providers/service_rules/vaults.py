"""Key vaults: a write answers at once, and rules name subnets in lower case.

Shapes: recordings of key vaults, https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults; the refusal was
reported by users of Terraform and PowerShell with this code and wording.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus

from local.arm.clock import timestamp
from local.arm.documents import JsonObject, as_json, flag_in, object_in, objects_in, tags_in, text_in
from local.arm.errors import ArmError
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.generic.models import render
from local.arm.providers.generic.routes import GenericRoutes
from local.arm.providers.service_rules.subnets import absent, without_endpoint
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router

_TRANSIENT = ("createMode", "provisioningState", "vaultUri")
_SYSTEM_DATA_SINCE = "2021-04-01"
_PUBLIC_ACCESS_SINCE = "2021-06-01"


def mount(router: Router, manager: ResourceManager) -> None:
    routes = VaultRoutes(manager, Resources(manager))
    vault = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
    router.add("PUT", vault, routes.put)
    router.add("PATCH", vault, routes.patch)
    router.add("GET", vault, routes.get)


def rules_of(given: JsonObject) -> JsonObject:
    """`networkAcls` as vaults show it, once they have any."""
    acls: JsonObject = {
        "bypass": "AzureServices",
        "defaultAction": "Allow",
        "ipRules": [],
        "virtualNetworkRules": [],
        **given,
    }
    acls["virtualNetworkRules"] = [
        {
            "id": (text_in(rule, "id") or "").lower(),
            **({"ignoreMissingVnetServiceEndpoint": True} if _ignores(rule) else {}),
        }
        for rule in objects_in(acls, "virtualNetworkRules")
    ]
    return acls


@dataclass(frozen=True, slots=True)
class VaultRoutes:
    manager: ResourceManager
    resources: Resources

    def put(self, request: ArmRequest) -> ArmResponse:
        """200 for a new vault as well, as recorded: still without its name in DNS, and with its address unfinished."""
        body = request.document()
        given = object_in(body, "properties")
        properties: JsonObject = {
            "accessPolicies": [],
            "enabledForDeployment": False,
            "enableSoftDelete": True,
            "publicNetworkAccess": "Enabled",
            **{name: value for name, value in given.items() if name not in _TRANSIENT and value is not None},
            "vaultUri": f"https://{request.parameters['name']}.vault.azure.net/",
        }
        body = self._checked({**body, "tags": as_json(tags_in(body)), "properties": properties})
        response = GenericRoutes(self.manager, self.resources).put(replace(request, body=body))
        document = self._shown(response.body or {}, request.api_version)
        if response.status == HTTPStatus.CREATED and given.get("createMode") != "recover":
            uri = f"https://{request.parameters['name']}.vault.azure.net"
            fresh: JsonObject = {"provisioningState": "RegisteringDns", "vaultUri": uri}
            document["properties"] = {**object_in(document, "properties"), **fresh}
        return ArmResponse(body=document)

    def get(self, request: ArmRequest) -> ArmResponse:
        response = GenericRoutes(self.manager, self.resources).get_or_list(request)
        return ArmResponse(body=self._shown(response.body or {}, request.api_version))

    def patch(self, request: ArmRequest) -> ArmResponse:
        """Rules that are given replace those that were there; what `networkAcls` leaves out stays."""
        identifier = ResourceId.parse(request.path)
        assert identifier is not None
        change = request.document()
        given = object_in(change, "properties")
        if "networkAcls" in given:
            found = object_in(self.resources.get(identifier).properties, "networkAcls")
            acls = {**found, **object_in(given, "networkAcls")}
            change = self._checked({**change, "properties": {**given, "networkAcls": acls}})
        patched = render(self.resources.patch(identifier, change))
        return ArmResponse(body=self._shown(patched, request.api_version))

    def _shown(self, document: JsonObject, version: str) -> JsonObject:
        """Connections without what every resource has; who made the vault and when, since 2021."""
        properties = dict(object_in(document, "properties"))
        connections = objects_in(properties, "privateEndpointConnections")
        properties.pop("privateEndpointConnections", None)
        if version < _PUBLIC_ACCESS_SINCE:
            properties.pop("publicNetworkAccess", None)
        if connections:
            properties["privateEndpointConnections"] = [
                {name: item[name] for name in ("id", "etag", "properties") if name in item}
                for item in connections
            ]
        found = self.manager.store.find(text_in(document, "id") or "")
        result: JsonObject = {**document, "properties": properties}
        if found is not None and version >= _SYSTEM_DATA_SINCE and "systemData" not in document:
            changed = found.changed or timestamp(self.manager.clock.now())
            result["systemData"] = {
                "createdBy": "local",
                "createdByType": "Application",
                "createdAt": found.created or changed,
                "lastModifiedBy": "local",
                "lastModifiedByType": "Application",
                "lastModifiedAt": changed,
            }
        return result

    def _checked(self, body: JsonObject) -> JsonObject:
        properties = object_in(body, "properties")
        if "networkAcls" not in properties:
            return body
        acls = rules_of(object_in(properties, "networkAcls"))
        rules = objects_in(acls, "virtualNetworkRules")
        strict = [text_in(rule, "id") or "" for rule in rules if not _ignores(rule)]
        store = self.manager.store
        problem = absent(store, [text_in(rule, "id") or "" for rule in rules])
        problem = problem or without_endpoint(store, strict, "Microsoft.KeyVault")
        if problem is not None:
            raise ArmError(
                400,
                "VirtualNetworkNotValid",
                f"Operation on Virtual Network could not be performed. StatusCode: 400 (BadRequest). Error Code: "
                f"{problem.code}. Error Message: {problem.message}.",
                cause=None,
            )
        return {**body, "properties": {**properties, "networkAcls": acls}}


def _ignores(rule: JsonObject) -> bool:
    return flag_in(rule, "ignoreMissingVnetServiceEndpoint")
