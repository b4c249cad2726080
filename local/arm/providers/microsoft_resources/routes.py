"""Requests to Microsoft.Resources."""

from dataclasses import dataclass
from urllib.parse import quote

from local.arm import catalog, filters
from local.arm.documents import object_in, tags_in, text_in
from local.arm.errors import ArmError
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import LongOperation
from local.arm.paging import page
from local.arm.providers.microsoft_resources.behaviour import Groups, Tags
from local.arm.providers.microsoft_resources.models import (
    deletion_job,
    group_document,
    listed_document,
    location_documents,
    operation_of_job,
    subscription_document,
    tags_document,
    tenant_document,
)
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource, ResourceGroup

_FIRST_POLL_BARE_SINCE = "2024-06-01"
_GROUP_FIELDS = frozenset({"tagname", "tagvalue", "name"})
_RESOURCE_FIELDS = frozenset({"resourcetype", "resourcegroup", "name", "location", "tagname", "tagvalue"})


def mount(router: Router, manager: ResourceManager) -> None:
    groups = Groups(manager)
    groups.register()
    routes = ResourceRoutes(manager, groups, Tags(manager))
    group = "/subscriptions/{subscription}/resourceGroups/{group}"
    tags = "{scope*}/providers/Microsoft.Resources/tags/default"
    for method, pattern, handler in (
        ("GET", "/subscriptions", routes.list_subscriptions),
        ("GET", "/subscriptions/{subscription}", routes.get_subscription),
        ("GET", "/tenants", routes.list_tenants),
        ("GET", "/subscriptions/{subscription}/locations", routes.list_locations),
        ("GET", "/subscriptions/{subscription}/providers", routes.list_providers),
        ("GET", "/subscriptions/{subscription}/providers/{namespace}", routes.get_provider),
        ("POST", "/subscriptions/{subscription}/providers/{namespace}/register", routes.get_provider),
        ("GET", "/providers", routes.list_providers),
        ("GET", "/providers/{namespace}", routes.get_provider),
        ("GET", "/subscriptions/{subscription}/resourceGroups", routes.list_groups),
        ("PUT", group, routes.put_group),
        ("GET", group, routes.get_group),
        ("HEAD", group, routes.head_group),
        ("PATCH", group, routes.patch_group),
        ("DELETE", group, routes.delete_group),
        ("GET", "/subscriptions/{subscription}/operationresults/{token}", routes.poll_deletion),
        ("GET", "/subscriptions/{subscription}/resources", routes.list_resources),
        ("GET", group + "/resources", routes.list_resources),
        ("GET", tags, routes.get_tags),
        ("PUT", tags, routes.put_tags),
        ("PATCH", tags, routes.patch_tags),
        ("DELETE", tags, routes.delete_tags),
    ):
        router.add(method, pattern, handler)


