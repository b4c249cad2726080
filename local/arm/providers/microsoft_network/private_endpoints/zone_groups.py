"""What happens to zone groups: they keep the records of an endpoint's names in private zones."""

from collections.abc import Iterator
from dataclasses import dataclass

from local.arm.clock import timestamp
from local.arm.documents import Json, JsonObject, object_in, objects_in, text_in, texts_in
from local.arm.errors import ArmError, network_child_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest
from local.arm.operations import Effects, LongOperation
from local.arm.placement import check_parent, check_parent_of_deleted
from local.arm.providers.microsoft_network.contention import check_free
from local.arm.providers.microsoft_network.models import new_etag
from local.arm.providers.microsoft_network.preconditions import Change, check_etag, check_name, unchanged
from local.arm.providers.microsoft_network.private_dns.models import ZONES
from local.arm.providers.microsoft_network.private_dns.record_sets import RecordSets
from local.arm.providers.microsoft_network.private_endpoints.endpoints import PrivateEndpoints
from local.arm.providers.microsoft_network.private_endpoints.errors import (
    duplicate_configuration,
    malformed,
    reference_not_found,
    second_zone_group,
)
from local.arm.providers.microsoft_network.private_endpoints.models import (
    RECORD_TTL,
    ZONE_GROUP_COLLECTION,
    ZONE_GROUPS,
    connections_of,
    target_id,
)
from local.arm.providers.private_link_targets.table import target_of
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

SETTLE = "private-endpoint-zone-group-settle"


