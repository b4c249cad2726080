"""Event Hubs namespaces: one set of network rules each, read and written as `networkRuleSets/default`.

Shapes: https://learn.microsoft.com/rest/api/eventhub/namespaces/create-or-update-network-rule-set; refusals are
(inferred), in the words that Event Hubs' other refusals have in recordings.
"""

from dataclasses import dataclass

from local.arm.documents import Json, JsonObject, flag_in, object_in, objects_in, text_in
from local.arm.errors import ArmError, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.service_rules.subnets import Problem, absent, without_endpoint
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource

_TYPE = "Microsoft.EventHub/namespaces/networkrulesets"
_DEFAULTS: JsonObject = {
    "publicNetworkAccess": "Enabled",
    "defaultAction": "Allow",
    "virtualNetworkRules": [],
    "ipRules": [],
    "trustedServiceAccessEnabled": False,
}


def mount(router: Router, manager: ResourceManager) -> None:
    routes = EventHubRoutes(manager, Resources(manager))
    sets = (
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.EventHub/namespaces/{name}"
        "/networkRuleSets"
    )
    router.add("GET", sets, routes.list)
    router.add("GET", sets + "/default", routes.get)
    router.add("PUT", sets + "/default", routes.put)


@dataclass(frozen=True, slots=True)
class EventHubRoutes:
    manager: ResourceManager
    resources: Resources

    def list(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body={"value": [self._document(self._namespace(request))]})

    def get(self, request: ArmRequest) -> ArmResponse:
        """There before anybody has written it: everything is allowed then."""
        return ArmResponse(body=self._document(self._namespace(request)))

    def put(self, request: ArmRequest) -> ArmResponse:
        """All rules are replaced; the namespace shows the same `publicNetworkAccess`."""
        namespace = self._namespace(request)
        self.manager.store.group_for_writing(request.subscription, request.group)
        if (text_in(object_in(namespace.body, "sku"), "name") or "").lower() == "basic":
            raise _refused("Network rule sets are not available for namespaces of the Basic tier.")
        given = object_in(request.document(), "properties")
        rules: list[Json] = [_rule(rule) for rule in objects_in(given, "virtualNetworkRules")]
        ip_rules: list[Json] = [{"action": "Allow", **rule} for rule in objects_in(given, "ipRules")]
        problem = self._problem(given)
        if problem is not None:
            raise _refused(f"{problem.code}: {problem.message}")
        kept: JsonObject = {name: value for name, value in given.items() if name in _DEFAULTS}
        found: JsonObject = {**_DEFAULTS, **kept, "virtualNetworkRules": rules, "ipRules": ip_rules}
        identifier = namespace.id.child("networkRuleSets", "default")
        self.manager.store.put(Resource(id=identifier, type=_TYPE, body={"properties": found}))
        namespace.properties["publicNetworkAccess"] = found["publicNetworkAccess"]
        return ArmResponse(body=self._document(namespace))

    def _document(self, namespace: Resource) -> JsonObject:
        identifier = f"{namespace.id.text}/networkRuleSets/default"
        stored = self.manager.store.find(identifier)
        return {
            "id": identifier,
            "name": "default",
            "type": _TYPE,
            "location": namespace.location,
            "properties": {**_DEFAULTS, **(stored.properties if stored else {})},
        }

    def _namespace(self, request: ArmRequest) -> Resource:
        path = request.path[: request.path.lower().index("/networkrulesets")]
        identifier = ResourceId.parse(path)
        assert identifier is not None
        found = self.manager.store.find(path)
        if found is None:
            self.manager.store.group(request.subscription, request.group)
            raise resource_not_found(identifier)
        return found

    def _problem(self, given: JsonObject) -> Problem | None:
        rules = objects_in(given, "virtualNetworkRules")
        store = self.manager.store
        strict = [_subnet(rule) for rule in rules if not flag_in(rule, "ignoreMissingVnetServiceEndpoint")]
        every = [_subnet(rule) for rule in rules]
        return absent(store, every) or without_endpoint(store, strict, "Microsoft.EventHub")


def _rule(given: JsonObject) -> JsonObject:
    ignore = flag_in(given, "ignoreMissingVnetServiceEndpoint")
    return {"subnet": {"id": _subnet(given)}, "ignoreMissingVnetServiceEndpoint": ignore}


def _subnet(rule: JsonObject) -> str:
    return text_in(object_in(rule, "subnet"), "id") or ""


def _refused(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message, cause=None)
