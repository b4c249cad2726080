"""Errors of private DNS: record sets answer at once, without the `error` wrapper; zones and links in a poll."""

from local.arm.documents import JsonObject
from local.arm.errors import ArmError
from local.arm.ids import ResourceId

# Begun all the same with 202: what is wrong is told by the operation's end.
type Failure = JsonObject


def failure(code: str, message: str) -> Failure:
    return {"code": code, "message": message}


def zone_exists(zone: ResourceId) -> Failure:
    return failure(
        "PreconditionFailed", f"The Zone {zone.name} exists already and hence cannot be created again."
    )


def zone_modified(zone: ResourceId) -> Failure:
    return failure("PreconditionFailed", f"The Zone {zone.name} has been modified (etag mismatch).")


def link_exists(link: ResourceId) -> Failure:
    return failure(
        "PreconditionFailed",
        f"The Virtual Network link {link.name} for the Private DNS zone {link.names[0]} exists already and hence "
        "cannot be created again.",
    )


def link_modified(link: ResourceId) -> Failure:
    return failure(
        "PreconditionFailed",
        f"The Virtual Network link '{link.name}' for the Private DNS zone '{link.names[0]}' has been modified (etag "
        "mismatch).",
    )


def overlapping_namespaces(first: str, second: str) -> Failure:
    """Shown in Azure/azure-aks-docs issue 212: the same name twice in one network."""
    return failure(
        "BadRequest",
        "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual "
        f"network with '{first}' and '{second}' zones.",
    )


def second_registration(zone: str) -> Failure:
    """Shown in Azure/terraform-azurerm-caf-enterprise-scale issue 157."""
    return failure(
        "Conflict",
        "A virtual network can only be linked to 1 Private DNS zone(s) with auto-registration enabled; conflicting "
        f"Private DNS zone is '{zone}'.",
    )


def network_not_found(network: str) -> Failure:
    return failure("BadRequest", f"The virtual network '{network}' could not be found.")  # (inferred)


def too_many(what: str, most: int) -> Failure:
    return failure("BadRequest", f"The maximum number of {what} is {most}.")  # (inferred)


def record_error(status: int, code: str, message: str) -> ArmError:
    return ArmError(status, code, message, cause=None, bare=True)


def record_not_found(record_set: ResourceId) -> ArmError:
    return record_error(
        404,
        "NotFound",
        f"The resource record '{record_set.name}' does not exist in resource group '{record_set.group}' of "
        f"subscription '{record_set.subscription}'.",
    )


def record_modified(record_set: ResourceId) -> ArmError:
    return record_error(
        412, "PreconditionFailed", f"The Record set {record_set.name} has been modified (etag mismatch)."
    )


def record_exists(record_set: ResourceId) -> ArmError:
    return record_error(
        412,
        "PreconditionFailed",
        f"The Record set {record_set.name} exists already and hence cannot be created again.",
    )


def nested_resources(links: list[str]) -> ArmError:
    named = ", ".join(f"'{link}'" for link in links)
    return ArmError(
        409,
        "CannotDeleteResource",
        f"Cannot delete resource while nested resources exist. Some existing nested resource IDs include: {named}. "
        "Please delete all nested resources before deleting this resource.",
    )