@dataclass(frozen=True, slots=True)
class ResourceRoutes:
    manager: ResourceManager
    groups: Groups
    tags: Tags

    def list_subscriptions(self, request: ArmRequest) -> ArmResponse:
        """Those in which the caller has any role."""
        configuration = self.manager.configuration
        documents = [
            subscription_document(name, configuration.tenant)
            for name in configuration.subscriptions
            if self.manager.access.is_within(request.principal.oid, f"/subscriptions/{name}")
        ]
        return ArmResponse(body={"value": [*documents], "count": {"type": "Total", "value": len(documents)}})

    def get_subscription(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(
            body=subscription_document(request.subscription, self.manager.configuration.tenant)
        )

    def list_tenants(self, _request: ArmRequest) -> ArmResponse:
        return ArmResponse(body={"value": [tenant_document(self.manager.configuration.tenant)]})

    def list_locations(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body={"value": location_documents(request.subscription)})

    def list_providers(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body={"value": [*catalog.providers(request.subscription)]})

    def get_provider(self, request: ArmRequest) -> ArmResponse:
        namespace = request.parameters["namespace"]
        document = catalog.provider(request.subscription, namespace)
        if document is None:
            raise ArmError(
                404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid."
            )
        return ArmResponse(body=document)

    def list_groups(self, request: ArmRequest) -> ArmResponse:
        wanted = filters.parse(request.query.get("$filter"), _GROUP_FIELDS)

        def passes(group: ResourceGroup) -> bool:
            return wanted.holds({"name": group.name}, group.tags or {})

        groups = [g for g in self.manager.store.groups(request.subscription) if self._shown(request, g.id)]
        size = self.manager.page_size
        return ArmResponse(
            body=page(
                request,
                groups,
                key=lambda group: group.key,
                render=lambda group: group_document(group, request.api_version),
                wanted=passes,
                size=size,
            )
        )

    def put_group(self, request: ArmRequest) -> ArmResponse:
        group, created = self.groups.put(request.subscription, request.group, request.document())
        return ArmResponse(status=201 if created else 200, body=group_document(group, request.api_version))

    def get_group(self, request: ArmRequest) -> ArmResponse:
        group = self.manager.store.group(request.subscription, request.group)
        self.manager.operations.note_read(group.key)
        return ArmResponse(body=group_document(group, request.api_version))

    def head_group(self, request: ArmRequest) -> ArmResponse:
        found = self.manager.store.find_group(request.subscription, request.group)
        return (
            ArmResponse(status=204)
            if found
            else ArmResponse(status=404, headers={"x-ms-failure-cause": "gateway"})
        )

    def patch_group(self, request: ArmRequest) -> ArmResponse:
        group = self.groups.patch(request.subscription, request.group, request.document())
        return ArmResponse(body=group_document(group, request.api_version))

    def delete_group(self, request: ArmRequest) -> ArmResponse:
        operation, _ = self.groups.delete(request.subscription, request.group)
        return ArmResponse(status=202, headers=self._polling(request, operation), operation=operation)

    def poll_deletion(self, request: ArmRequest) -> ArmResponse:
        """202 while it runs; then 200, or what went wrong.

        Since the middle of 2024 the first answer comes without `Location`; versions of before show it always.
        """
        operation = self.manager.operations.find(operation_of_job(request.parameters["token"]))
        if operation is None:
            raise ArmError(404, "ResourceNotFound", "The operation result could not be found.")
        self.manager.operations.note_read(operation.id)
        self.manager.operations.settle()
        if operation.running:
            headers = self._polling(request, operation)
            if operation.reads == 1 and request.api_version >= _FIRST_POLL_BARE_SINCE:
                del headers["Location"]
            return ArmResponse(status=202, headers=headers)
        if operation.failure is not None:
            failure = operation.failure
            return ArmResponse(status=409, body=failure if "Error" in failure else {"error": failure})
        return ArmResponse(status=200)

    def list_resources(self, request: ArmRequest) -> ArmResponse:
        """The tracked resources of a group, or of the subscription."""
        wanted = filters.parse(request.query.get("$filter"), _RESOURCE_FIELDS)
        expand = frozenset(request.query.get("$expand", "").lower().split(","))
        resources = [r for r in self._listed(request) if r.tracked and self._shown(request, r.id.text)]
        return ArmResponse(
            body=page(
                request,
                resources,
                key=lambda resource: resource.key,
                render=lambda resource: listed_document(resource, expand, by_tag=wanted.by_tag),
                wanted=lambda resource: wanted.holds(_fields(resource), tags_in(resource.body)),
                size=self.manager.page_size,
            )
        )

    def _listed(self, request: ArmRequest) -> list[Resource]:
        if request.group:
            return self.manager.store.in_group(
                self.manager.store.group(request.subscription, request.group).key
            )
        prefix = f"/subscriptions/{request.subscription}/".lower()
        return [resource for resource in self.manager.store if resource.key.startswith(prefix)]

    def _shown(self, request: ArmRequest, identifier: str) -> bool:
        """Whether a list shows the caller something: all of it, where the list itself was allowed."""
        if request.rights or not self.manager.access.enforced:
            return True
        action = "Microsoft.Resources/subscriptions/resourceGroups/read"
        if "/providers/" in identifier:
            action = "Microsoft.Resources/subscriptions/resources/read"
        return self.manager.access.allows(request.principal.oid, action, identifier)

    def get_tags(self, request: ArmRequest) -> ArmResponse:
        scope = self._scope(request)
        return ArmResponse(body=tags_document(scope, self.tags.read(scope)))

    def put_tags(self, request: ArmRequest) -> ArmResponse:
        scope = self._scope(request)
        tags = tags_in(object_in(request.document(), "properties"))
        return ArmResponse(body=tags_document(scope, self.tags.write(scope, tags)))

    def patch_tags(self, request: ArmRequest) -> ArmResponse:
        scope = self._scope(request)
        body = request.document()
        tags = tags_in(object_in(body, "properties"))
        changed = self.tags.patch(scope, text_in(body, "operation") or "", tags)
        return ArmResponse(body=tags_document(scope, changed))

    def delete_tags(self, request: ArmRequest) -> ArmResponse:
        self.tags.write(self._scope(request), {})
        return ArmResponse(status=200)

    def _scope(self, request: ArmRequest) -> str:
        """The scope in Azure's own spelling where it is a group."""
        scope = request.parameters["scope"]
        parts = scope.strip("/").split("/")
        if len(parts) == 4:
            return self.manager.store.group(parts[1], parts[3]).id
        return scope

    def _polling(self, request: ArmRequest, operation: LongOperation) -> dict[str, str]:
        token = deletion_job(operation.id, operation.location)
        path = f"/subscriptions/{operation.subscription}/operationresults/{token}"
        return {
            "Location": f"{request.base_url}{path}?api-version={quote(request.api_version)}",
            **self.manager.operations.mode.retry_headers(operation.retry_after),
        }


def _fields(resource: Resource) -> dict[str, str]:
    return {
        "resourcetype": resource.type,
        "resourcegroup": resource.id.group or "",
        "name": "/".join(resource.id.names),
        "location": resource.location,
    }
