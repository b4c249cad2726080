"""What must exist before a recorded request makes sense: made from the recording itself.

Recordings begin with groups that the test's frame had made, and create resources of types that are not modelled.
What the recording shows to exist, and no earlier request of it has decided about, is put in place.
"""

from collections.abc import Iterator, Mapping, Sequence

from local.arm.catalog import canonical_type, location_name
from local.arm.documents import JsonObject, copied, object_in, objects_in, tags_in, text_in
from local.arm.ids import ResourceId, group_of
from local.arm.providers.private_link_targets.connections import COLLECTION
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource, ResourceGroup
from tests.local.arm.conformance.recordings import SUBSCRIPTION, Exchange
from tests.local.arm.conformance.subjects import Kind, kind_of

_OWN = ("id", "name", "type", "createdTime", "changedTime", "provisioningState")
# What the store keeps apart, although documents show it inside.
_CHILDREN: Mapping[str, Sequence[str]] = {
    "microsoft.network/virtualnetworks": ("subnets", "virtualNetworkPeerings"),
    "microsoft.network/routetables": ("routes",),
    "microsoft.network/networksecuritygroups": (
        "securityRules",
        "defaultSecurityRules",
        "subnets",
        "networkInterfaces",
    ),
}
# Never shown by some recordings that refer to them.
_REFERRED_TO: Sequence[Kind] = ("security group", "network resource", "storage account", "vault")


