"""Requests to Microsoft.Insights at the scope of any resource."""

from dataclasses import dataclass

from local.arm.documents import JsonObject
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.microsoft_insights.behaviour import Settings, Subject
from local.arm.providers.microsoft_insights.models import (
    GROUPS_SINCE,
    category_document,
    completed,
    setting_document,
)
from local.arm.providers.microsoft_insights.rules import SettingError
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager) -> None:
    routes = InsightsRoutes(Settings(manager))
    settings = "{scope*}/providers/Microsoft.Insights/diagnosticSettings"
    categories = "{scope*}/providers/Microsoft.Insights/diagnosticSettingsCategories"
    for method, pattern, handler in (
        ("GET", settings, routes.list_settings),
        ("PUT", settings + "/{name}", routes.put_setting),
        ("GET", settings + "/{name}", routes.get_setting),
        ("DELETE", settings + "/{name}", routes.delete_setting),
        ("GET", categories, routes.list_categories),
        ("GET", categories + "/{name}", routes.get_category),
    ):
        router.add(method, pattern, handler)


@dataclass(frozen=True, slots=True)
class InsightsRoutes:
    settings: Settings

    def list_settings(self, request: ArmRequest) -> ArmResponse:
        """All settings as PUT answered them, on one page: there are at most five."""
        scope = request.parameters["scope"]
        found = self.settings.all(self.settings.subject(scope))
        documents = [
            setting_document(scope, name, properties, request.api_version, None)
            for name, properties in found.items()
        ]
        return ArmResponse(body={"value": [*documents]})

    def put_setting(self, request: ArmRequest) -> ArmResponse:
        """200 for a new setting too; the SDK accepts nothing else."""
        scope, name = request.parameters["scope"], request.parameters["name"]
        spelled, properties = self.settings.put(self.settings.subject(scope), name, request.document())
        return ArmResponse(body=setting_document(scope, spelled, properties, request.api_version, None))

    def get_setting(self, request: ArmRequest) -> ArmResponse:
        scope = request.parameters["scope"]
        subject = self.settings.subject(scope)
        name, properties = self.settings.get(subject, request.parameters["name"])
        shown = completed(properties, subject.facts)
        # The recorded answers carry the region exactly where a metric was added.
        location = subject.location if shown["metrics"] != properties["metrics"] else None
        return ArmResponse(body=setting_document(scope, name, shown, request.api_version, location))

    def delete_setting(self, request: ArmRequest) -> ArmResponse:
        subject = self.settings.subject(request.parameters["scope"])
        return ArmResponse(status=200 if self.settings.delete(subject, request.parameters["name"]) else 204)

    def list_categories(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body={"value": [*self._categories(request)]})

    def get_category(self, request: ArmRequest) -> ArmResponse:
        name = request.parameters["name"]
        for document in self._categories(request):
            if str(document["name"]).lower() == name.lower():
                return ArmResponse(body=document)
        raise SettingError(
            404, "ResourceNotFound", f"The diagnostic setting category '{name}' doesn't exist."
        )

    def _categories(self, request: ArmRequest) -> list[JsonObject]:
        subject: Subject = self.settings.subject(request.parameters["scope"])
        scope, version = request.parameters["scope"], request.api_version or GROUPS_SINCE
        facts = subject.facts
        logs = [
            category_document(
                scope,
                name,
                "Logs",
                [group for group in facts.groups if name in facts.covered(group)],
                version,
            )
            for name in facts.logs
        ]
        metrics = [category_document(scope, name, "Metrics", [], version) for name in facts.metrics]
        return logs + metrics
