"""What happens to private endpoints."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from local.arm import tags as tag_rules
from local.arm.clock import timestamp
from local.arm.documents import Json, JsonObject, copied, object_in, tags_in, text_in
from local.arm.errors import resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest
from local.arm.operations import Effects, LongOperation
from local.arm.placement import place
from local.arm.providers.microsoft_network.contention import check_free, check_provisioned
from local.arm.providers.microsoft_network.models import etag_of, new_etag
from local.arm.providers.microsoft_network.preconditions import Change, check_etag, check_name, unchanged
from local.arm.providers.microsoft_network.private_endpoints.errors import (
    fixed,
    reference_not_found,
    too_many_endpoints,
)
from local.arm.providers.microsoft_network.private_endpoints.interfaces import Name, make, names_of
from local.arm.providers.microsoft_network.private_endpoints.models import (
    CONNECTIONS,
    ENDPOINTS,
    MANUAL_CONNECTIONS,
    connections_of,
    group_id,
    state_of,
    subnet_id,
    target_id,
)
from local.arm.providers.microsoft_network.private_endpoints.requests import Wanted, wanted_in
from local.arm.providers.private_link_targets.connections import (
    APPROVED,
    DISCONNECTED,
    PENDING,
    TargetConnections,
)
from local.arm.providers.private_link_targets.connections import state_of as target_state
from local.arm.providers.private_link_targets.table import Group, target_of
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

SETTLE = "private-endpoint-settle"
# https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
MOST_IN_NETWORK = 1_000
_GIVEN = ("customNetworkInterfaceName", "ipConfigurations", "applicationSecurityGroups")


@dataclass(slots=True)
class PrivateEndpoints:
    """`on_names` hears of every endpoint whose names may have changed: zone groups follow it."""

    manager: ResourceManager
    targets: TargetConnections
    on_names: list[Callable[[Resource], None]] = field(default_factory=list)

    def register(self) -> None:
        self.manager.operations.register(SETTLE, Effects(self._settle, self._fail))
        self.manager.on_removal(ENDPOINTS, self._gone)
        self.targets.listeners.append(self._connection_changed)

    def get(self, endpoint: ResourceId) -> Resource:
        self.manager.store.group(endpoint.subscription, endpoint.group or "")
        found = self.manager.store.find(endpoint.text)
        if found is None:
            raise resource_not_found(endpoint)
        return found

    def put(self, endpoint: ResourceId, request: ArmRequest) -> Change:
        store, body = self.manager.store, request.document()
        owner = store.group_for_writing(endpoint.subscription, endpoint.group or "")
        endpoint = endpoint.spelled(owner.name, ENDPOINTS)
        check_name(endpoint)
        existing = store.find(endpoint.text)
        check_etag(request.headers.get("if-match"), existing, endpoint)
        check_free(self.manager.operations, endpoint, request)
        kept: JsonObject = {
            name: copied(body[name]) for name in ("location", "extendedLocation", "tags") if name in body
        }
        place(endpoint, kept, existing, needed=True)
        tag_rules.check(tags_in(kept))
        wanted = wanted_in(endpoint, body, store)
        subnet = self._subnet(endpoint, wanted, text_in(kept, "location") or "")
        if existing is None:
            stored = self._made(endpoint, body, kept, wanted, subnet)
        else:
            stored = _updated(existing, body, kept, wanted)
        settled = existing is not None and unchanged(
            {"properties": existing.properties}, {"properties": stored.properties}
        )
        if existing is None or not settled or existing.body.get("tags") != kept.get("tags"):
            stored.body["etag"] = new_etag()
        if not settled:
            _begin(stored)
        stored.changed = timestamp(self.manager.clock.now())
        store.put(stored)
        return Change(stored, existing is None, settled)

    def delete(self, endpoint: ResourceId, request: ArmRequest) -> Resource | None:
        """Mark for deletion; None where there is nothing."""
        self.manager.store.group_for_writing(endpoint.subscription, endpoint.group or "")
        found = self.manager.store.find(endpoint.text)
        if found is None:
            return None
        check_free(self.manager.operations, endpoint, request)
        found.properties["provisioningState"] = "Deleting"
        return found

    def names(self, endpoint: Resource) -> list[Name]:
        """What the endpoint answers for: nothing until it is approved."""
        if not any(state_of(connection).get("status") == APPROVED for connection in connections_of(endpoint)):
            return []
        found = [self.manager.store.find(identifier) for identifier in _interfaces(endpoint)]
        return [name for item in found if item is not None for name in names_of(item)]

    def _subnet(self, endpoint: ResourceId, wanted: Wanted, location: str) -> Resource:
        """The subnet, which must be there, in the endpoint's region, and not be changing."""
        subnet = self.manager.store.find(wanted.subnet)
        parent = subnet.id.parent if subnet else None
        network = self.manager.store.find(parent.text) if parent else None
        if subnet is None or network is None or network.location != location:
            raise reference_not_found(wanted.subnet, endpoint)
        check_provisioned(self.manager.operations, subnet.id, endpoint)
        return subnet

    def _made(
        self, endpoint: ResourceId, body: JsonObject, kept: JsonObject, wanted: Wanted, subnet: Resource
    ) -> Resource:
        self._check_room(subnet)
        nic = make(
            self.manager.store, endpoint, body, subnet, self._group(wanted), text_in(kept, "location") or ""
        )
        self.manager.store.put(nic)
        properties: JsonObject = {
            "provisioningState": "Updating",
            "resourceGuid": str(uuid.uuid4()),
            CONNECTIONS: [],
            MANUAL_CONNECTIONS: [],
            "customNetworkInterfaceName": "",
            "subnet": {"id": subnet.id.text},
            "ipConfigurations": [],
            "networkInterfaces": [{"id": nic.id.text}],
        }
        connection: JsonObject = {"name": wanted.name, "properties": wanted.connection()}
        properties[MANUAL_CONNECTIONS if wanted.manual else CONNECTIONS] = [connection]
        properties |= _given(body)
        properties["customDnsConfigs"] = []
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=endpoint, type=ENDPOINTS, body={**kept, "properties": properties}, created=now, changed=now
        )

    def _group(self, wanted: Wanted) -> Group | None:
        target = self.manager.store.find(wanted.target)
        known = target_of(target.type) if target else None
        return known.group(target, wanted.groups[0]) if known and target and wanted.groups else None

    def _check_room(self, subnet: Resource) -> None:
        network = subnet.id.parent
        assert network is not None
        beneath = network.key + "/"
        count = sum(
            subnet_id(item).lower().startswith(beneath) for item in self.manager.store.of_type(ENDPOINTS)
        )
        if count >= MOST_IN_NETWORK:
            raise too_many_endpoints(network.text, MOST_IN_NETWORK)

    def _settle(self, operation: LongOperation) -> None:
        """The other side learns of the endpoint, and the endpoint of the names it answers for."""
        endpoint = self.manager.store.find(operation.target)
        if endpoint is None:
            return
        for name in (CONNECTIONS, MANUAL_CONNECTIONS):
            for item in _items(endpoint, name):
                self._connect(endpoint, text_in(item, "name") or "", object_in(item, "properties"))
        endpoint.properties["provisioningState"] = "Succeeded"
        self._changed(endpoint)

    def _connect(self, endpoint: Resource, name: str, connection: JsonObject) -> None:
        state = state_of(connection)
        resource = self.manager.store.find(target_id(connection))
        if state.get("status") == DISCONNECTED or resource is None:
            return
        made = self.targets.of_endpoint(endpoint.id, target_id(connection)) or self.targets.add(
            endpoint,
            name,
            resource,
            group=group_id(connection),
            status=text_in(state, "status") or PENDING,
            note=text_in(connection, "requestMessage") or "",
        )
        if made is not None:
            connection["privateLinkServiceConnectionState"] = target_state(made)
        elif state.get("status") == PENDING:
            connection["privateLinkServiceConnectionState"] = {**state, "description": ""}

    def _fail(self, operation: LongOperation) -> None:
        endpoint = self.manager.store.find(operation.target)
        if endpoint is not None:
            endpoint.properties["provisioningState"] = "Failed"
            endpoint.body["etag"] = new_etag()

    def _connection_changed(self, identifier: str, state: JsonObject) -> None:
        endpoint = self.manager.store.find(identifier)
        if endpoint is None or endpoint.properties["provisioningState"] == "Deleting":
            return
        for connection in connections_of(endpoint):
            connection["privateLinkServiceConnectionState"] = copied(state)
        self._changed(endpoint)

    def _changed(self, endpoint: Resource) -> None:
        names = self.names(endpoint)
        if names:
            # A connection that was approved once keeps its names: clients go on finding what answers no more.
            configurations: list[Json] = [
                {"fqdn": name.fqdn, "ipAddresses": [name.address]} for name in names
            ]
            endpoint.properties["customDnsConfigs"] = configurations
        endpoint.body["etag"] = new_etag()
        for listener in self.on_names:
            listener(endpoint)

    def _gone(self, endpoint: Resource) -> None:
        endpoint.properties["provisioningState"] = "Deleting"
        for connection in connections_of(endpoint):
            made = self.targets.of_endpoint(endpoint.id, target_id(connection))
            if made is not None:
                self.manager.remove(made.key)
        for identifier in _interfaces(endpoint):
            self.manager.remove(identifier)


