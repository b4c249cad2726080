"""Storage accounts: their network rules, and a creation that finds out late that it cannot be.

Shapes: recordings of storage accounts of 2017 to 2025; refusals: hashicorp/terraform-provider-azurerm #16547.
"""

from dataclasses import dataclass, replace

from local.arm.clock import timestamp
from local.arm.documents import Json, JsonObject, object_in, objects_in, text_in
from local.arm.errors import ArmError
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import Effects, LongOperation
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.generic.models import render
from local.arm.providers.generic.routes import GenericRoutes
from local.arm.providers.service_rules import accounts
from local.arm.providers.service_rules.subnets import absent, without_endpoint
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Store

ACCOUNTS = "Microsoft.Storage/storageAccounts"
_CREATE = "storage-create"
_IPV6_RULES_SINCE = "2023-01-01"


def mount(router: Router, manager: ResourceManager) -> None:
    routes = StorageRoutes(manager, Resources(manager))
    manager.operations.register(_CREATE, Effects(routes.created, routes.never_was))
    account = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
    router.add("PUT", account, routes.put)
    router.add("PATCH", account, routes.patch)
    router.add("GET", account, routes.get)
    location = "/subscriptions/{subscription}/providers/Microsoft.Storage/locations/{location}"
    router.add("GET", location + "/asyncoperations/{operation}", routes.poll)


def rules_of(given: JsonObject) -> JsonObject:
    """`networkAcls` as accounts show it: every list is there, every rule has an action and a state."""
    acls: JsonObject = {
        "bypass": "AzureServices",
        "virtualNetworkRules": [],
        "ipRules": [],
        "defaultAction": "Allow",
        **given,
    }
    acls["virtualNetworkRules"] = [
        {"id": text_in(rule, "id") or "", "action": "Allow", "state": "Succeeded"}
        for rule in objects_in(acls, "virtualNetworkRules")
    ]
    acls["ipRules"] = [
        {"value": rule.get("value"), "action": "Allow"} for rule in objects_in(acls, "ipRules")
    ]
    return acls


def shown(acls: JsonObject, store: Store, version: str) -> JsonObject:
    """The rules as a read finds them: a rule whose subnet has gone says so."""
    rules: list[Json] = [
        {**rule, "state": rule["state"] if store.find(str(rule["id"])) else "NetworkSourceDeleted"}
        for rule in objects_in(acls, "virtualNetworkRules")
    ]
    document: JsonObject = {**acls, "virtualNetworkRules": rules}
    return {"ipv6Rules": [], **document} if version >= _IPV6_RULES_SINCE else document


@dataclass(frozen=True, slots=True)
class StorageRoutes:
    manager: ResourceManager
    resources: Resources

    def get(self, request: ArmRequest) -> ArmResponse:
        response = GenericRoutes(self.manager, self.resources).get_or_list(request)
        assert response.body is not None
        return ArmResponse(body=self._shown(response.body, request.api_version))

    def put(self, request: ArmRequest) -> ArmResponse:
        """A new account: 202, and what is wrong with its rules comes to light in the poll. An old one: at once."""
        body = _with_rules(request.document())
        existing = self.manager.store.find(request.path)
        problem = self._problem(body)
        if problem is not None and existing is not None:
            raise problem
        previous = existing.properties if existing else {}
        now = timestamp(self.manager.clock.now())
        body = accounts.completed(body, request.parameters["name"], previous, now, request.api_version)
        response = GenericRoutes(self.manager, self.resources).put(replace(request, body=body))
        if response.operation is not None:
            response.operation.effect = _CREATE
            response.operation.failure = _failure(problem)
        elif response.body is not None:
            response.body = self._shown(response.body, request.api_version)
        return response

    def patch(self, request: ArmRequest) -> ArmResponse:
        """Rules that are given replace those that were there, all together."""
        change = request.document()
        identifier = ResourceId.parse(request.path)
        assert identifier is not None
        if "networkAcls" in object_in(change, "properties"):
            found = self.resources.get(identifier)
            given = {
                **object_in(found.properties, "networkAcls"),
                **object_in(change, "properties", "networkAcls"),
            }
            change = {
                **change,
                "properties": {**object_in(change, "properties"), "networkAcls": rules_of(given)},
            }
            problem = self._problem(change)
            if problem is not None:
                raise problem
        patched = self.resources.patch(identifier, change)
        return ArmResponse(body=self._shown(render(patched), request.api_version))

    def poll(self, request: ArmRequest) -> ArmResponse:
        """What failed answers 400, in the shape of a status."""
        response = GenericRoutes(self.manager, self.resources).poll(request)
        operation = self.manager.operations.find(request.parameters["operation"])
        if operation is not None and operation.failure is not None and not operation.running:
            return ArmResponse(status=400, body={"status": "Failed", "error": operation.failure})
        if response.body is not None:
            response.body = self._shown(response.body, request.api_version)
        return response

    def created(self, operation: LongOperation) -> None:
        found = self.manager.store.find(operation.target)
        if found is not None:
            found.properties["provisioningState"] = "Succeeded"

    def never_was(self, operation: LongOperation) -> None:
        self.manager.remove(operation.target)

    def _shown(self, document: JsonObject, version: str) -> JsonObject:
        properties = object_in(document, "properties")
        acls = rules_of({}) | object_in(properties, "networkAcls")
        now = shown(acls, self.manager.store, version)
        return accounts.as_of({**document, "properties": {**properties, "networkAcls": now}}, version)

    def _problem(self, body: JsonObject) -> ArmError | None:
        rules = objects_in(object_in(body, "properties", "networkAcls"), "virtualNetworkRules")
        subnets = [text_in(rule, "id") or "" for rule in rules]
        store = self.manager.store
        found = absent(store, subnets) or without_endpoint(store, subnets, "Microsoft.Storage")
        if found is None:
            return None
        message = f"Validation of network acls failure: {found.code}:{found.message}."
        return ArmError(400, "NetworkAclsValidationFailure", message, cause=None)


def _with_rules(body: JsonObject) -> JsonObject:
    properties = object_in(body, "properties")
    return {
        **body,
        "properties": {**properties, "networkAcls": rules_of(object_in(properties, "networkAcls"))},
    }


def _failure(problem: ArmError | None) -> JsonObject | None:
    return None if problem is None else {"code": problem.code, "message": problem.message}
