"""Requests to workspaces that differ from those to any other resource: PUT, and the polling of what it began."""

from dataclasses import dataclass
from urllib.parse import quote

from local.arm.clock import timestamp
from local.arm.documents import object_in
from local.arm.errors import ArmError
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import LongOperation
from local.arm.providers.generic.behaviour import SETTLE, Resources
from local.arm.providers.generic.models import render
from local.arm.providers.microsoft_operationalinsights.models import (
    new_etag,
    operation_document,
    properties_of,
)
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router

_RETRY_AFTER = 20
_POLLED_WITH = "2015-11-01-preview"


def mount(router: Router, manager: ResourceManager) -> None:
    routes = WorkspaceRoutes(manager, Resources(manager))
    namespace = "/providers/Microsoft.OperationalInsights"
    workspace = "/subscriptions/{subscription}/resourceGroups/{group}" + namespace + "/workspaces/{name}"
    polling = (
        "/subscriptions/{subscription}" + namespace + "/locations/{location}/operationstatuses/{operation}"
    )
    router.add("PUT", workspace, routes.put)
    router.add("GET", polling, routes.poll)


@dataclass(frozen=True, slots=True)
class WorkspaceRoutes:
    manager: ResourceManager
    resources: Resources

    def put(self, request: ArmRequest) -> ArmResponse:
        """201 while a new one is made, with the workspace itself as its `Location`; 200 for an update."""
        workspace = ResourceId.parse(request.path)
        assert workspace is not None
        body = request.document()
        existing = self.manager.store.find(workspace.text)
        previous = dict(existing.properties) if existing else {}
        stored, created = self.resources.put(workspace, body)
        now = timestamp(self.manager.clock.now())
        stored.body["properties"] = properties_of(stored.id, object_in(body, "properties"), previous, now)
        stored.body["etag"] = new_etag()
        if not created:
            return ArmResponse(body=render(stored))
        stored.properties["provisioningState"] = "Creating"
        operation = self.manager.operations.start(
            name="operationstatuses",
            subscription=workspace.subscription,
            location=stored.location,
            target=stored.id.text,
            effect=SETTLE,
            retry_after=_RETRY_AFTER,
        )
        return ArmResponse(
            status=201, body=render(stored), headers=self._headers(request, operation), operation=operation
        )

    def poll(self, request: ArmRequest) -> ArmResponse:
        operation = self.manager.operations.find(request.parameters["operation"])
        if operation is None:
            raise ArmError(404, "OperationNotFound", "The operation could not be found.", cause=None)
        self.manager.operations.note_read(operation.id)
        self.manager.operations.settle()
        return ArmResponse(body=operation_document(operation))

    def _headers(self, request: ArmRequest, operation: LongOperation) -> dict[str, str]:
        path = (
            f"/subscriptions/{operation.subscription}/providers/Microsoft.OperationalInsights/locations/"
            f"{operation.location}/operationstatuses/{operation.id}"
        )
        return {
            "Azure-AsyncOperation": f"{request.base_url}{path}?api-version={_POLLED_WITH}",
            "Location": f"{request.base_url}{operation.target}?api-version={quote(request.api_version)}",
            **self.manager.operations.mode.retry_headers(operation.retry_after),
        }
