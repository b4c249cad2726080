"""What happens to the links between private zones and virtual networks."""

from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, copied, flag_in, object_in, tags_in, text_in
from local.arm.errors import ArmError, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.providers.microsoft_network.answers import id_of
from local.arm.providers.microsoft_network.models import NETWORKS
from local.arm.providers.microsoft_network.private_dns.errors import (
    Failure,
    link_exists,
    link_modified,
    network_not_found,
    overlapping_namespaces,
    second_registration,
    too_many,
)
from local.arm.providers.microsoft_network.private_dns.models import (
    LINK_COLLECTION,
    LINKS,
    MOST_LINKS,
    MOST_REGISTRATIONS,
    link_document,
    network_of,
    new_link_etag,
)
from local.arm.providers.microsoft_network.private_dns.operations import DnsOperations
from local.arm.providers.microsoft_network.private_dns.zones import Zones
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource


@dataclass(frozen=True, slots=True)
class Links:
    manager: ResourceManager
    operations: DnsOperations
    zones: Zones

    def register(self) -> None:
        self.manager.on_removal(NETWORKS, self._network_gone)

    def list(self, request: ArmRequest) -> ArmResponse:
        zone = ResourceId.parse(request.path.rstrip("/").rpartition("/")[0])
        assert zone is not None
        found = self.manager.store.children(self.zones.find(zone).id, LINK_COLLECTION)
        size = self.manager.page_size
        return ArmResponse(
            body=page(request, found, key=lambda link: link.key, render=link_document, size=size)
        )

    def get(self, request: ArmRequest) -> ArmResponse:
        found = self._find(id_of(request))
        self.manager.operations.note_read(found.key)
        return ArmResponse(body=link_document(found), headers={"ETag": text_in(found.body, "etag") or ""})

    def put(self, request: ArmRequest) -> ArmResponse:
        link, body = id_of(request), request.document()
        group = self.manager.store.group_for_writing(link.subscription, link.group or "")
        link = link.spelled(group.name, LINKS)
        zone = self.zones.of_child(link, "write")
        tag_rules.check(tags_in(body))
        existing = self.manager.store.find(link.text)
        properties = _properties(body)
        refusal = _precondition(request, link, existing) or self._conflict(zone, link, properties)
        if refusal is not None:
            return self.operations.written(request, link.text, refusal)
        return self.operations.written(request, self._store(link, body, properties, existing), None)

    def patch(self, request: ArmRequest) -> ArmResponse:
        """Tags, registration and resolution policy; the network of a link is fixed."""
        found, body = self._find(id_of(request)), request.document()
        self.manager.store.group_for_writing(found.id.subscription, found.id.group or "")
        zone = self.zones.of_child(found.id, "write")
        given = {**found.properties, **object_in(body, "properties")}
        given["virtualNetwork"] = found.properties["virtualNetwork"]
        properties = _properties({"properties": given})
        refusal = _precondition(request, found.id, found) or self._conflict(zone, found.id, properties)
        if refusal is not None:
            return self.operations.written(request, found, refusal)
        kept: JsonObject = {"tags": body.get("tags", found.body.get("tags"))}
        return self.operations.written(request, self._store(found.id, kept, properties, found), None)

    def delete(self, request: ArmRequest) -> ArmResponse:
        """204 where there is no link, also where there is no zone."""
        link = id_of(request)
        self.manager.store.group_for_writing(link.subscription, link.group or "")
        found = self.manager.store.find(link.text)
        if found is None:
            return ArmResponse(status=204)
        refusal = _precondition(request, link, found)
        if refusal is None:
            found.properties["provisioningState"] = "Deleting"
        return self.operations.deleted(request, found, refusal)

    def _find(self, link: ResourceId) -> Resource:
        self.manager.store.group(link.subscription, link.group or "")
        found = self.manager.store.find(link.text)
        if found is None:
            raise resource_not_found(link)
        return found

    def _conflict(self, zone: Resource, link: ResourceId, properties: JsonObject) -> Failure | None:
        """What else the network is linked to may forbid this link."""
        network = text_in(object_in(properties, "virtualNetwork"), "id") or ""
        registers = flag_in(properties, "registrationEnabled")
        if self.manager.store.find(network) is None:
            return network_not_found(network)
        for other in self.manager.store.of_type(LINKS):
            if other.key == link.key or network_of(other).lower() != network.lower():
                continue
            if other.id.names[0].lower() == zone.name.lower():
                return overlapping_namespaces(zone.name, other.id.names[0])
            if registers and flag_in(other.properties, "registrationEnabled"):
                return second_registration(other.id.names[0])
        siblings = [
            item for item in self.manager.store.children(zone.id, LINK_COLLECTION) if item.key != link.key
        ]
        registering = sum(flag_in(item.properties, "registrationEnabled") for item in siblings)
        if len(siblings) >= MOST_LINKS:
            return too_many("virtual network links of a private zone", MOST_LINKS)
        if registers and registering >= MOST_REGISTRATIONS:
            return too_many("registration networks of a private zone", MOST_REGISTRATIONS)
        return None

    def _store(
        self, link: ResourceId, body: JsonObject, properties: JsonObject, existing: Resource | None
    ) -> Resource:
        kept: JsonObject = {"location": "global"}
        if body.get("tags") is not None:
            kept["tags"] = copied(body["tags"])
        kept["etag"] = existing.body["etag"] if existing else new_link_etag()
        properties["provisioningState"] = "Updating" if existing else "Creating"
        kept["properties"] = {**properties, "virtualNetworkLinkState": "InProgress"}
        now = timestamp(self.manager.clock.now())
        stored = Resource(
            id=existing.id if existing else link,
            type=LINKS,
            body=kept,
            created=existing.created if existing else now,
            changed=now,
        )
        self.manager.store.put(stored)
        return stored

    def _network_gone(self, network: Resource) -> None:
        """https://learn.microsoft.com/azure/dns/dns-faq-private: the links of a deleted network are cleared."""
        for link in self.manager.store.of_type(LINKS):
            if network_of(link).lower() == network.key:
                self.manager.remove(link.key)


def _properties(body: JsonObject) -> JsonObject:
    given = object_in(body, "properties")
    network = text_in(object_in(given, "virtualNetwork"), "id")
    if network is None:
        raise ArmError(400, "BadRequest", "The virtual network of the link is missing.")  # (inferred)
    properties: JsonObject = {
        "provisioningState": "Creating",
        "registrationEnabled": flag_in(given, "registrationEnabled"),
    }
    if "resolutionPolicy" in given:
        properties["resolutionPolicy"] = given["resolutionPolicy"]
    return {**properties, "virtualNetwork": {"id": network}}


def _precondition(request: ArmRequest, link: ResourceId, existing: Resource | None) -> Failure | None:
    if existing is not None and request.headers.get("if-none-match") == "*":
        return link_exists(link)
    expected = request.headers.get("if-match")
    if expected in (None, "*") and (expected is None or existing is not None):
        return None
    return None if existing is not None and existing.body.get("etag") == expected else link_modified(link)
