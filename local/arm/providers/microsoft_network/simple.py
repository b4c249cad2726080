"""The other top-level resources of the network provider: stored as they are, changed by long operations."""

import uuid
from dataclasses import dataclass

from local.arm.documents import JsonObject
from local.arm.errors import NetworkError
from local.arm.ids import ResourceId
from local.arm.manager import ResourceManager
from local.arm.operations import LongOperation
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.microsoft_network.models import new_etag
from local.arm.store import Resource

TYPES = (
    "networkSecurityGroups",
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

    def put(self, resource: ResourceId, body: JsonObject) -> tuple[Resource, bool]:
        self._check_free(resource)
        previous = self.manager.store.find(resource.text)
        guid = previous.properties.get("resourceGuid") if previous else None
        stored, created = self.resources.put(resource, body)
        stored.body["etag"] = new_etag()
        stored.properties["provisioningState"] = "Updating"
        stored.properties["resourceGuid"] = guid or str(uuid.uuid4())
        return stored, created

    def delete(self, resource: ResourceId) -> Resource | None:
        self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        self._check_free(resource)
        found = self.manager.store.find(resource.text)
        if found is not None:
            found.properties["provisioningState"] = "Deleting"
        return found

    def _check_free(self, resource: ResourceId) -> None:
        for running in self.manager.operations.running(resource.key):
            raise _another_operation(running)


def _another_operation(running: LongOperation) -> NetworkError:
    return NetworkError(
        409,
        "AnotherOperationInProgress",
        "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: "
        f"/subscriptions/{running.subscription}/providers/Microsoft.Network/locations/{running.location}"
        f"/operations/{running.id}.",
    )
