"""What happens to plain resources of the network provider and to their addressable parts."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.clock import timestamp
from local.arm.documents import Json, JsonObject, as_json, copied, object_in, objects_in, tags_in, text_in
from local.arm.errors import NetworkError, network_child_not_found, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest
from local.arm.operations import Effects, LongOperation
from local.arm.placement import check_parent, check_parent_of_deleted, place
from local.arm.providers.microsoft_network import gateways
from local.arm.providers.microsoft_network.contention import (
    check_free,
    check_owner_free,
    check_references_provisioned,
)
from local.arm.providers.microsoft_network.models import GATEWAYS, etag_of, new_etag
from local.arm.providers.microsoft_network.plain_documents import (
    completed,
    part_document,
    plain_document,
    users_of,
    with_defaults,
)
from local.arm.providers.microsoft_network.plain_types import TYPES, PlainType
from local.arm.providers.microsoft_network.preconditions import Change, check_etag, check_name, unchanged
from local.arm.providers.microsoft_network.private_addresses import assigned
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

_KEPT = ("location", "tags", "sku", "zones", "identity", "extendedLocation", "kind")
GATEWAY_MADE = "network-gateway-made"
_OWN = ("provisioningState", "resourceGuid")


@dataclass(frozen=True, slots=True)
class PlainResources:
    manager: ResourceManager

    def register(self) -> None:
        self.manager.operations.register(GATEWAY_MADE, Effects(self._gateway_made, self._gateway_failed))
        for kind in TYPES.values():
            self.manager.on_removal(kind.type, _nothing, self._blocking(kind))

    def kind(self, resource: ResourceId) -> PlainType:
        return TYPES[resource.types[0].lower()]

    def document(self, resource: Resource) -> JsonObject:
        return plain_document(resource, self.kind(resource.id), self.manager.store)

    def get(self, resource: ResourceId) -> Resource:
        self.manager.store.group(resource.subscription, resource.group or "")
        found = self.manager.store.find(resource.text)
        if found is None:
            raise resource_not_found(resource)
        return found

    def put(self, resource: ResourceId, request: ArmRequest) -> Change:
        store, kind = self.manager.store, self.kind(resource)
        group = store.group_for_writing(resource.subscription, resource.group or "")
        resource = resource.spelled(group.name, kind.type)
        check_name(resource)
        existing = store.find(resource.text)
        check_etag(request.headers.get("if-match"), existing, resource)
        check_free(self.manager.operations, resource, request)
        used = references_in(object_in(request.document(), "properties"))
        check_references_provisioned(self.manager.operations, resource, used)
        before = self.document(existing) if existing else None
        stored = self._composed(resource, kind, request.document(), existing)
        store.put(stored)
        self._replace_parts(stored, kind, object_in(request.document(), "properties"))
        after = self.document(stored)
        settled = before is not None and unchanged(_without_tags(before), _without_tags(after))
        if after != before:
            stored.body["etag"] = new_etag()
        if not settled:
            at_once = kind.settled or text_in(object_in(stored.body, "sku"), "name") == kind.settled_tier
            stored.properties["provisioningState"] = "Succeeded" if at_once else "Updating"
        return Change(stored, existing is None, settled)

    def patch_tags(self, resource: ResourceId, body: JsonObject) -> Resource:
        found = self.get(resource)
        self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        tags = tags_in(body)
        tag_rules.check(tags)
        found.body["tags"] = as_json(dict(tags))
        found.body["etag"] = new_etag()
        return found

    def delete(self, resource: ResourceId, request: ArmRequest) -> Resource | None:
        store = self.manager.store
        store.group_for_writing(resource.subscription, resource.group or "")
        check_free(self.manager.operations, resource, request)
        found = store.find(resource.text)
        if found is None:
            return None
        kind = self.kind(resource)
        users = users_of(found, kind, store)
        if kind.in_use is not None and users:
            message = kind.in_use.message.format(id=found.id.text, user=users[0])
            raise NetworkError(400, kind.in_use.code, message)
        found.properties["provisioningState"] = "Deleting"
        return found

    def owner_of(self, part: ResourceId, verb: str) -> Resource:
        self.manager.store.group(part.subscription, part.group or "")
        check_parent(part, self.manager.store, verb)
        found = self.manager.store.find(part.parent.text) if part.parent else None
        if found is None:
            raise network_child_not_found(part)
        return found

    def part_document(self, part: Resource) -> JsonObject:
        return part_document(part, self.kind(part.id), self.owner_of(part.id, "read"))

    def get_part(self, part: ResourceId) -> Resource:
        self.owner_of(part, "read")
        found = self.manager.store.find(part.text)
        if found is None:
            raise network_child_not_found(part)
        return found

    def put_part(self, part: ResourceId, request: ArmRequest) -> Change:
        owner = self.owner_of(part, "write")
        self.manager.store.group_for_writing(part.subscription, part.group or "")
        check_name(part)
        existing = self.manager.store.find(part.text)
        check_etag(request.headers.get("if-match"), owner if existing else None, part)
        check_owner_free(self.manager.operations, owner.id)
        before = self.part_document(existing) if existing else None
        name = self._spelled_part(part)
        stored = self._stored_part(owner, name, part.name, object_in(request.document(), "properties"))
        settled = unchanged(before, self.part_document(stored))
        if not settled:
            stored.properties["provisioningState"] = "Updating"
            owner.body["etag"] = new_etag()
        return Change(stored, existing is None, settled)

    def delete_part(self, part: ResourceId) -> Resource | None:
        self.manager.store.group_for_writing(part.subscription, part.group or "")
        check_parent_of_deleted(part, self.manager.store)
        owner = self.owner_of(part, "delete")
        found = self.manager.store.find(part.text)
        if found is None:
            return None
        check_owner_free(self.manager.operations, owner.id)
        found.properties["provisioningState"] = "Deleting"
        return found

    def _composed(
        self, resource: ResourceId, kind: PlainType, body: JsonObject, existing: Resource | None
    ) -> Resource:
        kept: JsonObject = {name: copied(body[name]) for name in _KEPT if body.get(name) is not None}
        place(resource, kept, existing, needed=True)
        tag_rules.check(tags_in(kept))
        if kind.sku is not None:
            kept["sku"] = {**kind.sku, **object_in(kept, "sku")}
        links = {link.property for link in kind.links}
        given: JsonObject = {
            name: _reduced(value, resource.key)
            for name, value in object_in(body, "properties").items()
            if name not in _OWN and name not in links and value is not None
        }
        for name, part in kind.parts.items():
            if part.addressable:
                given.pop(name, None)
            elif part.located:
                given[name] = [*assigned(self.manager.store, resource, objects_in(given, name))]
        previous = existing.properties if existing else {}
        given = completed(given, kind)
        if kind.type == GATEWAYS:
            gateways.check(resource.text, given, self.manager.store)
            given = gateways.composed(given, resource.text, previous)
        self._check_prefix(given)
        _name_publicly(given, text_in(kept, "location") or "")
        guid = {"resourceGuid": previous.get("resourceGuid", str(uuid.uuid4()))} if kind.guid else {}
        kept["etag"] = etag_of(existing) if existing else new_etag()
        kept["properties"] = {
            "provisioningState": previous.get("provisioningState", "Updating"),
            **guid,
            **given,
        }
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else resource,
            type=kind.type,
            body=kept,
            created=existing.created if existing else now,
            changed=now,
        )

    def _check_prefix(self, given: JsonObject) -> None:
        """The block that a public address is to be taken from."""
        prefix = text_in(object_in(given, "publicIPPrefix"), "id")
        identifier = ResourceId.parse(prefix) if prefix else None
        if identifier is not None and self.manager.store.find(identifier.text) is None:
            raise network_child_not_found(identifier)

    def _gateway_made(self, operation: LongOperation) -> None:
        found = self.manager.store.find(operation.target)
        if found is not None:
            gateways.made(found, self.manager.store)
            found.properties["provisioningState"] = "Succeeded"
            found.body["etag"] = new_etag()

    def _gateway_failed(self, operation: LongOperation) -> None:
        found = self.manager.store.find(operation.target)
        if found is not None:
            found.properties["provisioningState"] = "Failed"

    def _replace_parts(self, owner: Resource, kind: PlainType, given: JsonObject) -> None:
        """The addressable parts of a PUT are all that the resource has from then on."""
        for name in (name for name, part in kind.parts.items() if part.addressable):
            wanted = objects_in(given, name)
            names = {(text_in(item, "name") or "").lower() for item in wanted}
            for present in self.manager.store.children(owner.id, name):
                if present.name.lower() not in names:
                    self.manager.store.remove(present.key)
            for item in wanted:
                self._stored_part(owner, name, text_in(item, "name") or "", object_in(item, "properties"))

    def _stored_part(self, owner: Resource, collection: str, name: str, given: JsonObject) -> Resource:
        identifier = owner.id.child(collection, name)
        existing = self.manager.store.find(identifier.text)
        state = existing.properties.get("provisioningState") if existing else "Updating"
        fields = self.kind(owner.id).parts[collection].fields
        now = timestamp(self.manager.clock.now())
        stored = Resource(
            id=existing.id if existing else identifier,
            type=f"{owner.type}/{collection}",
            body={"properties": {**with_defaults(copied(given), fields), "provisioningState": state}},
            created=existing.created if existing else now,
            changed=now,
        )
        self.manager.store.put(stored)
        return stored

    def _spelled_part(self, part: ResourceId) -> str:
        wanted = part.types[-1].lower()
        return next(name for name in self.kind(part).parts if name.lower() == wanted)

    def _blocking(self, kind: PlainType) -> "_Blocking":
        return _Blocking(self.manager, kind)


@dataclass(frozen=True, slots=True)
class _Blocking:
    """Who keeps a resource from going with its group."""

    manager: ResourceManager
    kind: PlainType

    def __call__(self, resource: Resource) -> list[str]:
        return users_of(resource, self.kind, self.manager.store) if self.kind.in_use else []


def _without_tags(document: JsonObject) -> JsonObject:
    """Changed tags change the resource, but provision nothing."""
    return {name: value for name, value in document.items() if name not in ("tags", "etag")}


def _name_publicly(given: JsonObject, location: str) -> None:
    """A public address with a label has a name in Azure's own zone."""
    settings = object_in(given, "dnsSettings")
    label = text_in(settings, "domainNameLabel")
    if label:
        settings["fqdn"] = f"{label}.{location}.cloudapp.azure.com"


def _reduced(value: Json, own: str) -> Json:
    """A copy in which whole resources, as clients send them back, are references; parts of the resource stay whole."""
    if isinstance(value, list):
        return [_reduced(item, own) for item in value]
    if not isinstance(value, dict):
        return value
    identifier = str(value.get("id") or "")
    if ResourceId.parse(identifier) is not None and not identifier.lower().startswith(own + "/"):
        return {"id": identifier}
    return {name: _reduced(item, own) for name, item in value.items()}


def references_in(value: Json) -> Iterator[str]:
    """The ids of the resources that a document refers to."""
    if isinstance(value, dict):
        identifier = value.get("id")
        if isinstance(identifier, str) and ResourceId.parse(identifier) is not None:
            yield identifier
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from references_in(item)


def _nothing(_resource: Resource) -> None:
    """Nothing depends on a plain resource that would have to be told."""
