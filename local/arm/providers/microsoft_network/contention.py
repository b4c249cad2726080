"""One operation at a time on a network: what another request meets while one runs.

Recorded: 429 for a second subnet or route, 429 for the use of what is not there yet, 409 for a firewall. Reported in
issue threads: 400 for a peering while a subnet of either network is written, 409 for a second peering of one network.
"""

from collections.abc import Iterable

from local.arm.documents import JsonObject, object_in, text_in
from local.arm.errors import NetworkError
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest
from local.arm.operations import LongOperation, Operations
from local.arm.providers.microsoft_network.models import PEERINGS
from local.arm.providers.microsoft_network.private_endpoints.models import ENDPOINTS
from local.arm.resource_manager import ResourceManager

# What the recorded answer announces.
_RETRY_AFTER = 11


def check_owner_free(operations: Operations, owner: ResourceId) -> None:
    """A write to a network, a subnet or a route meets a lock: 429, although no quota is exceeded."""
    for running in operations.running(owner.key):
        detail: JsonObject = {
            "code": "RetryableErrorDueToAnotherOperation",
            "message": f"Operation {running.name} ({running.id}) is updating resource {owner.text}. The call can be "
            f"retried in {_RETRY_AFTER} seconds.",
        }
        headers = operations.mode.retry_headers(_RETRY_AFTER)
        raise NetworkError(
            429, "RetryableError", "A retryable error occurred.", details=[detail], headers=headers
        )


def check_references_provisioned(operations: Operations, user: ResourceId, used: Iterable[str]) -> None:
    """What a resource refers to must be there: 429 without `Retry-After` while an operation runs on it itself."""
    for identifier in used:
        for running in operations.running(identifier.lower()):
            if running.key == identifier.lower():
                refused = _not_provisioned(identifier, user.text, running)
                detail: JsonObject = {"code": refused.code, "message": refused.message}
                raise NetworkError(429, "RetryableError", "A retryable error occurred.", details=[detail])


def check_free(operations: Operations, resource: ResourceId, request: ArmRequest) -> None:
    """A write to any other resource meets an operation on it or on what lies beneath it."""
    for running in operations.running(resource.key):
        raise another_operation(running, request)


def check_peering_free(
    operations: Operations, peering: ResourceId, remote: ResourceId | None, request: ArmRequest
) -> None:
    """A write to a peering meets other peering operations on its network (409), or a network being changed (400).

    `remote` is the other network, None for a deletion, which does not look at it. Peering operations on the remote
    network are no hindrance: both sides of a pair are made at once by templates (inferred: no report names one).
    """
    network = peering.parent
    assert network is not None
    for running in operations.running(network.key):
        if _on_peering(running):
            raise another_operation(running, request)
        raise _not_provisioned(network.text, peering.text, running)
    for running in operations.running(remote.key) if remote else []:
        if not _on_peering(running):
            raise _not_provisioned(remote.text if remote else "", peering.text, running)


def check_provisioned(operations: Operations, subnet: ResourceId, user: ResourceId) -> None:
    """What is put into a subnet needs it in peace: neither the subnet nor its whole network may be changing."""
    network = subnet.parent
    whole = network.key if network else ""
    for running in operations.running(whole):
        if running.key in (whole, subnet.key):
            raise _not_provisioned(subnet.text, user.text, running)


def check_nobody_joins(manager: ResourceManager, subnet: ResourceId, request: ArmRequest) -> None:
    """A write to a subnet meets a private endpoint that is just being made or removed in it (inferred: reported is
    that both of them lock the subnet, terraform-provider-azurerm #21293)."""
    whole = f"/subscriptions/{subnet.subscription}".lower()
    for running in manager.operations.running(whole):
        joining = manager.store.find(running.target)
        if joining is None or joining.type.lower() != ENDPOINTS.lower():
            continue
        place = text_in(object_in(joining.properties, "subnet"), "id") or ""
        if place.lower() == subnet.key:
            raise another_operation(running, request)


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
