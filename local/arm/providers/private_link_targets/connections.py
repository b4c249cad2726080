"""The connections that private endpoints make to a resource: kept with the resource, approved and rejected there."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from local.arm.clock import timestamp
from local.arm.documents import Json, JsonObject, copied, object_in, text_in, texts_in
from local.arm.ids import ResourceId
from local.arm.providers.private_link_targets.table import Target, target_of, targets
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

COLLECTION = "privateEndpointConnections"
PENDING = "Pending"
APPROVED = "Approved"
REJECTED = "Rejected"
DISCONNECTED = "Disconnected"

# The endpoint's id, the connection's state as endpoints show it.
type Listener = Callable[[str, JsonObject], None]


@dataclass(slots=True)
class TargetConnections:
    """Stored as children of the resource, so they are saved with it and go with it.

    `listeners` hear of every change of state, the end of a connection included.
    """

    manager: ResourceManager
    listeners: list[Listener] = field(default_factory=list)

    def register(self) -> None:
        for target in targets().values():
            self.manager.store.on_put(target.type, self._list_in)
            self.manager.store.on_put(target.connections.type, self._list_in_owner)
            self.manager.on_removal(target.connections.type, self._removed)

    def add(
        self, endpoint: Resource, connection: str, resource: Resource, *, group: str, status: str, note: str
    ) -> Resource | None:
        """A connection from `endpoint`; None where the service is not in the table."""
        target = target_of(resource.type)
        if target is None:
            return None
        name = target.connections.name.format(
            target=resource.name, endpoint=endpoint.name, connection=connection, guid=uuid.uuid4()
        )
        description = target.connections.description if status == APPROVED else note
        properties: JsonObject = {
            "provisioningState": target.connections.ready,
            "privateEndpoint": {"id": endpoint.id.text},
            "groupIds": [group],
            "status": status,
            "description": description,
        }
        now = timestamp(self.manager.clock.now())
        stored = Resource(
            id=resource.id.child(COLLECTION, name),
            type=target.connections.type,
            body={"properties": properties},
            created=now,
            changed=now,
        )
        self.manager.store.put(stored)
        return stored

    def of(self, resource: ResourceId) -> list[Resource]:
        return self.manager.store.children(resource, COLLECTION)

    def of_endpoint(self, endpoint: ResourceId, resource: str) -> Resource | None:
        """The connection that an endpoint has to a resource."""
        owner = ResourceId.parse(resource)
        found = self.of(owner) if owner else []
        return next((item for item in found if endpoint_of(item).lower() == endpoint.key), None)

    def decide(self, connection: Resource, status: str, description: str | None) -> None:
        """Approve, reject or disconnect."""
        connection.properties["status"] = status
        connection.properties["description"] = description
        connection.body["etag"] = uuid.uuid4().hex
        connection.changed = timestamp(self.manager.clock.now())
        self._list_in_owner(connection)
        self._tell(connection, state_of(connection))

    def document(self, connection: Resource) -> JsonObject:
        owner = connection.id.parent
        target = target_of(owner.type) if owner else None
        resource = self.manager.store.find(owner.text) if owner else None
        assert target is not None
        return _document(connection, target, resource.location if resource else "")

    def _list_in(self, resource: Resource) -> None:
        self._relist(resource, self.of(resource.id))

    def _list_in_owner(self, connection: Resource) -> None:
        owner = connection.id.parent
        resource = self.manager.store.find(owner.text) if owner else None
        if resource is not None:
            self._list_in(resource)

    def _removed(self, connection: Resource) -> None:
        owner = connection.id.parent
        resource = self.manager.store.find(owner.text) if owner else None
        if resource is not None:
            self._relist(resource, [item for item in self.of(resource.id) if item.key != connection.key])
        # (inferred) What endpoints show of a connection whose other side has gone.
        gone: JsonObject = {"status": DISCONNECTED, "description": "Deleted state", "actionsRequired": "None"}
        self._tell(connection, gone)

    def _relist(self, resource: Resource, connections: list[Resource]) -> None:
        """A resource's own document lists its connections, whatever was sent for it."""
        target = target_of(resource.type)
        if target is None or "properties" not in resource.body:
            return
        shown: list[Json] = [_document(item, target, resource.location) for item in connections]
        if target.listed == "always" or (shown and target.listed == "when-any"):
            resource.properties["privateEndpointConnections"] = shown
        else:
            resource.properties.pop("privateEndpointConnections", None)

    def _tell(self, connection: Resource, state: JsonObject) -> None:
        for listener in self.listeners:
            listener(endpoint_of(connection), state)


def endpoint_of(connection: Resource) -> str:
    return text_in(object_in(connection.properties, "privateEndpoint"), "id") or ""


def status_of(connection: Resource) -> str:
    return text_in(connection.properties, "status") or PENDING


def state_of(connection: Resource) -> JsonObject:
    """The connection's state as endpoints show it."""
    return {
        "status": status_of(connection),
        "description": text_in(connection.properties, "description") or "",
        "actionsRequired": "None",
    }


def _document(connection: Resource, target: Target, location: str) -> JsonObject:
    style = target.connections
    document: JsonObject = {
        "id": connection.id.text.replace(
            f"/{COLLECTION}/", f"/{target.connections_type.rpartition('/')[2]}/"
        ),
        "name": connection.name,
        "type": style.type,
    }
    if "location" in style.shows:
        document["location"] = location
    if "etag" in style.shows or ("etagOnceDecided" in style.shows and "etag" in connection.body):
        document["etag"] = connection.body.get("etag", "")
    properties: JsonObject = {
        "provisioningState": connection.properties.get("provisioningState"),
        "privateEndpoint": copied(object_in(connection.properties, "privateEndpoint")),
        "privateLinkServiceConnectionState": _state(connection, target),
    }
    groups = texts_in(connection.properties, "groupIds")
    if "groupIds" in style.shows:
        properties["groupIds"] = [*groups]
    if "groupId" in style.shows:
        properties["groupId"] = groups[0] if groups else None
    return {**document, "properties": properties}


def _state(connection: Resource, target: Target) -> JsonObject:
    state: JsonObject = {"status": status_of(connection)}
    description = text_in(connection.properties, "description")
    if description or "description" in target.connections.shows:
        state["description"] = description or ""
    if target.connections.actions:
        state[target.connections.actions] = "None"
    return state
