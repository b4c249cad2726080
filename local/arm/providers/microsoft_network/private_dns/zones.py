"""What happens to private zones."""

from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, copied, flag_in, tags_in, text_in
from local.arm.errors import ArmError, parent_not_found, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.providers.microsoft_network.answers import id_of
from local.arm.providers.microsoft_network.private_dns.errors import (
    Failure,
    nested_resources,
    zone_exists,
    zone_modified,
)
from local.arm.providers.microsoft_network.private_dns.models import (
    LINK_COLLECTION,
    RECORDS,
    SOA,
    ZONES,
    fqdn,
    new_etag,
    zone_document,
)
from local.arm.providers.microsoft_network.private_dns.operations import DnsOperations
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

# https://learn.microsoft.com/azure/dns/private-dns-privatednszone#restrictions
_FEWEST_LABELS, _MOST_LABELS = 2, 34


@dataclass(frozen=True, slots=True)
class Zones:
    manager: ResourceManager
    operations: DnsOperations

    def list(self, request: ArmRequest) -> ArmResponse:
        prefix = f"/subscriptions/{request.subscription}/"
        if request.group:
            prefix = self.manager.store.group(request.subscription, request.group).key + "/"
        found = [zone for zone in self.manager.store.of_type(ZONES) if zone.key.startswith(prefix.lower())]
        size = self.manager.page_size
        return ArmResponse(
            body=page(request, found, key=lambda zone: zone.key, render=self.document, size=size)
        )

    def get(self, request: ArmRequest) -> ArmResponse:
        found = self.find(id_of(request))
        self.manager.operations.note_read(found.key)
        return ArmResponse(body=self.document(found), headers={"ETag": text_in(found.body, "etag") or ""})

    def put(self, request: ArmRequest) -> ArmResponse:
        """A zone comes with its SOA record set."""
        zone, body = id_of(request), request.document()
        group = self.manager.store.group_for_writing(zone.subscription, zone.group or "")
        zone = zone.spelled(group.name, ZONES)
        _check(zone, body)
        existing = self.manager.store.find(zone.text)
        refusal = _precondition(request, zone, existing)
        if refusal is not None:
            return self.operations.written(request, zone.text, refusal)
        stored = self._store(zone, body, existing)
        return self.operations.written(request, stored, None)

    def patch(self, request: ArmRequest) -> ArmResponse:
        """Tags are all that a zone has to change."""
        found = self.find(id_of(request))
        self.manager.store.group_for_writing(found.id.subscription, found.id.group or "")
        refusal = _precondition(request, found.id, found)
        if refusal is None:
            tag_rules.check(tags_in(request.document()))
            if "tags" in request.document():
                found.body["tags"] = copied(request.document()["tags"])
            found.properties["provisioningState"] = "Updating"
        return self.operations.written(request, found, refusal)

    def delete(self, request: ArmRequest) -> ArmResponse:
        """Resource Manager itself refuses while links are there; record sets go with the zone."""
        zone = id_of(request)
        self.manager.store.group_for_writing(zone.subscription, zone.group or "")
        found = self.manager.store.find(zone.text)
        if found is None:
            return ArmResponse(status=204)
        links = self.manager.store.children(zone, LINK_COLLECTION)
        if links:
            raise nested_resources([link.id.relative for link in links])
        refusal = _precondition(request, zone, found)
        if refusal is None:
            found.properties["provisioningState"] = "Deleting"
        return self.operations.deleted(request, found, refusal)

    def find(self, zone: ResourceId) -> Resource:
        self.manager.store.group(zone.subscription, zone.group or "")
        found = self.manager.store.find(zone.text)
        if found is None:
            raise resource_not_found(zone)
        return found

    def of_child(self, child: ResourceId, verb: str) -> Resource:
        """The zone of a link or record set; one that is still being made is not there yet (inferred)."""
        parent = child.parent
        assert parent is not None
        found = self.manager.store.find(parent.text)
        if found is None or found.properties.get("provisioningState") == "Creating":
            raise parent_not_found(child, verb, parent)
        return found

    def document(self, zone: Resource) -> JsonObject:
        links = self.manager.store.children(zone.id, LINK_COLLECTION)
        return zone_document(
            zone,
            records=sum(len(self.manager.store.children(zone.id, type_)) for type_ in RECORDS),
            links=len(links),
            registrations=sum(flag_in(link.properties, "registrationEnabled") for link in links),
        )

    def _store(self, zone: ResourceId, body: JsonObject, existing: Resource | None) -> Resource:
        kept: JsonObject = {"location": "global"}
        if body.get("tags") is not None:
            kept["tags"] = copied(body["tags"])
        kept["etag"] = existing.body["etag"] if existing else new_etag()
        kept["properties"] = {"provisioningState": "Updating" if existing else "Creating"}
        now = timestamp(self.manager.clock.now())
        stored = Resource(
            id=existing.id if existing else zone,
            type=ZONES,
            body=kept,
            created=existing.created if existing else now,
            changed=now,
        )
        self.manager.store.put(stored)
        if existing is None:
            self.manager.store.put(_authority(stored, now))
        return stored


def _authority(zone: Resource, now: str) -> Resource:
    properties: JsonObject = {
        "fqdn": fqdn(zone.name, "@"),
        "ttl": 3600,
        "soaRecord": copied(SOA),
        "isAutoRegistered": False,
    }
    body: JsonObject = {"etag": new_etag(), "properties": properties}
    return Resource(id=zone.id.child("SOA", "@"), type=f"{ZONES}/SOA", body=body, created=now, changed=now)


def _check(zone: ResourceId, body: JsonObject) -> None:
    location = (text_in(body, "location") or "").lower()
    if not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    if location != "global":
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{ZONES}'. List of available "
            "regions for the resource type is 'global'.",
        )
    if not _FEWEST_LABELS <= len(zone.name.split(".")) <= _MOST_LABELS or not all(zone.name.split(".")):
        raise ArmError(400, "BadRequest", f"The zone name '{zone.name}' is not valid.")  # (inferred)
    tag_rules.check(tags_in(body))


def _precondition(request: ArmRequest, zone: ResourceId, existing: Resource | None) -> Failure | None:
    if existing is not None and request.headers.get("if-none-match") == "*":
        return zone_exists(zone)
    expected = request.headers.get("if-match")
    if expected in (None, "*") and (expected is None or existing is not None):
        return None
    return None if existing is not None and existing.body.get("etag") == expected else zone_modified(zone)
