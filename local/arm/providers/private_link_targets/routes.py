"""Requests to private link resources and private endpoint connections, beneath the resources of the table."""

from dataclasses import dataclass
from urllib.parse import quote

from local.arm.documents import JsonObject, object_in, text_in
from local.arm.errors import ArmError, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import Effects, LongOperation
from local.arm.providers.private_link_targets.connections import (
    APPROVED,
    DISCONNECTED,
    PENDING,
    REJECTED,
    TargetConnections,
    status_of,
)
from local.arm.providers.private_link_targets.table import Group, Target, target_of, targets
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource

_SETTLE = "private-link-connection-settle"
_REMOVE = "private-link-connection-remove"
# (inferred) The recordings of these had it removed.
_RETRY_AFTER = 10


# What follows a location, as the lists of permissions of these providers name it.
_POLLED = {
    "Microsoft.Databricks": "operationstatuses",
    "Microsoft.Sql": "privateEndpointConnectionAzureAsyncOperation",
}


def mount(router: Router, manager: ResourceManager) -> TargetConnections:
    """What it gives back is how endpoints connect. The routes must come before the generic ones."""
    connections = TargetConnections(manager)
    connections.register()
    routes = PrivateLinkRoutes(manager, connections)
    routes.register()
    for target in targets().values():
        provider = target.type.partition("/")[0]
        resource = (
            f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{target.type}/{{name}}"
        )
        connection = resource + "/privateEndpointConnections/{connection}"
        router.add("GET", resource + "/privateLinkResources", routes.list_resources)
        router.add("GET", resource + "/privateLinkResources/{link}", routes.get_resource)
        router.add("GET", resource + "/privateEndpointConnections", routes.list_connections)
        router.add("GET", connection, routes.get_connection)
        router.add("PUT", connection, routes.put_connection)
        router.add("DELETE", connection, routes.delete_connection)
        router.add("GET", connection + "/operationStatus/{operation}", routes.status)
        router.add("GET", connection + "/operationResults/{operation}", routes.result)
        everywhere = f"/subscriptions/{{subscription}}/providers/{provider}/locations/{{location}}"
        router.add("GET", f"{everywhere}/{_polled(provider)}/{{operation}}", routes.status)
        router.add("GET", resource + "/operationStatuses/{operation}", routes.status)
    return connections