class Scene:
    """Keeps `manager` in step with what a recording shows outside of the modelled types."""

    def __init__(self, manager: ResourceManager, exchanges: Sequence[Exchange]) -> None:
        self._manager = manager
        self._documents = [document for exchange in exchanges for document in _documents(exchange)]
        # Ids in lower case whose fate a replayed request has decided: never put in place again.
        self.decided: set[str] = set()
        # Written by requests whose bodies were not recorded: what they are now, only the recording knows.
        self.blind: set[str] = set()
        # Resources of types that are not modelled, whose deletion has begun.
        self._leaving: set[str] = set()

    def prepare(self, exchange: Exchange) -> None:
        """Put in place what the recorded answer to `exchange` presupposes."""
        if exchange.status < 400:
            # Nothing in the way any more: what was being deleted is gone.
            for identifier in self._leaving:
                self._manager.remove(identifier)
            self._leaving.clear()
        group = group_of(exchange.path)
        if group is not None and _presupposes_group(exchange):
            self._ensure_group(group)
        # A list is about what its last segment belongs to.
        resource = ResourceId.parse(exchange.path) or ResourceId.parse(exchange.path.rstrip("/") + "/all")
        if resource is not None and exchange.status < 400:
            self._ensure_ancestors(resource)
            if exchange.method == "GET" or (exchange.method == "PUT" and exchange.status == 200):
                self._ensure(exchange.document)
        if exchange.method == "GET" and exchange.status == 200:
            for item in objects_in(exchange.document, "value"):
                self._ensure(item)
        # What a 404 says to be missing must be.
        for identifier in _mentioned(exchange.sent) if exchange.status != 404 else ():
            self._ensure_mentioned(identifier, certain=exchange.status < 400)
        self._adopt_names()

    def follow(self, exchange: Exchange) -> None:
        """Take over what a request about a type that is not modelled has done."""
        if exchange.status >= 400 or ResourceId.parse(exchange.path) is None:
            return
        if exchange.method in ("PUT", "PATCH", "POST") and not exchange.bodies_recorded:
            self.blind.add(exchange.path.lower().rstrip("/"))
        if exchange.method == "DELETE" and exchange.status == 202:
            self._leaving.add(exchange.path.rstrip("/"))
        elif exchange.method == "DELETE":
            self._manager.remove(exchange.path.rstrip("/"))
        elif exchange.method in ("PUT", "GET", "PATCH"):
            self._store(exchange.document, replace=True)

    def decide(self, exchange: Exchange) -> None:
        """Note that a replayed request has decided about what it names."""
        if exchange.method in ("PUT", "DELETE", "PATCH"):
            self.decided.add(exchange.path.lower().rstrip("/"))

    def _adopt_names(self) -> None:
        """Connections have names of the service's making: ours are called as the recording calls them."""
        store = self._manager.store
        for document in self._documents:
            path, _, name = (text_in(document, "id") or "").rpartition("/")
            owner = ResourceId.parse(path.rpartition("/")[0])
            if owner is None or not path.lower().endswith("/privateendpointconnections"):
                continue
            wanted = object_in(document, "properties", "privateEndpoint")
            for found in store.children(owner, COLLECTION):
                if found.name != name and object_in(found.properties, "privateEndpoint") == wanted:
                    store.remove(found.key)
                    found.id = owner.child(COLLECTION, name)
                    store.put(found)

    def _ensure_group(self, name: str) -> None:
        key = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}".lower()
        if key in self.decided or self._manager.store.find_group(SUBSCRIPTION, name) is not None:
            return
        found = (item for item in self._documents if (text_in(item, "id") or "").lower() == key)
        known: JsonObject = next(found, {})
        location = text_in(known, "location") or self._location_within(key)
        self._manager.store.put_group(
            ResourceGroup(
                subscription=SUBSCRIPTION,
                name=(text_in(known, "id") or name).rpartition("/")[2],
                location=location_name(location),
                tags=tags_in(known) if "tags" in known else None,
                managed_by=text_in(known, "managedBy"),
                state=text_in(object_in(known, "properties"), "provisioningState") or "Succeeded",
            )
        )

    def _ensure_ancestors(self, resource: ResourceId) -> None:
        for identifier in (resource.parent, ResourceId.parse(resource.scope)):
            if identifier is not None:
                self._ensure_ancestors(identifier)
                self._ensure_mentioned(identifier.text)

    def _ensure_mentioned(self, identifier: str, *, certain: bool = False) -> None:
        """Put in place what is referred to; `certain` when the request succeeded, so that it must have been there."""
        resource = ResourceId.parse(identifier)
        if resource is None or resource.group is None:
            return
        document = self._document(resource.key)
        kind = kind_of("GET", "", identifier)
        if document is None and kind is not None and not (certain and kind in _REFERRED_TO):
            return
        location = self._location_within(
            f"/subscriptions/{SUBSCRIPTION}/resourcegroups/{resource.group}".lower()
        )
        self._ensure(document or {"id": identifier, "location": location, "properties": {}})

    def _ensure(self, document: JsonObject) -> None:
        identifier = text_in(document, "id") or ""
        group = _group_named(identifier)
        if group is not None and identifier.lower() not in self.decided:
            self._ensure_group(group)
            return
        if identifier.lower() not in self.decided and self._manager.store.find(identifier) is None:
            self._store(document, replace=False)

    def _store(self, document: JsonObject, *, replace: bool) -> None:
        resource = ResourceId.parse(text_in(document, "id") or "")
        if resource is None or resource.group is None or "diagnosticsettings" in resource.key:
            return
        if self._manager.store.find(resource.text) is not None and not replace:
            return
        self._ensure_group(resource.group)
        if self._manager.store.find_group(SUBSCRIPTION, resource.group) is None:
            return
        type_ = canonical_type(text_in(document, "type") or resource.type)
        body: JsonObject = {name: copied(value) for name, value in document.items() if name not in _OWN}
        # No operation runs on what is put in place.
        properties = object_in(body, "properties")
        if properties.get("provisioningState") in ("Updating", "Creating"):
            properties["provisioningState"] = "Succeeded"
        if "location" in body:
            body["location"] = location_name(text_in(body, "location") or "")
        children = _CHILDREN.get(type_.lower(), ())
        self._manager.store.put(
            Resource(
                id=resource,
                type=type_,
                body=_without(body, children),
                created=text_in(document, "createdTime") or "",
                changed=text_in(document, "changedTime") or "",
            )
        )
        for name in children:
            for child in objects_in(object_in(document, "properties"), name):
                if (text_in(child, "id") or "").lower() not in self.decided:
                    self._store(child, replace=False)

    def _document(self, key: str) -> JsonObject | None:
        """What the recording shows of a resource or group, the richest first."""
        found = [item for item in self._documents if (text_in(item, "id") or "").lower() == key]
        return max(found, key=lambda item: len(str(item)), default=None)

    def _location_within(self, group_key: str) -> str:
        """Where a group is: as its document says, else where the first resource in it is."""
        for document in self._documents:
            identifier = (text_in(document, "id") or "").lower()
            if identifier == group_key or identifier.startswith(group_key + "/"):
                location = text_in(document, "location")
                if location and location.lower() != "global":
                    return location
        return "westus"


def _presupposes_group(exchange: Exchange) -> bool:
    """Whether the group was there already when the request came."""
    whole = len(exchange.path.strip("/").split("/")) == 4
    if whole and exchange.method == "PUT":
        return exchange.status == 200
    if exchange.status == 404:
        code = text_in(object_in(exchange.document, "error"), "code")
        return not whole and code is not None and code != "ResourceGroupNotFound"
    return True


def _documents(exchange: Exchange) -> Iterator[JsonObject]:
    if exchange.status >= 400:
        return
    if "id" in exchange.document:
        yield exchange.document
    yield from objects_in(exchange.document, "value")


def _group_named(identifier: str) -> str | None:
    parts = identifier.strip("/").split("/")
    return parts[3] if len(parts) == 4 and parts[2].lower() == "resourcegroups" else None


def _mentioned(value: object) -> Iterator[str]:
    """The resource ids that a request body names."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _mentioned(item)
    elif isinstance(value, list):
        for item in value:
            yield from _mentioned(item)
    elif isinstance(value, str) and value.lower().startswith("/subscriptions/"):
        yield value


def _without(body: JsonObject, children: Sequence[str]) -> JsonObject:
    if "properties" not in body:
        return body
    properties = object_in(body, "properties")
    kept: JsonObject = {name: value for name, value in properties.items() if name not in children}
    return {**body, "properties": kept}