def _updated(existing: Resource, body: JsonObject, kept: JsonObject, wanted: Wanted) -> Resource:
    """Subnet and connection stay what they were; the rest of an endpoint may change."""
    if wanted.subnet.lower() != subnet_id(existing).lower():
        raise fixed(existing.id, "subnet")
    present = [(target_id(item).lower(), group_id(item).lower()) for item in connections_of(existing)]
    if present != [(wanted.target.lower(), next(iter(wanted.groups), "").lower())]:
        raise fixed(existing.id, "connection")
    properties = {**copied(existing.properties), **_given(body)}
    return Resource(
        id=existing.id,
        type=existing.type,
        body={**kept, "etag": etag_of(existing), "properties": properties},
        created=existing.created,
    )


def _begin(endpoint: Resource) -> None:
    """While it is being changed, what is approved shows as it does in the answer to a new endpoint."""
    endpoint.properties["provisioningState"] = "Updating"
    for connection in connections_of(endpoint):
        state = state_of(connection)
        if state.get("status") == APPROVED:
            connection["privateLinkServiceConnectionState"] = {**state, "description": "Auto Approved"}


def _given(body: JsonObject) -> JsonObject:
    properties = object_in(body, "properties")
    return {name: copied(properties[name]) for name in _GIVEN if properties.get(name) is not None}


def _items(endpoint: Resource, name: str) -> list[JsonObject]:
    value = endpoint.properties.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _interfaces(endpoint: Resource) -> list[str]:
    return [text_in(item, "id") or "" for item in _items(endpoint, "networkInterfaces")]