@dataclass(frozen=True, slots=True)
class PrivateLinkRoutes:
    manager: ResourceManager
    connections: TargetConnections

    def register(self) -> None:
        operations = self.manager.operations
        operations.register(_SETTLE, Effects(self._settled, self._settled))
        operations.register(_REMOVE, Effects(self._removed, self._settled))

    def list_resources(self, request: ArmRequest) -> ArmResponse:
        resource, target = self._owner(request, 1)
        found = [_link_document(resource, target, group) for group in target.groups_of(resource)]
        return ArmResponse(body={"value": [*found]})

    def get_resource(self, request: ArmRequest) -> ArmResponse:
        resource, target = self._owner(request, 2)
        group = target.group(resource, request.parameters["link"])
        if group is None:
            raise resource_not_found(_id(request))
        return ArmResponse(body=_link_document(resource, target, group))

    def list_connections(self, request: ArmRequest) -> ArmResponse:
        resource, _ = self._owner(request, 1)
        found = self.connections.of(resource.id)
        return ArmResponse(body={"value": [self.connections.document(item) for item in found]})

    def get_connection(self, request: ArmRequest) -> ArmResponse:
        self._owner(request, 2)
        connection = self.manager.store.find(request.path)
        if connection is None and "kv-operation" in request.query:
            return ArmResponse(status=204)
        connection = self._connection(request)
        self.manager.operations.note_read(connection.key)
        return ArmResponse(body=self.connections.document(connection))

    def put_connection(self, request: ArmRequest) -> ArmResponse:
        """Approve, reject or disconnect what an endpoint has asked for."""
        _, target = self._owner(request, 2)
        connection = self._connection(request)
        self.manager.store.group_for_writing(connection.id.subscription, connection.id.group or "")
        given = object_in(request.document(), "properties", "privateLinkServiceConnectionState")
        status = text_in(given, "status") or ""
        _check_decision(status_of(connection), status, target)
        description = text_in(given, "description")
        if target.connections.style == "enqueued":
            return self._enqueued(request, connection, target, {"status": status, "description": description})
        self.connections.decide(connection, status, description)
        if target.connections.style == "at-once":
            return ArmResponse(body=self.connections.document(connection))
        connection.properties["provisioningState"] = "Updating"
        operation = self._begin(connection, _SETTLE)
        headers = self._polling(request, connection, target, operation)
        return ArmResponse(
            status=200 if target.connections.style == "own-url" else 202,
            body=self.connections.document(connection),
            headers=headers,
            operation=operation,
        )

    def _enqueued(
        self, request: ArmRequest, connection: Resource, target: Target, decision: JsonObject
    ) -> ArmResponse:
        """Nothing shows before the operation has ended."""
        connection.body["decision"] = decision
        operation = self._begin(connection, _SETTLE)
        headers = self._polling(request, connection, target, operation)
        return ArmResponse(status=202, body={"status": "Enqueued"}, headers=headers, operation=operation)

    def delete_connection(self, request: ArmRequest) -> ArmResponse:
        _, target = self._owner(request, 2)
        connection = self.manager.store.find(request.path)
        if connection is None:
            return ArmResponse(status=204)
        self.manager.store.group_for_writing(connection.id.subscription, connection.id.group or "")
        if target.connections.style == "at-once":
            self.manager.remove(connection.key)
            return ArmResponse()
        connection.properties["provisioningState"] = "Deleting"
        operation = self._begin(connection, _REMOVE)
        headers = self._polling(request, connection, target, operation)
        if target.connections.style == "own-url":
            headers = {"Location": headers["Azure-AsyncOperation"]}
        body: JsonObject | None = {"status": "Enqueued"} if target.connections.style == "enqueued" else None
        return ArmResponse(status=202, body=body, headers=headers, operation=operation)

    def status(self, request: ArmRequest) -> ArmResponse:
        """200 with the status; one beneath a connection names itself, as Event Hubs does."""
        operation = self._operation(request)
        if "connection" not in request.parameters:
            running: JsonObject = {"status": "Dequeued" if operation.running else operation.status}
            return ArmResponse(body=running)
        busy = "Deleting" if operation.effect == _REMOVE else "Updating"
        name = request.parameters["connection"]
        body: JsonObject = {
            "id": f"{request.path}/operationStatus/{name}",
            "name": name,
            "status": busy if operation.running else operation.status,
        }
        headers = {"Azure-AsyncOperation": request.url} if operation.running else {}
        return ArmResponse(body=body, headers=headers)

    def result(self, request: ArmRequest) -> ArmResponse:
        """202 while it runs, then the connection, or 204 where it was a deletion."""
        operation = self._operation(request)
        found = self.manager.store.find(operation.target)
        if operation.running:
            return ArmResponse(status=202, headers={"Location": request.url})
        return ArmResponse(body=self.connections.document(found)) if found else ArmResponse(status=204)

    def _operation(self, request: ArmRequest) -> LongOperation:
        operation = self.manager.operations.find(request.parameters["operation"])
        if operation is None:
            raise ArmError(404, "NotFound", "The operation could not be found.")  # (inferred)
        self.manager.operations.note_read(operation.id)
        self.manager.operations.settle()
        return operation

    def _begin(self, connection: Resource, effect: str) -> LongOperation:
        owner = connection.id.parent
        resource = self.manager.store.find(owner.text) if owner else None
        return self.manager.operations.start(
            name="PrivateEndpointConnection",
            subscription=connection.id.subscription,
            location=resource.location if resource else "",
            target=connection.id.text,
            effect=effect,
            retry_after=_RETRY_AFTER,
        )

    def _polling(
        self, request: ArmRequest, connection: Resource, target: Target, operation: LongOperation
    ) -> dict[str, str]:
        version = f"api-version={quote(request.api_version)}"
        own = f"{request.base_url}{connection.id.text}"
        match target.connections.style:
            case "own-url":
                return {"Azure-AsyncOperation": f"{own}?{version}&kv-operation={operation.id}"}
            case "operation-status":
                return {"Azure-AsyncOperation": f"{own}/operationStatus/{operation.id}?{version}"}
            case _:
                base = f"{request.base_url}{_statuses(connection, operation)}"
                return {
                    "Azure-AsyncOperation": f"{base}/{operation.id}?{version}",
                    "Location": f"{own}/operationResults/{operation.id}?{version}",
                }

    def _settled(self, operation: LongOperation) -> None:
        connection = self.manager.store.find(operation.target)
        owner = connection.id.parent if connection else None
        target = target_of(owner.type) if owner else None
        if connection is not None and target is not None:
            decision = object_in(connection.body, "decision")
            if connection.body.pop("decision", None) is not None and operation.failure is None:
                status = text_in(decision, "status") or PENDING
                self.connections.decide(connection, status, text_in(decision, "description"))
            connection.properties["provisioningState"] = target.connections.ready
            self.manager.store.put(connection)

    def _removed(self, operation: LongOperation) -> None:
        self.manager.remove(operation.target)

    def _owner(self, request: ArmRequest, above: int) -> tuple[Resource, Target]:
        """The resource that a path `above` segments beneath it belongs to."""
        resource = ResourceId.parse(request.path.rstrip("/").rsplit("/", above)[0])
        target = target_of(resource.type) if resource else None
        assert resource is not None
        assert target is not None
        self.manager.store.group(resource.subscription, resource.group or "")
        found = self.manager.store.find(resource.text)
        if found is None:
            raise resource_not_found(resource)
        return found, target

    def _connection(self, request: ArmRequest) -> Resource:
        found = self.manager.store.find(request.path)
        if found is None:
            raise ArmError(
                404, "NotFound", "The document could not be retrieved because it does not exist.", cause=None
            )
        return found


