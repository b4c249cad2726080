"""Key vaults: a write answers at once, and rules name subnets in lower case.

Shapes: recordings of key vaults, https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults; the refusal was
reported by users of Terraform and PowerShell with this code and wording.
"""

from dataclasses import dataclass, replace

from local.arm.documents import JsonObject, flag_in, object_in, objects_in, text_in
from local.arm.errors import ArmError
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.generic.models import render
from local.arm.providers.generic.routes import GenericRoutes
from local.arm.providers.service_rules.subnets import absent, without_endpoint
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager) -> None:
    routes = VaultRoutes(manager, Resources(manager))
    vault = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
    router.add("PUT", vault, routes.put)
    router.add("PATCH", vault, routes.patch)


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
        """200 for a new vault as well, as recorded; what public access is left to is said."""
        body = request.document()
        properties: JsonObject = {"publicNetworkAccess": "Enabled", **object_in(body, "properties")}
        body = self._checked({**body, "properties": properties})
        response = GenericRoutes(self.manager, self.resources).put(replace(request, body=body))
        return ArmResponse(body=response.body)

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
        return ArmResponse(body=render(self.resources.patch(identifier, change)))

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
