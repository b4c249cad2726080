"""One operation at a time on a network: what another request meets while one runs."""

from local.arm.documents import JsonObject
from local.arm.errors import NetworkError
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest
from local.arm.operations import LongOperation, Operations
from local.arm.providers.microsoft_network.models import PEERINGS

# What the recorded answer announces.
_RETRY_AFTER = 11


def check_network_free(operations: Operations, network: ResourceId) -> None:
    """A write to a network or subnet meets a lock: 429, although no quota is exceeded."""
    for running in operations.running(network.key):
        detail: JsonObject = {
            "code": "RetryableErrorDueToAnotherOperation",
            "message": f"Operation {running.name} ({running.id}) is updating resource {network.text}. The call can be "
            f"retried in {_RETRY_AFTER} seconds.",
        }
        headers = operations.mode.retry_headers(_RETRY_AFTER)
        raise NetworkError(
            429, "RetryableError", "A retryable error occurred.", details=[detail], headers=headers
        )


def check_free(operations: Operations, resource: ResourceId, request: ArmRequest) -> None:
    """A write to any other resource meets an operation on it or on what lies beneath it."""
    for running in operations.running(resource.key):
        raise another_operation(running, request)


def check_peering_free(
    operations: Operations, peering: ResourceId, remote: ResourceId | None, request: ArmRequest
) -> None:
    """A write to a peering meets other peering operations on its network (409), or a network being changed (400).

    `remote` is the other network, None for a deletion, which does not look at it.
    """
    network = peering.parent
    assert network is not None
    for running in operations.running(network.key):
        if _on_peering(running):
            raise another_operation(running, request)
        raise _not_provisioned(network.text, peering.text, running)
    for running in operations.running(remote.key) if remote else []:
        raise _not_provisioned(remote.text if remote else "", peering.text, running)


def _on_peering(operation: LongOperation) -> bool:
    target = ResourceId.parse(operation.target)
    return target is not None and target.type.lower() == PEERINGS.lower()


def another_operation(running: LongOperation, request: ArmRequest) -> NetworkError:
    uri = (
        f"{request.base_url}/subscriptions/{running.subscription}/providers/Microsoft.Network/locations/{running.location}"
        f"/operations/{running.id}?api-version={request.api_version}"
    )
    return NetworkError(
        409,
        "AnotherOperationInProgress",
        "Another operation on this or dependent resource is in progress. To retrieve status of the operation use "
        f"uri: {uri}.",
    )


def _not_provisioned(used: str, user: str, running: LongOperation) -> NetworkError:
    return NetworkError(
        400,
        "ReferencedResourceNotProvisioned",
        f"Cannot proceed with operation because resource {used} used by resource {user} is not in Succeeded state. "
        "Resource is in Updating state and the last operation that updated/is updating the resource is "
        f"{running.name}.",
    )
