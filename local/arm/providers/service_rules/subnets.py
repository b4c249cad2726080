"""Whether subnets may be named in the network rules of a service: pure decisions on what the store holds.

A rule needs a subnet that exists and has the service's endpoint. Every provider wraps the network provider's refusal
in an error of its own, so what is wrong is told here as code and message; the wording was reported in issue threads
(hashicorp/terraform-provider-azurerm #16547, Azure/avdaccelerator #818).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from local.arm.documents import objects_in, text_in
from local.arm.ids import ResourceId
from local.arm.store import Resource, Store

# A global endpoint stands for the regional one: https://learn.microsoft.com/azure/storage/common/storage-network-security
_GLOBAL = {"microsoft.storage": "microsoft.storage.global"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What the network provider objects to."""

    code: str
    message: str


def endpoints_in(subnet: Resource) -> set[str]:
    """The services that a subnet has endpoints for, in lower case."""
    return {
        (text_in(entry, "service") or "").lower()
        for entry in objects_in(subnet.properties, "serviceEndpoints")
    }


def absent(store: Store, subnets: Iterable[str]) -> Problem | None:
    """The first subnet that does not exist."""
    for identifier in subnets:
        resource = ResourceId.parse(identifier)
        if resource is None or store.find(identifier) is None:
            return Problem(  # (inferred)
                "SubnetsNotFound", f"Subnet {identifier} could not be found. Make sure that it exists."
            )
    return None


def without_endpoint(store: Store, subnets: Iterable[str], service: str) -> Problem | None:
    """The subnets of one network that lack the endpoint of `service` (`Microsoft.Storage`)."""
    wanted = {service.lower(), _GLOBAL.get(service.lower(), service.lower())}
    for identifier in subnets:
        found = store.find(identifier)
        if found is None or endpoints_in(found) & wanted:
            continue
        network = found.id.parent
        return Problem(
            "SubnetsHaveNoServiceEndpointsConfigured",
            f"Subnets {found.name} of virtual network {network.text if network else ''} do not have ServiceEndpoints "
            f"for {service} resources configured. Add {service} to subnet's ServiceEndpoints collection before trying "
            f"to ACL {service} resources to these subnets.",
        )
    return None


def other_region(store: Store, subnets: Sequence[str], service: str, location: str) -> Problem | None:
    """The network that is not in the service's region, which SQL insists on."""
    for identifier in subnets:
        found = store.find(identifier)
        network = store.find(found.id.parent.text) if found and found.id.parent else None
        if network is not None and network.location != location:
            return Problem(
                "VirtualNetworkInOtherRegion",
                f"{service} resources in {location} cannot be ACL-ed to virtual network in {network.location}. Only "
                f"resources in {network.location} can be ACL-ed to virtual networks in {network.location}.",
            )
    return None
