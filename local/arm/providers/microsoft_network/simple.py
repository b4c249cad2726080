"""The other top-level resources of the network provider: stored as they are, changed by long operations."""

import uuid
from dataclasses import dataclass

from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.microsoft_network.contention import check_free
from local.arm.providers.microsoft_network.models import new_etag
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

TYPES = (
    "publicIPAddresses",
    "virtualNetworkGateways",
    "networkInterfaces",
    "privateEndpoints",
    "routeTables",
    "natGateways",
    "bastionHosts",
    "azureFirewalls",
)


@dataclass(frozen=True, slots=True)
class SimpleResources:
    manager: ResourceManager
    resources: Resources

    def get(self, resource: ResourceId) -> Resource:
        return self.resources.get(resource)

    def put(self, resource: ResourceId, request: ArmRequest) -> tuple[Resource, bool]:
        check_free(self.manager.operations, resource, request)
        previous = self.manager.store.find(resource.text)
        guid = previous.properties.get("resourceGuid") if previous else None
        stored, created = self.resources.put(resource, request.document())
        stored.body["etag"] = new_etag()
        stored.properties["provisioningState"] = "Updating"
        stored.properties["resourceGuid"] = guid or str(uuid.uuid4())
        return stored, created

    def delete(self, resource: ResourceId, request: ArmRequest) -> Resource | None:
        self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        check_free(self.manager.operations, resource, request)
        found = self.manager.store.find(resource.text)
        if found is not None:
            found.properties["provisioningState"] = "Deleting"
        return found
