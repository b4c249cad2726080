"""SQL servers: `virtualNetworkRules`, each made and dropped by a long operation of its own.

Shapes, headers and the 15 seconds: recording Test_SQL_Server_v20250101_CRUD. Refusals come at the end of the
operation as `VirtualNetworkRuleBadRequest`, reported by users of Terraform; their first words are (inferred).
"""

from dataclasses import dataclass
from urllib.parse import quote

from local.arm.clock import timestamp
from local.arm.documents import JsonObject, flag_in, object_in, text_in
from local.arm.errors import ArmError, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import Effects, LongOperation
from local.arm.placement import check_parent
from local.arm.providers.generic.models import render
from local.arm.providers.service_rules.subnets import absent, other_region, without_endpoint
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource

RULES = "Microsoft.Sql/servers/virtualNetworkRules"
_MAKE = "sql-rule-make"
_DROP = "sql-rule-drop"
_RETRY_AFTER = 15


def mount(router: Router, manager: ResourceManager) -> None:
    routes = SqlRuleRoutes(manager)
    manager.operations.register(_MAKE, Effects(routes.made, routes.failed))
    manager.operations.register(_DROP, Effects(routes.dropped, routes.failed))
    rule = (
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Sql/servers/{server}"
        "/virtualNetworkRules/{rule}"
    )
    location = "/subscriptions/{subscription}/providers/Microsoft.Sql/locations/{location}"
    router.add("PUT", rule, routes.put)
    router.add("GET", rule, routes.get)
    router.add("DELETE", rule, routes.delete)
    router.add("GET", location + "/virtualNetworkRulesAzureAsyncOperation/{operation}", routes.status)
    router.add("GET", location + "/virtualNetworkRulesOperationResults/{operation}", routes.result)


