"""Children that exist with their parent, without anybody having created them, and that no list of a group shows.

The services of a storage account: recording Test_Storage_v20230101_CreationAndDeletion. The database `master` of a SQL
server, last in the list of its databases: recording LockActionTest.test_lock_action_child_resource.
"""

from dataclasses import dataclass

from local.arm import namespaces
from local.arm.documents import JsonObject
from local.arm.errors import resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.providers.generic.models import render
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource

SERVICES = {
    "": ("blob", "file", "queue", "table"),
    "BlobStorage": ("blob",),
    "BlockBlobStorage": ("blob",),
    "FileStorage": ("file",),
}
"""The services of an account by its kind; any other kind has all four."""

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers"


def mount(router: Router, manager: ResourceManager) -> None:
    routes = ImpliedChildren(manager)
    for service in SERVICES[""]:
        services = f"{_GROUP}/Microsoft.Storage/storageAccounts/{{account}}/{service}Services"
        router.add("GET", services, routes.list_services)
        router.add("GET", services + "/default", routes.get_service)
    databases = f"{_GROUP}/Microsoft.Sql/servers/{{server}}/databases"
    router.add("GET", databases, routes.list_databases)
    router.add("GET", databases + "/master", routes.get_master)


@dataclass(frozen=True, slots=True)
class ImpliedChildren:
    manager: ResourceManager

    def list_services(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body={"value": [self._service(_child(request, "default"), request)]})

    def get_service(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body=self._service(_child(request, ""), request))

    def list_databases(self, request: ArmRequest) -> ArmResponse:
        master = _child(request, "master")
        server = self._parent(master, request)
        stored = {d.key: d for d in self.manager.store.children(server.id, "databases")}
        found = list(({master.key: _master(master, server)} | stored).values())
        size = self.manager.page_size
        return ArmResponse(body=page(request, found, key=lambda item: item.key, render=render, size=size))

    def get_master(self, request: ArmRequest) -> ArmResponse:
        master = _child(request, "")
        server, stored = self._parent(master, request), self.manager.store.find(master.text)
        return ArmResponse(body=render(stored or _master(master, server)))

    def _service(self, service: ResourceId, request: ArmRequest) -> JsonObject:
        account = self._parent(service, request)
        part = service.types[-1].lower().removesuffix("services")
        if part not in SERVICES.get(str(account.body.get("kind", "")), SERVICES[""]):
            raise resource_not_found(service)
        stored = self.manager.store.find(service.text)
        if stored is not None:
            return render(stored)
        type_ = f"{account.type}/{part}Services"
        document: JsonObject = {"id": service.spelled(account.id.group or "", type_).text, "name": "default"}
        sku = {"sku": account.body["sku"]} if part in ("blob", "file") and "sku" in account.body else {}
        return {**sku, **document, "type": type_, "properties": {"cors": {"corsRules": []}}}

    def _parent(self, child: ResourceId, request: ArmRequest) -> Resource:
        namespaces.check(child, request.api_version)
        self.manager.store.group(child.subscription, child.group or "")
        parent = child.parent
        found = self.manager.store.find(parent.text) if parent else None
        if found is None:
            raise resource_not_found(parent or child)
        return found


def _child(request: ArmRequest, name: str) -> ResourceId:
    resource = ResourceId.parse(f"{request.path}/{name}" if name else request.path)
    assert resource is not None
    return resource


def _master(database: ResourceId, server: Resource) -> Resource:
    body: JsonObject = {
        "sku": {"name": "System", "tier": "System", "capacity": 0},
        "kind": "v12.0,system",
        "managedBy": server.id.text,
        "location": server.location,
        "properties": {"status": "Online", "collation": "SQL_Latin1_General_CP1_CI_AS"},
    }
    type_ = "Microsoft.Sql/servers/databases"
    return Resource(id=database.spelled(server.id.group or "", type_), type=type_, body=body)
