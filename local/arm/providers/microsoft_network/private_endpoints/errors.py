"""What the network provider refuses about private endpoints."""

from local.arm.errors import NetworkError
from local.arm.ids import ResourceId


def reference_not_found(referenced: str, user: ResourceId) -> NetworkError:
    return NetworkError(
        400,
        "InvalidResourceReference",
        f"Resource {referenced} referenced by resource {user.text} was not found. Please make sure that the referenced "
        "resource exists, and that both resources are in the same region.",
    )


def group_missing(connection: str) -> NetworkError:
    """Shown in Azure/azure-cli issue 15136."""
    return NetworkError(
        400,
        "MissingParameterOnPrivateLinkServiceConnection",
        f"Private link service connection {connection} is missing required parameter 'group Id'.",
    )


def too_many_groups(connection: str, groups: list[str], target: str) -> NetworkError:
    """Shown in DFE-Digital/terraform-azurerm-container-apps-hosting issue 352."""
    return NetworkError(
        400,
        "OnlyOneGroupIdPermitted",
        f"Private link service connection {connection} has the following group Ids: {', '.join(groups)}. Only one "
        f"group Id is permitted when connecting to a first-party resource ({target}).",
    )


def unknown_group(type_: str) -> NetworkError:
    """The text is shown in hashicorp/terraform-provider-azurerm issue 11778; the code is (inferred)."""
    return NetworkError(400, "BadRequest", f"Call to {type_} failed. Error message: Invalid groupId")


def malformed(message: str) -> NetworkError:
    return NetworkError(
        400,
        "InvalidRequestFormat",
        "Cannot parse the request.",
        details=[{"code": "MissingJsonReferenceId", "message": message}],  # (inferred)
    )


def subnet_full(subnet: str, prefix: str, wanted: int) -> NetworkError:
    return NetworkError(
        400,
        "SubnetIsFull",
        f"Subnet {subnet} with address prefix {prefix} does not have enough capacity for {wanted} IP addresses.",
    )


def address_taken(endpoint: ResourceId, address: str) -> NetworkError:
    return NetworkError(
        400,
        "PrivateIPAddressIsAllocated",  # (inferred)
        f"IP configuration of {endpoint.text} is using the private IP address {address} which is already allocated.",
    )


def address_outside(endpoint: ResourceId, address: str, subnet: str) -> NetworkError:
    return NetworkError(
        400,
        "PrivateIPAddressNotInSubnet",  # (inferred)
        f"Private static IP address {address} of {endpoint.text} does not belong to the range of subnet {subnet}.",
    )


def fixed(endpoint: ResourceId, what: str) -> NetworkError:
    return NetworkError(
        400,
        "PrivateEndpointPropertyCannotBeChanged",  # (inferred)
        f"The {what} of private endpoint {endpoint.text} cannot be changed. Delete it and create it again.",
    )


def too_many_endpoints(network: str, most: int) -> NetworkError:
    return NetworkError(
        400,
        "PrivateEndpointsPerVirtualNetworkLimitReached",  # (inferred)
        f"Virtual network {network} cannot have more than {most} private endpoints.",
    )


def second_zone_group(endpoint: ResourceId) -> NetworkError:
    """The text is shown in pulumi/pulumi-azure-native issue 2179; the code is (inferred)."""
    return NetworkError(
        400,
        "MultiplePrivateDnsZoneGroupsNotAllowed",
        f"Cannot create more than one private dns zone groups in the private endpoint {endpoint.text}.",
    )


def duplicate_configuration(group: ResourceId, name: str) -> NetworkError:
    """Shown in hashicorp/terraform-provider-azurerm issue 28966."""
    return NetworkError(
        400,
        "InvalidRequestFormat",
        "Cannot parse the request.",
        details=[
            {
                "code": "DuplicateResourceName",
                "message": f"Resource {group.text} has two child resources with the same name ({name}).",
            }
        ],
    )