def _id(request: ArmRequest) -> ResourceId:
    resource = ResourceId.parse(request.path)
    assert resource is not None
    return resource


def _check_decision(present: str, wanted: str, target: Target) -> None:
    """Storage lets only what is pending be approved, as recorded."""
    known = wanted in (APPROVED, REJECTED, PENDING, DISCONNECTED)
    if known and not (target.connections.final and wanted == APPROVED and present != PENDING):
        return
    raise ArmError(
        400,
        "InvalidValuesForRequestParameters",
        "Values for request parameters are invalid: privateLinkServiceConnectionState.status.",
        cause=None,
    )


def _link_document(resource: Resource, target: Target, group: Group) -> JsonObject:
    kind = target.resources_type.rpartition("/")[2]
    return {
        "id": f"{resource.id.text}/{kind}/{group.id}",
        "name": group.id,
        "type": target.resources_type,
        "properties": {
            "groupId": group.id,
            "requiredMembers": [member.name for member in group.members],
            "requiredZoneNames": [group.naming.zone],
        },
    }


def _statuses(connection: Resource, operation: LongOperation) -> str:
    """Where a provider tells of its operations: beneath a location, Synapse beneath the workspace."""
    provider = connection.type.partition("/")[0]
    if provider == "Microsoft.Synapse":
        return f"{connection.id.text.rsplit('/', 2)[0]}/operationStatuses"
    location = f"/subscriptions/{operation.subscription}/providers/{provider}/locations/{operation.location}"
    return f"{location}/{_polled(provider)}"


def _polled(provider: str) -> str:
    return _POLLED.get(provider, "operationsStatus")
