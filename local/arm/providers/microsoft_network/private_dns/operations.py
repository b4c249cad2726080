"""Long operations of private DNS: 202 with both polling URLs, which lie in the resource group and not in a region."""

from dataclasses import dataclass
from urllib.parse import quote

from local.arm.documents import JsonObject
from local.arm.errors import ArmError
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import Effects, LongOperation
from local.arm.providers.microsoft_network.private_dns.errors import Failure
from local.arm.providers.microsoft_network.private_dns.models import LINKS, new_etag, new_link_etag
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

SETTLE = "private-dns-settle"
REMOVE = "private-dns-remove"
REFUSE = "private-dns-refuse"
# What the recordings of 2024 and later announce.
_RETRY_AFTER = 30


@dataclass(frozen=True, slots=True)
class DnsOperations:
    manager: ResourceManager

    def register(self) -> None:
        operations = self.manager.operations
        operations.register(
            SETTLE,
            Effects(lambda done: self._settle(done, "Succeeded"), lambda done: self._settle(done, "Failed")),
        )
        operations.register(
            REMOVE,
            Effects(
                lambda done: void(self.manager.remove(done.target)),
                lambda done: self._settle(done, "Succeeded"),
            ),
        )
        operations.register(REFUSE, Effects(lambda _done: None, lambda _done: None))

    def written(self, request: ArmRequest, target: Resource | str, refusal: Failure | None) -> ArmResponse:
        """202 with an empty object. What is wrong with a request is told by the poll: `refusal`."""
        if refusal is not None:
            path = target if isinstance(target, str) else target.id.text
            operation = self._start(path, REFUSE)
            operation.failure = refusal
            return self._accepted(request, operation, {})
        assert isinstance(target, Resource)
        return self._accepted(request, self._start(target.id.text, SETTLE), {})

    def deleted(self, request: ArmRequest, found: Resource, refusal: Failure | None = None) -> ArmResponse:
        operation = self._start(found.id.text, REFUSE if refusal else REMOVE)
        operation.failure = refusal
        return self._accepted(request, operation, None)

    def status(self, request: ArmRequest) -> ArmResponse:
        """202 while it runs, then 200 with how it ended, also for one that failed."""
        operation = self._operation(request)
        if operation.running:
            return self._accepted(request, operation, {"status": "InProgress"})
        body: JsonObject = {"status": operation.status}
        return ArmResponse(body={"error": operation.failure, **body} if operation.failure else body)

    def result(self, request: ArmRequest) -> ArmResponse:
        """202 while it runs, then 200 with an empty object, or the error."""
        operation = self._operation(request)
        if operation.running:
            return self._accepted(request, operation, None)
        if operation.failure is not None:
            return ArmResponse(status=409, body={"error": operation.failure})  # (inferred)
        return ArmResponse(body={})

    def _start(self, target: str, effect: str) -> LongOperation:
        return self.manager.operations.start(
            name="PrivateDnsOperation",
            subscription=target.split("/")[2],
            location="global",
            target=target,
            effect=effect,
            retry_after=_RETRY_AFTER,
        )

    def _accepted(
        self, request: ArmRequest, operation: LongOperation, body: JsonObject | None
    ) -> ArmResponse:
        group = "/".join(operation.target.split("/")[:5])
        base = f"{request.base_url}{group}/providers/Microsoft.Network"
        tail = f"{operation.id}?api-version={quote(request.api_version)}"
        headers = {
            "Azure-AsyncOperation": f"{base}/privateDnsOperationStatuses/{tail}",
            "Location": f"{base}/privateDnsOperationResults/{tail}",
            **self.manager.operations.mode.retry_headers(_RETRY_AFTER),
        }
        return ArmResponse(status=202, body=body, headers=headers, operation=operation)

    def _operation(self, request: ArmRequest) -> LongOperation:
        identifier = request.parameters["operation"]
        operation = self.manager.operations.find(identifier)
        if operation is None:
            raise ArmError(404, "NotFound", f"The operation '{identifier}' could not be found.")  # (inferred)
        self.manager.operations.note_read(operation.id)
        self.manager.operations.settle()
        return operation

    def _settle(self, operation: LongOperation, state: str) -> None:
        found = self.manager.store.find(operation.target)
        if found is None:
            return
        found.properties["provisioningState"] = state
        if found.type == LINKS:
            found.properties["virtualNetworkLinkState"] = "Completed"
            found.body["etag"] = new_link_etag()
        else:
            found.body["etag"] = new_etag()


def void(_value: object) -> None:
    """A callable's result that nobody needs."""