@dataclass(frozen=True, slots=True)
class SqlRuleRoutes:
    manager: ResourceManager

    def put(self, request: ArmRequest) -> ArmResponse:
        rule = _id(request)
        self.manager.store.group_for_writing(request.subscription, request.group)
        check_parent(rule, self.manager.store, "write")
        server = self._server(rule)
        if text_in(server.properties, "publicNetworkAccess") == "Disabled":
            raise ArmError(
                400,
                "DenyPublicEndpointEnabled",
                "Unable to create or modify firewall rules when public network interface for the server is disabled. "
                "To manage server or database level firewall rules, please enable the public network interface.",
                cause=None,
            )
        given = object_in(request.document(), "properties")
        self.manager.store.put(
            Resource(
                id=server.id.child("virtualNetworkRules", rule.name),
                type=RULES,
                body={
                    "properties": {
                        "virtualNetworkSubnetId": text_in(given, "virtualNetworkSubnetId") or "",
                        "ignoreMissingVnetServiceEndpoint": flag_in(
                            given, "ignoreMissingVnetServiceEndpoint"
                        ),
                        "state": "Initializing",
                    }
                },
            )
        )
        return self._begun(request, rule, server, "UpsertVnetFirewallRule", _MAKE)

    def get(self, request: ArmRequest) -> ArmResponse:
        rule = _id(request)
        self.manager.store.group(request.subscription, request.group)
        check_parent(rule, self.manager.store, "read")
        self.manager.operations.note_read(rule.key)
        found = self.manager.store.find(rule.text)
        if found is None:
            raise _not_found(rule)
        return ArmResponse(body=render(found))

    def delete(self, request: ArmRequest) -> ArmResponse:
        """204 where there is nothing."""
        rule = _id(request)
        self.manager.store.group_for_writing(request.subscription, request.group)
        check_parent(rule, self.manager.store, "delete")
        found = self.manager.store.find(rule.text)
        if found is None:
            return ArmResponse(status=204)
        found.properties["state"] = "Deleting"
        return self._begun(request, rule, self._server(rule), "DropVnetFirewallRule", _DROP)

    def status(self, request: ArmRequest) -> ArmResponse:
        operation = self._operation(request)
        body: JsonObject = {
            "name": operation.id,
            "status": operation.status,
            "startTime": timestamp(operation.started),
        }
        if operation.failure is not None and not operation.running:
            body["error"] = operation.failure
        return ArmResponse(body=body, headers=self.manager.operations.mode.retry_headers(_RETRY_AFTER))

    def result(self, request: ArmRequest) -> ArmResponse:
        """202 while it runs, then the rule, 204 where it is gone."""
        operation = self._operation(request)
        if operation.running:
            headers = self._headers(request, operation)
            del headers["Azure-AsyncOperation"]
            return ArmResponse(status=202, body=_begun_body(operation), headers=headers)
        if operation.failure is not None:
            return ArmResponse(status=400, body={"error": operation.failure})
        found = self.manager.store.find(operation.target)
        return ArmResponse(body=render(found)) if found else ArmResponse(status=204)

    def made(self, operation: LongOperation) -> None:
        """Ready, unless the network provider has something against it: that is found out only now."""
        found = self.manager.store.find(operation.target)
        if found is None:
            return
        problem = self._problem(found)
        found.properties["state"] = "Failed" if problem else "Ready"
        if problem is not None:
            operation.failure = {"code": "VirtualNetworkRuleBadRequest", "message": problem}

    def dropped(self, operation: LongOperation) -> None:
        self.manager.remove(operation.target)

    def failed(self, operation: LongOperation) -> None:
        found = self.manager.store.find(operation.target)
        if found is not None:
            found.properties["state"] = "Failed"

    def _problem(self, rule: Resource) -> str | None:
        subnets = [text_in(rule.properties, "virtualNetworkSubnetId") or ""]
        store = self.manager.store
        server = self._server(rule.id)
        found = absent(store, subnets) or other_region(store, subnets, "Microsoft.Sql", server.location)
        if found is None and not flag_in(rule.properties, "ignoreMissingVnetServiceEndpoint"):
            found = without_endpoint(store, subnets, "Microsoft.Sql")
        if found is None:
            return None
        return f"Azure SQL Server Virtual Network Rule encountered an user error: {found.message}"

    def _server(self, rule: ResourceId) -> Resource:
        assert rule.parent is not None
        found = self.manager.store.find(rule.parent.text)
        if found is None:
            raise resource_not_found(rule.parent)
        return found

    def _begun(
        self, request: ArmRequest, rule: ResourceId, server: Resource, name: str, effect: str
    ) -> ArmResponse:
        operation = self.manager.operations.start(
            name=name,
            subscription=rule.subscription,
            location=server.location,
            target=rule.text,
            effect=effect,
            retry_after=_RETRY_AFTER,
        )
        return ArmResponse(
            status=202,
            body=_begun_body(operation),
            headers=self._headers(request, operation),
            operation=operation,
        )

    def _headers(self, request: ArmRequest, operation: LongOperation) -> dict[str, str]:
        base = (
            f"{request.base_url}/subscriptions/{operation.subscription}/providers/Microsoft.Sql/locations/"
            f"{operation.location}/virtualNetworkRules"
        )
        version = f"{operation.id}?api-version={quote(request.api_version)}"
        return {
            "Azure-AsyncOperation": f"{base}AzureAsyncOperation/{version}",
            "Location": f"{base}OperationResults/{version}",
            **self.manager.operations.mode.retry_headers(_RETRY_AFTER),
        }

    def _operation(self, request: ArmRequest) -> LongOperation:
        operation = self.manager.operations.find(request.parameters["operation"])
        if operation is None:
            raise ArmError(404, "OperationIdNotFound", "The operation with the ID was not found.", cause=None)
        self.manager.operations.note_read(operation.id)
        self.manager.operations.settle()
        return operation


def _id(request: ArmRequest) -> ResourceId:
    rule = ResourceId.parse(request.path)
    assert rule is not None
    return rule


def _begun_body(operation: LongOperation) -> JsonObject:
    return {"operation": operation.name, "startTime": timestamp(operation.started)}


def _not_found(rule: ResourceId) -> ArmError:
    return ArmError(
        404,
        "ResourceNotFound",
        f"The requested resource of type '{RULES}' with name '{rule.name}' was not found.",
        cause=None,
    )
