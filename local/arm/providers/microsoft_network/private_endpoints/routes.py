"""Requests to private endpoints and their zone groups."""

from collections.abc import Callable
from dataclasses import dataclass

from local.arm.documents import JsonObject
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.providers.microsoft_network.answers import Answers, id_of, read
from local.arm.providers.microsoft_network.private_dns.routes import mount as mount_private_dns
from local.arm.providers.microsoft_network.private_endpoints import endpoints, zone_groups
from local.arm.providers.microsoft_network.private_endpoints.endpoints import PrivateEndpoints
from local.arm.providers.microsoft_network.private_endpoints.models import (
    ENDPOINTS,
    ZONE_GROUPS,
    endpoint_document,
    zone_group_document,
)
from local.arm.providers.microsoft_network.private_endpoints.zone_groups import ZoneGroups
from local.arm.providers.microsoft_network.versions import versioned
from local.arm.providers.private_link_targets.routes import mount as mount_targets
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource

# What the recordings announce, for endpoints and zone groups alike.
_RETRY_AFTER = 10


def made(router: Router, manager: ResourceManager) -> "EndpointRoutes":
    """Private link and private DNS with their routes; the endpoints' own come with `mount`, once answers are there."""
    found = PrivateEndpoints(manager, mount_targets(router, manager))
    groups = ZoneGroups(manager, found, mount_private_dns(router, manager))
    found.register()
    groups.register()
    return EndpointRoutes(manager, found, groups)


@dataclass(frozen=True, slots=True)
class EndpointRoutes:
    manager: ResourceManager
    endpoints: PrivateEndpoints
    groups: ZoneGroups

    def mount(self, router: Router, answers: Answers) -> None:
        provider = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
        everywhere = "/subscriptions/{subscription}/providers/Microsoft.Network"
        endpoint = provider + "/privateEndpoints/{endpoint}"
        group = endpoint + "/privateDnsZoneGroups/{zone_group}"
        writing = _Writing(self, answers)
        for method, pattern, handler in (
            ("GET", everywhere + "/privateEndpoints", self.list),
            ("GET", provider + "/privateEndpoints", self.list),
            ("GET", endpoint, self.get),
            ("PUT", endpoint, writing.put),
            ("DELETE", endpoint, writing.delete),
            ("GET", endpoint + "/privateDnsZoneGroups", self.list_groups),
            ("GET", group, self.get_group),
            ("PUT", group, writing.put_group),
            ("DELETE", group, writing.delete_group),
        ):
            router.add(method, pattern, versioned(handler))

    def documents(self) -> dict[str, Callable[[Resource], JsonObject]]:
        """How polls show what an operation has made."""
        return {ENDPOINTS: self.document, ZONE_GROUPS: zone_group_document}

    def document(self, endpoint: Resource) -> JsonObject:
        return endpoint_document(endpoint, in_zones=self.groups.in_zones(endpoint))

    def list(self, request: ArmRequest) -> ArmResponse:
        prefix = f"/subscriptions/{request.subscription}/"
        if request.group:
            prefix = self.manager.store.group(request.subscription, request.group).key + "/"
        every = self.manager.store.of_type(ENDPOINTS)
        found = [item for item in every if item.key.startswith(prefix.lower())]
        size = self.manager.page_size
        return ArmResponse(
            body=page(request, found, key=lambda item: item.key, render=self.document, size=size)
        )

    def get(self, request: ArmRequest) -> ArmResponse:
        found = self.endpoints.get(id_of(request))
        self.manager.operations.note_read(found.key)
        return read(self.document(found), found)

    def list_groups(self, request: ArmRequest) -> ArmResponse:
        endpoint = ResourceId.parse(request.path.rstrip("/").rpartition("/")[0])
        assert endpoint is not None
        found = self.groups.of(self.endpoints.get(endpoint).id)
        return ArmResponse(body={"value": [zone_group_document(item) for item in found]})

    def get_group(self, request: ArmRequest) -> ArmResponse:
        found = self.groups.get(id_of(request))
        self.manager.operations.note_read(found.key)
        return read(zone_group_document(found), found)


@dataclass(frozen=True, slots=True)
class _Writing:
    routes: EndpointRoutes
    answers: Answers

    def put(self, request: ArmRequest) -> ArmResponse:
        change = self.routes.endpoints.put(id_of(request), request)
        document = self.routes.document(change.resource)
        name = "PutPrivateEndpointOperation"
        return self.answers.written(request, change, document, name, _RETRY_AFTER, effect=endpoints.SETTLE)

    def delete(self, request: ArmRequest) -> ArmResponse:
        found = self.routes.endpoints.delete(id_of(request), request)
        return self.answers.deleted(request, found, "DeletePrivateEndpointOperation")

    def put_group(self, request: ArmRequest) -> ArmResponse:
        change = self.routes.groups.put(id_of(request), request)
        document = zone_group_document(change.resource)
        name = "PutPrivateDnsZoneGroupOperation"
        return self.answers.written(request, change, document, name, _RETRY_AFTER, effect=zone_groups.SETTLE)

    def delete_group(self, request: ArmRequest) -> ArmResponse:
        found = self.routes.groups.delete(id_of(request), request)
        return self.answers.deleted(request, found, "DeletePrivateDnsZoneGroupOperation")
