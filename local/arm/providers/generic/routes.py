"""Requests to resources of any type."""

from dataclasses import dataclass
from urllib.parse import quote

from local.arm import namespaces
from local.arm.documents import text_in
from local.arm.errors import ArmError
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import LongOperation
from local.arm.paging import page
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.generic.models import render, rules
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource


def mount(router: Router, manager: ResourceManager) -> None:
    resources = Resources(manager)
    resources.register()
    routes = GenericRoutes(manager, resources)
    polling = (
        "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/asyncoperations/{operation}"
    )
    router.add("GET", polling, routes.poll)
    names = "/subscriptions/{subscription}/providers/{namespace}/checkNameAvailability"
    router.add("POST", names, routes.check_name)
    within = "/subscriptions/{subscription}/resourceGroups/{group}/providers/{rest*}"
    for method, handler in (
        ("GET", routes.get_or_list),
        ("HEAD", routes.head),
        ("PUT", routes.put),
        ("PATCH", routes.patch),
        ("DELETE", routes.delete),
    ):
        router.add(method, within, handler)
    router.add(
        "GET", "/subscriptions/{subscription}/providers/{namespace}/{type}", routes.list_in_subscription
    )


@dataclass(frozen=True, slots=True)
class GenericRoutes:
    manager: ResourceManager
    resources: Resources

    def get_or_list(self, request: ArmRequest) -> ArmResponse:
        resource = ResourceId.parse(request.path)
        if resource is None:
            return self._list_in_group(request)
        namespaces.check(resource, request.api_version)
        found = self.resources.get(resource)
        self.manager.operations.note_read(found.key)
        return ArmResponse(body=render(found))

    def head(self, request: ArmRequest) -> ArmResponse:
        found = self.manager.store.find(request.path)
        return ArmResponse(status=204 if found else 404)

    def put(self, request: ArmRequest) -> ArmResponse:
        resource = _resource_id(request)
        stored, created = self.resources.put(resource, request.document())
        if created and rules(resource).asynchronous:
            operation = self.resources.begin(stored)
            return ArmResponse(status=202, headers=self._polling(request, operation), operation=operation)
        return ArmResponse(status=201 if created else 200, body=render(stored))

    def patch(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body=render(self.resources.patch(_resource_id(request), request.document())))

    def delete(self, request: ArmRequest) -> ArmResponse:
        removed = self.resources.delete(_resource_id(request))
        return ArmResponse(status=200 if removed else 204)

    def check_name(self, request: ArmRequest) -> ArmResponse:
        """Whether a name that must be unique in the world is still free; `az storage account create` asks."""
        body = request.document()
        name, type_ = (text_in(body, "name") or "").lower(), text_in(body, "type") or ""
        taken = any(item.name.lower() == name for item in self.manager.store.of_type(type_))
        if not taken:
            return ArmResponse(body={"nameAvailable": True})
        message = f"The {type_.rpartition('/')[2]} name {name} is already taken."
        return ArmResponse(body={"nameAvailable": False, "reason": "AlreadyExists", "message": message})

    def poll(self, request: ArmRequest) -> ArmResponse:
        """202 while it runs; then the resource itself, as a `Location` answers."""
        operation = self.manager.operations.find(request.parameters["operation"])
        if operation is None:
            raise ArmError(404, "ResourceNotFound", "The operation could not be found.")
        self.manager.operations.note_read(operation.id)
        self.manager.operations.settle()
        if operation.running:
            return ArmResponse(status=202, headers=self._polling(request, operation))
        if operation.failure is not None:
            return ArmResponse(status=409, body={"error": operation.failure})
        found = self.manager.store.find(operation.target)
        return ArmResponse(status=200 if found else 204, body=render(found) if found else None)

    def list_in_subscription(self, request: ArmRequest) -> ArmResponse:
        type_ = f"{request.parameters['namespace']}/{request.parameters['type']}"
        prefix = f"/subscriptions/{request.subscription}/".lower()
        found = [item for item in self.manager.store.of_type(type_) if item.key.startswith(prefix)]
        return self._page(request, found)

    def _list_in_group(self, request: ArmRequest) -> ArmResponse:
        group = self.manager.store.group(request.subscription, request.group)
        parent = ResourceId.parse(request.path.rpartition("/")[0])
        type_ = request.path.rpartition("/")[2]
        if parent is not None:
            self.resources.get(parent)
            return self._page(request, self.manager.store.children(parent, type_))
        wanted = request.parameters["rest"].lower()
        found = [item for item in self.manager.store.in_group(group.key) if item.type.lower() == wanted]
        return self._page(request, found)

    def _page(self, request: ArmRequest, found: list[Resource]) -> ArmResponse:
        size = self.manager.page_size
        return ArmResponse(body=page(request, found, key=lambda item: item.key, render=render, size=size))

    def _polling(self, request: ArmRequest, operation: LongOperation) -> dict[str, str]:
        resource = ResourceId.parse(operation.target)
        provider = resource.provider if resource else ""
        path = (
            f"/subscriptions/{operation.subscription}/providers/{provider}/locations/{operation.location}"
            f"/asyncoperations/{operation.id}"
        )
        return {
            "Location": f"{request.base_url}{path}?monitor=true&api-version={quote(request.api_version)}",
            **self.manager.operations.mode.retry_headers(operation.retry_after),
        }


def _resource_id(request: ArmRequest) -> ResourceId:
    resource = ResourceId.parse(request.path)
    if resource is None:
        raise ArmError(
            405, "MethodNotAllowed", f"The HTTP method '{request.method}' is not supported for a collection."
        )
    namespaces.check(resource, request.api_version)
    return resource
