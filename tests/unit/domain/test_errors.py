"""The table that judges Resource Manager's answers."""

import pytest

from shared.domain.errors import (
    Conflict,
    Denied,
    MeshError,
    NotFound,
    Terminal,
    Transient,
    Waiting,
    error_for,
)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "AnotherOperationInProgress", Waiting),
        (429, "AnotherOperationInProgress", Waiting),
        (429, "RetryableErrorDueToAnotherOperation", Waiting),
        (400, "ReferencedResourceNotProvisioned", Waiting),
        (409, "ResourceGroupBeingDeleted", Waiting),
        (429, "TooManyRequests", Waiting),
        (429, "SomethingNew", Waiting),
        (409, "Conflict", Transient),
        (409, "SomethingNew", Transient),
        (400, "RemotePeeringIsDisconnected", Transient),
        (408, "", Transient),
        (500, "SomethingNew", Transient),
        (503, "ServerBusy", Transient),
        (404, "ResourceGroupNotFound", NotFound),
        (404, "SomethingNew", NotFound),
        (404, "SubscriptionNotFound", Terminal),
        (412, "", Conflict),
        (401, "InvalidAuthenticationToken", Denied),
        (403, "AuthorizationFailed", Denied),
        (403, "RequestDisallowedByPolicy", Denied),
        (409, "ScopeLocked", Terminal),
        (400, "BadRequest", Terminal),
        (500, "BadRequest", Terminal),
        (400, "InUseSubnetCannotBeDeleted", Transient),
        (400, "InUseNetworkSecurityGroupCannotBeDeleted", Transient),
        (400, "NicInUse", Transient),
        (409, "CannotDeleteResource", Transient),
        (400, "NetworkAclsValidationFailure", Transient),
        (400, "VirtualNetworkNotValid", Transient),
        (500, "VirtualNetworkRuleBadRequest", Transient),
        (409, "ConflictingServerOperation", Waiting),
        (409, "StorageAccountOperationInProgress", Waiting),
        (200, "PreconditionFailed", Conflict),
        (400, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", Terminal),
        (400, "RemoteVnetHasNoGateways", Terminal),
    ],
)
def test_the_code_is_judged_before_the_status(status: int, code: str, kind: type[MeshError]) -> None:
    for spelling in (code, code.lower(), code.upper()):
        assert type(error_for(status, spelling, "m")) is kind


def test_an_error_says_what_happened_to_what_in_azures_own_words() -> None:
    error = error_for(429, "", "slow down", target="/x", retry_after=7)
    assert (error.reason, error.message, error.target, error.retry_after) == ("Http429", "slow down", "/x", 7)
    assert str(error) == "Http429: slow down (/x)"
