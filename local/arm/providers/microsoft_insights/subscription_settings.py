"""Diagnostic settings of a subscription: where its activity log goes. Their documents are shorter than others'."""

from dataclasses import dataclass

from local.arm.documents import JsonObject, copied, flag_in, object_in, objects_in, text_in
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.microsoft_insights.rules import SettingError, sinks_of
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager) -> None:
    routes = SubscriptionSettings(manager)
    settings = "/subscriptions/{subscription}/providers/Microsoft.Insights/diagnosticSettings"
    router.add("GET", settings, routes.list)
    router.add("PUT", settings + "/{name}", routes.put)
    router.add("GET", settings + "/{name}", routes.get)
    router.add("DELETE", settings + "/{name}", routes.delete)


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    manager: ResourceManager

    def list(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body={"value": [*self._all(request).values()]})

    def get(self, request: ArmRequest) -> ArmResponse:
        found = self._all(request).get(request.parameters["name"].lower())
        if found is None:
            name = request.parameters["name"]
            raise SettingError(404, "ResourceNotFound", f"The diagnostic setting '{name}' doesn't exist.")
        return ArmResponse(body=found)

    def put(self, request: ArmRequest) -> ArmResponse:
        """200 for a new setting too; only the sinks that were given are shown."""
        name, body = request.parameters["name"], request.document()
        given = object_in(body, "properties")
        if not sinks_of(given):
            raise SettingError(
                400, "BadRequest", "At least one data sink needs to be specified."
            )  # (inferred)
        properties: JsonObject = {key: copied(value) for key, value in given.items() if key != "logs"}
        document: JsonObject = {
            # Without the leading slash, as recorded.
            "id": f"subscriptions/{request.subscription}/providers/microsoft.insights/diagnosticSettings/{name}",
            "type": "Microsoft.Insights/diagnosticSettings",
            "name": name,
            "location": "global",
            "properties": {
                **properties,
                "logs": [
                    {
                        "category": text_in(entry, "category"),
                        "enabled": flag_in(entry, "enabled"),
                        "categoryGroup": text_in(entry, "categoryGroup"),
                    }
                    for entry in objects_in(given, "logs")
                ],
            },
        }
        self.manager.diagnostic_settings.setdefault(_key(request), {})[name.lower()] = document
        return ArmResponse(body=document)

    def delete(self, request: ArmRequest) -> ArmResponse:
        removed = self._all(request).pop(request.parameters["name"].lower(), None)
        return ArmResponse(status=200 if removed else 204)

    def _all(self, request: ArmRequest) -> dict[str, JsonObject]:
        return self.manager.diagnostic_settings.get(_key(request), {})


def _key(request: ArmRequest) -> str:
    return f"/subscriptions/{request.subscription}".lower()
