"""The polling URLs of the network provider: `operations` tells the status, `operationResults` the result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from local.arm.documents import JsonObject
from local.arm.errors import ArmError
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import LongOperation
from local.arm.providers.microsoft_network.models import simple_document
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

type Render = Callable[[Resource], JsonObject]
_RETRY_AFTER = 10


@dataclass(frozen=True, slots=True)
class Polling:
    """`documents` renders a resource of a type; types that are not in it are shown as they are stored."""

    manager: ResourceManager
    documents: Mapping[str, Render]

    def headers(
        self, request: ArmRequest, operation: LongOperation, *, location: bool = False
    ) -> dict[str, str]:
        """What announces an operation; `Location` only where it is a deletion."""
        base = (
            f"{request.base_url}/subscriptions/{operation.subscription}/providers/Microsoft.Network/locations/"
            f"{operation.location}"
        )
        tail = f"{operation.id}?api-version={quote(request.api_version)}"
        headers = {
            "Azure-AsyncNotification": "Enabled",
            "Azure-AsyncOperation": f"{base}/operations/{tail}",
        }
        if location:
            headers["Location"] = f"{base}/operationResults/{tail}"
        return headers

    def status(self, request: ArmRequest) -> ArmResponse:
        """200 with the status, also for an operation that failed."""
        operation = self._operation(request)
        body: JsonObject = {"status": operation.status}
        if operation.running:
            return ArmResponse(body=body, headers=self.manager.operations.mode.retry_headers(_RETRY_AFTER))
        if operation.failure is not None:
            body["error"] = {**operation.failure, "details": []}
        return ArmResponse(body=body)

    def result(self, request: ArmRequest) -> ArmResponse:
        """202 while it runs, then the resource, or 204 where it was a deletion."""
        operation = self._operation(request)
        headers = self.headers(request, operation, location=True)
        if operation.running:
            return ArmResponse(
                status=202, headers={**headers, **self.manager.operations.mode.retry_headers(_RETRY_AFTER)}
            )
        if operation.failure is not None:
            return ArmResponse(status=409, body={"error": {**operation.failure, "details": []}})
        found = self.manager.store.find(operation.target)
        if found is None:
            return ArmResponse(status=204, headers=headers)
        return ArmResponse(body=self.documents.get(found.type, simple_document)(found), headers=headers)

    def _operation(self, request: ArmRequest) -> LongOperation:
        identifier = request.parameters["operation"]
        operation = self.manager.operations.find(identifier)
        if operation is None:
            raise ArmError(
                404, "OperationNotFound", f"Operation {identifier} not found.", cause=None, details=[]
            )
        self.manager.operations.note_read(operation.id)
        self.manager.operations.settle()
        return operation