@dataclass(frozen=True, slots=True)
class ZoneGroups:
    manager: ResourceManager
    endpoints: PrivateEndpoints
    records: RecordSets

    def register(self) -> None:
        self.manager.operations.register(SETTLE, Effects(self._settle, self._fail))
        self.manager.on_removal(ZONE_GROUPS, self._gone)
        self.endpoints.on_names.append(self._follow)

    def of(self, endpoint: ResourceId) -> list[Resource]:
        return self.manager.store.children(endpoint, ZONE_GROUP_COLLECTION)

    def get(self, group: ResourceId) -> Resource:
        self.manager.store.group(group.subscription, group.group or "")
        check_parent(group, self.manager.store, "read")
        found = self.manager.store.find(group.text)
        if found is None:
            raise network_child_not_found(group)
        return found

    def put(self, group: ResourceId, request: ArmRequest) -> Change:
        store = self.manager.store
        owner = store.group_for_writing(group.subscription, group.group or "")
        group = group.spelled(owner.name, ZONE_GROUPS)
        check_parent(group, store, "write")
        check_name(group)
        assert group.parent is not None
        endpoint = self.endpoints.get(group.parent)
        existing = store.find(group.text)
        check_etag(request.headers.get("if-match"), existing, group)
        check_free(self.manager.operations, endpoint.id, request)
        if any(other.key != group.key for other in self.of(endpoint.id)):
            raise second_zone_group(endpoint.id)
        stored = self._composed(group, endpoint, request.document(), existing)
        settled = existing is not None and unchanged(
            {"properties": existing.properties}, {"properties": stored.properties}
        )
        if existing is not None:
            self._forget(existing, except_for=stored)
        if not settled:
            stored.body["etag"] = new_etag()
            _set_state(stored, "Updating")
        store.put(stored)
        return Change(stored, existing is None, settled)

    def delete(self, group: ResourceId, request: ArmRequest) -> Resource | None:
        self.manager.store.group_for_writing(group.subscription, group.group or "")
        check_parent_of_deleted(group, self.manager.store)
        found = self.manager.store.find(group.text)
        if found is None:
            return None
        assert group.parent is not None
        check_free(self.manager.operations, group.parent, request)
        _set_state(found, "Deleting")
        return found

    def in_zones(self, endpoint: Resource) -> bool:
        """Whether a zone group holds the endpoint's names, in a zone that is there."""
        return any(
            self.manager.store.find(zone.text) is not None
            for group in self.of(endpoint.id)
            for zone, _ in _records(group)
        )

    def _composed(
        self, group: ResourceId, endpoint: Resource, body: JsonObject, existing: Resource | None
    ) -> Resource:
        given = objects_in(object_in(body, "properties"), "privateDnsZoneConfigs")
        names = [(text_in(item, "name") or "").lower() for item in given]
        for name in names:
            if names.count(name) > 1:
                raise duplicate_configuration(group, name)
        state = existing.properties.get("provisioningState") if existing else "Updating"
        configurations: list[Json] = [
            self._configuration(group, endpoint, item, str(state)) for item in given
        ]
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else group,
            type=ZONE_GROUPS,
            body={
                "etag": existing.body["etag"] if existing else new_etag(),
                "properties": {"provisioningState": state, "privateDnsZoneConfigs": configurations},
            },
            created=existing.created if existing else now,
            changed=now,
        )

    def _configuration(
        self, group: ResourceId, endpoint: Resource, item: JsonObject, state: str
    ) -> JsonObject:
        identifier = text_in(object_in(item, "properties"), "privateDnsZoneId")
        if identifier is None:
            raise malformed("Value for reference id is missing. Path properties.privateDnsZoneConfigs.")
        zone = self.manager.store.find(identifier)
        if zone is None or zone.type != ZONES:
            raise reference_not_found(identifier, group)
        properties: JsonObject = {
            "privateDnsZoneId": identifier,
            "recordSets": [*self._record_sets(endpoint, zone, state)],
        }
        return {"name": item.get("name"), "properties": properties}

    def _record_sets(self, endpoint: Resource, zone: Resource, state: str) -> Iterator[JsonObject]:
        """The endpoint's names that belong into a zone: those whose group asks for a zone of that name."""
        target = ResourceId.parse(next((target_id(item) for item in connections_of(endpoint)), ""))
        known = target_of(target.type) if target else None
        for name in self.endpoints.names(endpoint):
            naming = known.naming(name.group) if known else None
            if naming is None or naming.zone.lower() != zone.name.lower():
                continue
            record = naming.record(name.fqdn)
            yield {
                "recordType": "A",
                "recordSetName": record,
                "fqdn": zone.name if record == "@" else f"{record}.{zone.name}",
                "ttl": RECORD_TTL,
                "provisioningState": state,
                "ipAddresses": [name.address],
            }

    def _settle(self, operation: LongOperation) -> None:
        group = self.manager.store.find(operation.target)
        endpoint = self.manager.store.find(group.id.parent.text) if group and group.id.parent else None
        if group is None or endpoint is None:
            return
        try:
            self._write(group, endpoint)
        except ArmError as error:
            # A zone may have gone since the request was taken.
            operation.failure = {"code": error.code, "message": error.message}
            self._fail(operation)
            return
        _set_state(group, "Succeeded")
        group.body["etag"] = new_etag()

    def _fail(self, operation: LongOperation) -> None:
        group = self.manager.store.find(operation.target)
        if group is not None:
            _set_state(group, "Failed")
            group.body["etag"] = new_etag()

    def _write(self, group: Resource, endpoint: Resource) -> None:
        for zone, record in _records(group):
            addresses: list[Json] = [{"ipv4Address": address} for address in texts_in(record, "ipAddresses")]
            given: JsonObject = {
                "metadata": {"creator": _creator(endpoint)},
                "ttl": RECORD_TTL,
                "aRecords": addresses,
            }
            self.records.write(zone.child("A", text_in(record, "recordSetName") or "@"), given)

    def _follow(self, endpoint: Resource) -> None:
        """An approval fills the zone group; a rejection leaves the records, as Azure's clients find them."""
        for group in self.of(endpoint.id) if self.endpoints.names(endpoint) else []:
            for item in objects_in(group.properties, "privateDnsZoneConfigs"):
                properties = object_in(item, "properties")
                zone = self.manager.store.find(text_in(properties, "privateDnsZoneId") or "")
                found = [*self._record_sets(endpoint, zone, "Succeeded")] if zone else []
                if found:
                    properties["recordSets"] = [*found]
            if group.properties.get("provisioningState") == "Succeeded":
                self._write(group, endpoint)

    def _gone(self, group: Resource) -> None:
        self._forget(group, except_for=None)

    def _forget(self, group: Resource, except_for: Resource | None) -> None:
        """Remove the records of a group that the endpoint itself has made, and that another does not keep."""
        endpoint = self.manager.store.find(group.id.parent.text) if group.id.parent else None
        kept = {_key(zone, record) for zone, record in _records(except_for)} if except_for else set()
        for zone, record in _records(group):
            found = self.manager.store.find(_key(zone, record))
            if found is None or found.key in kept or endpoint is None:
                continue
            if object_in(found.properties, "metadata").get("creator") == _creator(endpoint):
                self.manager.remove(found.key)


def _records(group: Resource) -> Iterator[tuple[ResourceId, JsonObject]]:
    for item in objects_in(group.properties, "privateDnsZoneConfigs"):
        properties = object_in(item, "properties")
        zone = ResourceId.parse(text_in(properties, "privateDnsZoneId") or "")
        for record in objects_in(properties, "recordSets") if zone else []:
            assert zone is not None
            yield zone, record


def _key(zone: ResourceId, record: JsonObject) -> str:
    return zone.child("A", text_in(record, "recordSetName") or "@").key


def _creator(endpoint: Resource) -> str:
    guid = text_in(endpoint.properties, "resourceGuid")
    return f"created by private endpoint {endpoint.name} with resource guid {guid}"


def _set_state(group: Resource, state: str) -> None:
    group.properties["provisioningState"] = state
    for item in objects_in(group.properties, "privateDnsZoneConfigs"):
        for record in objects_in(object_in(item, "properties"), "recordSets"):
            record["provisioningState"] = state
