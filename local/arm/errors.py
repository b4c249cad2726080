"""Resource Manager's error answers, in the shapes that the recordings show."""

from local.arm.documents import JsonObject
from local.arm.ids import ResourceId

NOT_FOUND_HELP = "For more details please go to https://aka.ms/ARMResourceNotFoundFix"


class ArmError(Exception):
    """Ends a request with an error answer.

    `bare` leaves the `error` wrapper out (diagnostic settings do). `cause` becomes `x-ms-failure-cause`:
    `gateway` where Resource Manager itself refuses, `service` or absent where a resource provider does.
    `details` is rendered when given, empty lists included (the network provider sends `"details": []`).
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        cause: str | None = "gateway",
        details: list[JsonObject] | None = None,
        bare: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.bare = bare
        self.headers = dict(headers or {})
        if cause is not None:
            self.headers["x-ms-failure-cause"] = cause

    def body(self) -> JsonObject:
        inner: JsonObject = {"code": self.code, "message": self.message}
        if self.details is not None:
            inner["details"] = list(self.details)
        return inner if self.bare else {"error": inner}


class NetworkError(ArmError):
    """An error of the network provider: `details` is always there, the failure cause is not."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: list[JsonObject] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, cause=None, details=details or [], headers=headers)


def subscription_not_found(subscription: str) -> ArmError:
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def group_not_found(group: str) -> ArmError:
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def group_being_deleted(group: str) -> ArmError:
    return ArmError(
        409,
        "ResourceGroupBeingDeleted",
        f"The resource group '{group}' is in deprovisioning state and cannot perform this operation.",
    )


def resource_not_found(resource: ResourceId) -> ArmError:
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource.relative}' under resource group '{resource.group}' was not found. "
        f"{NOT_FOUND_HELP}",
    )


def parent_not_found(resource: ResourceId, verb: str, parent: ResourceId) -> ArmError:
    """`verb` is what was tried: read, write or delete."""
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{'/'.join(resource.types)}', because the parent "
        f"resource '{parent.text}' could not be found.",
    )


def network_child_not_found(resource: ResourceId) -> NetworkError:
    return NetworkError(404, "NotFound", f"Resource {resource.text} not found.")


def invalid_body(message: str) -> ArmError:
    return ArmError(400, "InvalidRequestContent", f"The request content was invalid: {message}")
