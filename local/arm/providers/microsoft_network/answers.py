"""How the network provider answers reads, writes and deletions: bodies, ETags, the headers of long operations."""

from dataclasses import dataclass

from local.arm.documents import JsonObject
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import LongOperation
from local.arm.providers.microsoft_network.models import etag_of
from local.arm.providers.microsoft_network.polling import Polling
from local.arm.providers.microsoft_network.preconditions import Change
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

SETTLE = "network-settle"
REMOVE = "network-remove"
# What the recordings announce in Retry-After.
NETWORK_PUT = 3
PEERING_PUT = 10
_DELETE = 10


@dataclass(frozen=True, slots=True)
class Answers:
    manager: ResourceManager
    polling: Polling

    def written(
        self,
        request: ArmRequest,
        change: Change,
        document: JsonObject,
        name: str,
        retry_after: int = NETWORK_PUT,
        *,
        effect: str = SETTLE,
    ) -> ArmResponse:
        """201 or 200 with `Azure-AsyncOperation`, also where nothing changed; `name` is the operation's."""
        operation = self._begin(name, change.resource, effect, retry_after)
        if change.settled:
            # There to be polled, already Succeeded.
            self.manager.operations.finish_unchanged(operation)
            return ArmResponse(body=document, headers=self.polling.headers(request, operation))
        return ArmResponse(
            status=201 if change.created else 200,
            body=document,
            headers={
                **self.polling.headers(request, operation),
                **self.manager.operations.mode.retry_headers(retry_after),
            },
            operation=operation,
        )

    def deleted(self, request: ArmRequest, found: Resource | None, name: str) -> ArmResponse:
        """202 with both polling URLs, 204 where there was nothing."""
        if found is None:
            return ArmResponse(status=204)
        operation = self._begin(name, found, REMOVE, _DELETE)
        headers = {
            **self.polling.headers(request, operation, location=True),
            **self.manager.operations.mode.retry_headers(_DELETE),
        }
        return ArmResponse(status=202, headers=headers, operation=operation)

    def _begin(self, name: str, resource: Resource, effect: str, retry_after: int) -> LongOperation:
        """Children run where their parent is."""
        parent = self.manager.store.find(resource.id.parent.text) if resource.id.parent else None
        return self.manager.operations.start(
            name=name,
            subscription=resource.id.subscription,
            location=resource.location or (parent.location if parent else ""),
            target=resource.id.text,
            effect=effect,
            retry_after=retry_after,
        )


def read(document: JsonObject, carrier: Resource) -> ArmResponse:
    """The ETag header comes with GET only."""
    return ArmResponse(body=document, headers={"ETag": etag_of(carrier)})


def id_of(request: ArmRequest) -> ResourceId:
    resource = ResourceId.parse(request.path)
    assert resource is not None
    return resource
