"""The documents of plain resources: what was sent, what Azure adds, and who refers to them."""

from collections.abc import Iterator
from uuid import UUID

from local.arm.documents import Json, JsonObject, copied, object_in, objects_in, text_in
from local.arm.providers.microsoft_network import gateways
from local.arm.providers.microsoft_network.models import etag_of
from local.arm.providers.microsoft_network.plain_types import Fields, Link, Part, PlainType
from local.arm.store import Resource, Store

_ENVELOPE = ("extendedLocation", "tags", "sku", "zones", "identity", "kind", "managedBy")
_PUBLIC = "publicIPAddresses"
_PREFIXES = "publicIPPrefixes"
_CONNECTIONS = "connections"
_GATEWAYS = "virtualNetworkGateways"


def plain_document(resource: Resource, kind: PlainType, store: Store) -> JsonObject:
    """All that is stored, whatever api-version shows it; `versions.as_of` leaves out what one does not."""
    document: JsonObject = {
        "name": resource.name,
        "id": resource.id.text,
        "etag": etag_of(resource),
        "type": kind.type,
        "location": resource.location,
    }
    document |= {name: resource.body[name] for name in _ENVELOPE if name in resource.body}
    properties: JsonObject = dict(resource.properties)
    for name, part in kind.parts.items():
        if part.addressable or name in properties:
            properties[name] = [*_parts(resource, name, part, store)]
    properties |= {name: value for link in kind.links for name, value in _linked(resource, link, store)}
    if kind.name == _PUBLIC and "ipAddress" not in properties and _has_address(properties):
        properties["ipAddress"] = _address(text_in(properties, "resourceGuid") or "")
    made = properties.get("provisioningState") == "Succeeded"
    if kind.name == _PREFIXES and made:
        properties.setdefault("ipPrefix", f"203.0.113.0/{properties.get('prefixLength', 28)}")
    if kind.name == _CONNECTIONS and made:
        properties.setdefault("connectionStatus", "Unknown")
    if kind.name == _GATEWAYS:
        properties = gateways.shown(properties)
    document["properties"] = properties
    return document


def completed(given: JsonObject, kind: PlainType) -> JsonObject:
    """The properties of a PUT with what Azure adds to them and to their parts."""
    properties = with_defaults(given, kind.fields)
    for name, part in kind.parts.items():
        if not part.addressable and name in properties:
            properties[name] = [
                {**item, "properties": with_defaults(object_in(item, "properties"), part.fields)}
                for item in objects_in(properties, name)
            ]
    return properties


def with_defaults(given: JsonObject, fields: Fields) -> JsonObject:
    """Objects are completed, everything else that was sent stays as it is."""
    result: JsonObject = {
        name: copied(field.value) for name, field in fields.items() if field.value is not None
    }
    for name, value in given.items():
        default = result.get(name)
        result[name] = (
            {**default, **value} if isinstance(default, dict) and isinstance(value, dict) else value
        )
    return result


def part_document(part: Resource, kind: PlainType, owner: Resource) -> JsonObject:
    """An addressable part on its own; it carries its owner's etag."""
    name = part.id.types[-1]
    return {
        "name": part.name,
        "id": part.id.text,
        "etag": etag_of(owner),
        "type": f"{kind.type}/{name}",
        "properties": dict(part.properties),
    }


def users_of(resource: Resource, kind: PlainType, store: Store) -> list[str]:
    """Ids of what refers to a resource, parts before wholes."""
    return [user for link in kind.links for user in _users(resource, link, store)]


def _state(resource: Resource, item: JsonObject, part: Part) -> Json:
    """Addressable parts have states of their own, the others have their owner's."""
    own = object_in(item, "properties") if part.addressable else resource.properties
    return own.get("provisioningState")


def _parts(resource: Resource, name: str, part: Part, store: Store) -> Iterator[JsonObject]:
    if part.addressable:
        given: list[JsonObject] = [
            {"name": child.name, "properties": child.properties}
            for child in store.children(resource.id, name)
        ]
    else:
        given = objects_in(resource.properties, name)
    for item in given:
        # What a part says of itself wins: recorded ones bring their own ids.
        yield {
            "name": item.get("name"),
            "id": f"{resource.id.text}/{name}/{text_in(item, 'name')}",
            "etag": etag_of(resource),
            "type": f"{resource.type}/{name}",
            **{key: value for key, value in item.items() if key not in ("etag", "type")},
            "properties": {
                **object_in(item, "properties"),
                "provisioningState": _state(resource, item, part),
            },
        }


def _linked(resource: Resource, link: Link, store: Store) -> Iterator[tuple[str, Json]]:
    users: list[Json] = [{"id": user} for user in _users(resource, link, store)]
    if users:
        yield link.property, (users if link.many else users[0])


def _users(resource: Resource, link: Link, store: Store) -> Iterator[str]:
    for user in store.of_type(link.type):
        if not link.parts:
            if resource.key in _named(user.properties, link.path):
                yield user.id.text
            continue
        for part in objects_in(user.properties, link.parts):
            if resource.key in _named(object_in(part, "properties"), link.path):
                yield f"{user.id.text}/{link.parts}/{text_in(part, 'name')}"


def _named(holder: JsonObject, path: str) -> set[str]:
    """The ids, in lower case, that a reference or a list of references holds."""
    references = [object_in(holder, path), *objects_in(holder, path)]
    return {(text_in(reference, "id") or "").lower() for reference in references}


def _has_address(properties: JsonObject) -> bool:
    """Static addresses come with the resource, dynamic ones with the first use."""
    used = "ipConfiguration" in properties or "natGateway" in properties
    static = text_in(properties, "publicIPAllocationMethod") == "Static"
    return (static or used) and properties.get("provisioningState") == "Succeeded"


def _address(guid: str) -> str:
    """An address of the block that is kept for documentation (RFC 5737)."""
    try:
        return f"203.0.113.{UUID(guid).int % 254 + 1}"
    except ValueError:
        return "203.0.113.1"
