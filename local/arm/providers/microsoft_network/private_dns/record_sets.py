"""What happens to record sets: written at once, each with an etag of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from local.arm.clock import timestamp
from local.arm.documents import JsonObject, copied, object_in, objects_in, text_in
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.providers.microsoft_network.answers import id_of
from local.arm.providers.microsoft_network.private_dns.errors import (
    record_error,
    record_exists,
    record_modified,
    record_not_found,
)
from local.arm.providers.microsoft_network.private_dns.models import (
    MOST_RECORD_SETS,
    RECORDS,
    SINGLE,
    SOA,
    ZONES,
    fqdn,
    new_etag,
    record_set_document,
    record_type,
)
from local.arm.providers.microsoft_network.private_dns.zones import Zones
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource


@dataclass(frozen=True, slots=True)
class RecordSets:
    manager: ResourceManager
    zones: Zones

    def list_all(self, request: ArmRequest) -> ArmResponse:
        """Of every type, narrowed down with `$recordsetnamesuffix`."""
        return self._list(request, tuple(RECORDS))

    def list_type(self, request: ArmRequest) -> ArmResponse:
        return self._list(request, (request.path.rstrip("/").rpartition("/")[2].upper(),))

    def get(self, request: ArmRequest) -> ArmResponse:
        record_set = self._named(request, "read")
        found = self.manager.store.find(record_set.text)
        if found is None:
            raise record_not_found(record_set)
        return _shown(200, found)

    def put(self, request: ArmRequest) -> ArmResponse:
        record_set = self._named(request, "write")
        existing = self.manager.store.find(record_set.text)
        _check_precondition(request, record_set, existing)
        stored = self.write(record_set, object_in(request.document(), "properties"))
        return _shown(200 if existing else 201, stored)

    def patch(self, request: ArmRequest) -> ArmResponse:
        record_set = self._named(request, "write")
        existing = self.manager.store.find(record_set.text)
        if existing is None:
            raise record_not_found(record_set)
        _check_precondition(request, record_set, existing)
        given = object_in(request.document(), "properties")
        return _shown(200, self.write(record_set, {**existing.properties, **given}))

    def delete(self, request: ArmRequest) -> ArmResponse:
        record_set = self._named(request, "delete")
        existing = self.manager.store.find(record_set.text)
        if existing is None:
            return ArmResponse(status=204)
        _check_precondition(request, record_set, existing)
        if record_type(record_set) == "SOA":
            raise record_error(  # (inferred)
                400, "BadRequest", "Record sets of type SOA with name '@' cannot be deleted."
            )
        self.manager.remove(record_set.text)
        return ArmResponse()

    def write(self, record_set: ResourceId, given: JsonObject) -> Resource:
        """Store a record set whose zone exists; zone groups of private endpoints do so too."""
        zone = self.zones.of_child(record_set, "write")
        existing = self.manager.store.find(record_set.text)
        properties = _properties(zone.name, record_set, given)
        self._check(zone, record_set, properties, existing)
        now = timestamp(self.manager.clock.now())
        type_ = record_type(record_set)
        stored = Resource(
            id=existing.id if existing else zone.id.child(type_, record_set.name),
            type=f"{ZONES}/{type_}",
            body={"etag": new_etag(), "properties": properties},
            created=existing.created if existing else now,
            changed=now,
        )
        self.manager.store.put(stored)
        return stored

    def _named(self, request: ArmRequest, verb: str) -> ResourceId:
        record_set = id_of(request)
        store = self.manager.store
        group = (store.group if verb == "read" else store.group_for_writing)(
            record_set.subscription, record_set.group or ""
        )
        self.zones.of_child(record_set, verb)
        return record_set.spelled(group.name, f"{ZONES}/{record_type(record_set)}")

    def _list(self, request: ArmRequest, types: Sequence[str]) -> ArmResponse:
        zone = ResourceId.parse(request.path.rstrip("/").rpartition("/")[0])
        assert zone is not None
        found = [
            item for type_ in types for item in self.manager.store.children(self.zones.find(zone).id, type_)
        ]
        suffix = request.query.get("$recordsetnamesuffix", "").lower()
        body = page(
            request,
            found,
            key=lambda item: item.key,
            render=record_set_document,
            wanted=lambda item: item.name.lower().endswith(suffix),
            size=self.manager.page_size,
        )
        return ArmResponse(body=body)

    def _check(
        self, zone: Resource, record_set: ResourceId, properties: JsonObject, existing: Resource | None
    ) -> None:
        type_ = record_type(record_set)
        if type_ == "SOA" and record_set.name != "@":
            raise record_error(400, "BadRequest", "A record set of type SOA must be named '@'.")  # (inferred)
        for address in _addresses(type_, properties):
            _check_address(type_, address)
        names = {
            other: self.manager.store.find(f"{zone.id.text}/{other}/{record_set.name}") for other in RECORDS
        }
        others = [other for other, found in names.items() if found is not None and other != type_]
        if (type_ == "CNAME" and others) or "CNAME" in others:
            raise record_error(  # (inferred)
                409,
                "Conflict",
                f"The record could not be created because a CNAME record with the name '{record_set.name}' cannot "
                "exist beside other records of that name in this zone.",
            )
        count = sum(len(self.manager.store.children(zone.id, other)) for other in RECORDS)
        if existing is None and count >= MOST_RECORD_SETS:
            raise record_error(  # (inferred)
                400, "BadRequest", f"A private zone can have no more than {MOST_RECORD_SETS} record sets."
            )


def _properties(zone: str, record_set: ResourceId, given: JsonObject) -> JsonObject:
    type_ = record_type(record_set)
    field = RECORDS[type_]
    properties: JsonObject = {}
    if object_in(given, "metadata"):
        properties["metadata"] = copied(given["metadata"])
    properties["fqdn"] = fqdn(zone, record_set.name)
    properties["ttl"] = given.get("ttl", 3600)
    if type_ not in SINGLE:
        properties[field] = [copied(item) for item in objects_in(given, field)]
    elif object_in(given, field):
        # A CNAME may be empty, and is not shown then; the other types show an empty list.
        properties[field] = copied(given[field])
    if type_ == "SOA":
        fixed: JsonObject = {"host": SOA["host"], "serialNumber": SOA["serialNumber"]}
        properties[field] = {**SOA, **object_in(given, field), **fixed}
    properties["isAutoRegistered"] = False
    return properties


def _addresses(type_: str, properties: JsonObject) -> list[str]:
    name = {"A": "ipv4Address", "AAAA": "ipv6Address"}.get(type_)
    if name is None:
        return []
    return [text_in(item, name) or "" for item in objects_in(properties, RECORDS[type_])]


def _check_address(type_: str, address: str) -> None:
    try:
        IPv4Address(address) if type_ == "A" else IPv6Address(address)
    except AddressValueError as error:
        raise record_error(  # (inferred)
            400, "BadRequest", f"The value '{address}' is not a valid address for a record of type {type_}."
        ) from error


def _check_precondition(request: ArmRequest, record_set: ResourceId, existing: Resource | None) -> None:
    if existing is not None and request.headers.get("if-none-match") == "*":
        raise record_exists(record_set)
    expected = request.headers.get("if-match")
    if expected is None or (expected == "*" and existing is not None):
        return
    if existing is None or text_in(existing.body, "etag") != expected:
        raise record_modified(record_set)


def _shown(status: int, record_set: Resource) -> ArmResponse:
    return ArmResponse(
        status=status,
        body=record_set_document(record_set),
        headers={"ETag": text_in(record_set.body, "etag") or ""},
    )
