"""The error tree that the product speaks, and the table that judges Resource Manager's errors.

    MeshError
    ├── NotFound       what was asked for is not there (an answer, not a failure)
    ├── Conflict       somebody else wrote first: read again
    ├── Waiting        passes by itself: an operation or a quota is in the way; look again later
    ├── Transient      may pass: try again, a bounded number of times
    └── Terminal       repeats for ever: stop and say so
        └── Denied     Azure refused the identity

Adapters translate library errors into these once; nothing above an adapter sees a library's error.
"""

from typing import Literal

type Judgement = Literal["wait", "retry", "terminal", "conflict", "absent"]


class MeshError(Exception):
    """What happened (`reason`, one word for programs), to what (`target`), and Azure's own words."""

    def __init__(
        self, reason: str, message: str, *, target: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {message}" + (f" ({target})" if target else ""))
        self.reason = reason
        self.message = message
        self.target = target
        self.retry_after = retry_after


class NotFound(MeshError):
    """The resource, group or row is not there."""


class Conflict(MeshError):
    """The row or resource changed since it was read."""


class Waiting(MeshError):
    """It passes by itself; `retry_after` is in seconds."""


class Transient(MeshError):
    """It may pass."""


class Terminal(MeshError):
    """Trying again changes nothing until somebody changes something."""


class Denied(Terminal):
    """The identity lacks a right, or its credentials are refused."""


# Codes as they stand in Resource Manager's error bodies (documentation and recordings), lower case.
_BY_CODE: dict[str, Judgement] = {
    "anotheroperationinprogress": "wait",
    "retryableerror": "wait",
    "retryableerrorduetoanotheroperation": "wait",
    "referencedresourcenotprovisioned": "wait",
    "resourcegroupbeingdeleted": "wait",
    "toomanyrequests": "wait",
    "subscriptionrequeststhrottled": "wait",
    "resourcerequeststhrottled": "wait",
    "operationnotallowed": "terminal",
    "conflict": "retry",
    "remotepeeringisdisconnected": "retry",
    "resourcegroupnotfound": "absent",
    "resourcenotfound": "absent",
    "parentresourcenotfound": "absent",
    "notfound": "absent",
    "subscriptionnotfound": "terminal",
    "authorizationfailed": "terminal",
    "linkedauthorizationfailed": "terminal",
    "requestdisallowedbypolicy": "terminal",
    "scopelocked": "terminal",
    "missingsubscriptionregistration": "terminal",
    "subscriptionnotregistered": "terminal",
    "readonlydisabledsubscription": "terminal",
    "invalidresourcetype": "terminal",
    "invalidresourcenamespace": "terminal",
    "noregisteredproviderfound": "terminal",
    "preconditionfailed": "conflict",
    "serverbusy": "retry",
    "internalservererror": "retry",
    "gatewaytimeout": "retry",
    # What uses it may be on its way out: recordings of deletions in the wrong order (test_delete_dependent_resources,
    # Test_Networking_PrivateDnsZone).
    "inusesubnetcannotbedeleted": "retry",
    "inusenetworksecuritygroupcannotbedeleted": "retry",
    "nicinuse": "retry",
    "cannotdeleteresource": "retry",
    # A subnet that is still being written, or whose service endpoint has not got about yet: reported for storage
    # (hashicorp/terraform-provider-azurerm #16547, Azure/azure-rest-api-specs #11143), key vaults and SQL servers.
    "networkaclsvalidationfailure": "retry",
    "virtualnetworknotvalid": "retry",
    "virtualnetworkrulebadrequest": "retry",
    # Private DNS accepts what it will refuse, and says this at the operation's end, which has no status of its own
    # (Azure/azure-aks-docs #212).
    "badrequest": "terminal",
    # The service itself is busy with the resource: recording Test_SQL_Server, Storage resource provider's error codes.
    "conflictingserveroperation": "wait",
    "storageaccountoperationinprogress": "wait",
}


def judge(status: int, code: str) -> Judgement:
    """What to do about an answer of Resource Manager: its code first, its HTTP status where the code is unknown."""
    known = _BY_CODE.get(code.lower())
    if known:
        return known
    if status == 404:
        return "absent"
    if status == 412:
        return "conflict"
    if status == 429:
        return "wait"
    if status in (408, 409) or status >= 500:
        return "retry"
    return "terminal"


def error_for(
    status: int, code: str, message: str, *, target: str = "", retry_after: float | None = None
) -> MeshError:
    """Our error for an answer of Resource Manager."""
    kinds: dict[Judgement, type[MeshError]] = {
        "wait": Waiting,
        "retry": Transient,
        "conflict": Conflict,
        "absent": NotFound,
        "terminal": Denied if status in (401, 403) else Terminal,
    }
    kind = kinds[judge(status, code)]
    return kind(code or f"Http{status}", message, target=target, retry_after=retry_after)
