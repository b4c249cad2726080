"""What the documents of subnets say about others: who uses them, whom they are delegated to, what they reach."""

from collections.abc import Iterable, Iterator, Sequence

from local.arm.documents import JsonObject, as_json, object_in, objects_in, text_in
from local.arm.errors import NetworkError
from local.arm.store import Resource

# The properties of a resource under which its IP configurations may be.
_CONFIGURATIONS = (
    "ipConfigurations",
    "frontendIPConfigurations",
    "gatewayIPConfigurations",
    "azureFirewallIpConfigurations",
    "bastionHostIpConfigurations",
)
_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
_ACTIONS = {
    "microsoft.web/hostingenvironments": ["Microsoft.Network/virtualNetworks/subnets/action"],
    "microsoft.web/serverfarms": ["Microsoft.Network/virtualNetworks/subnets/action"],
    "microsoft.netapp/volumes": ["Microsoft.Network/networkinterfaces/*", _JOIN],
}
# https://learn.microsoft.com/azure/virtual-network/virtual-network-service-endpoints-overview
_SERVICES = {
    name.lower(): name
    for name in (
        "Microsoft.AzureActiveDirectory",
        "Microsoft.AzureCosmosDB",
        "Microsoft.CognitiveServices",
        "Microsoft.ContainerRegistry",
        "Microsoft.EventHub",
        "Microsoft.KeyVault",
        "Microsoft.ServiceBus",
        "Microsoft.Sql",
        "Microsoft.Storage",
        "Microsoft.Storage.Global",
        "Microsoft.Web",
    )
}
# https://learn.microsoft.com/azure/reliability/regions-list: storage is reached in the paired region as well.
_PAIRS = (
    ("westus", "eastus"),
    ("westus2", "westcentralus"),
    ("eastus2", "centralus"),
    ("northcentralus", "southcentralus"),
    ("northeurope", "westeurope"),
    ("uksouth", "ukwest"),
    ("francecentral", "francesouth"),
    ("germanywestcentral", "germanynorth"),
    ("norwayeast", "norwaywest"),
    ("switzerlandnorth", "switzerlandwest"),
    ("swedencentral", "swedensouth"),
    ("southeastasia", "eastasia"),
    ("canadacentral", "canadaeast"),
    ("australiaeast", "australiasoutheast"),
    ("japaneast", "japanwest"),
    ("koreacentral", "koreasouth"),
    ("centralindia", "southindia"),
    ("southafricanorth", "southafricawest"),
    ("uaenorth", "uaecentral"),
)


def configurations_in(subnet: Resource, candidates: Iterable[Resource]) -> list[JsonObject]:
    """References to the IP configurations of other resources that lie in a subnet."""
    return [
        {"id": identifier}
        for resource in candidates
        for identifier, target in _configurations(resource)
        if target == subnet.key
    ]


def delegations_of(subnet: Resource, etag: str) -> list[JsonObject]:
    """The subnet's delegations with what Azure adds to what was sent."""
    return [
        {
            **given,
            "id": f"{subnet.id.text}/delegations/{text_in(given, 'name')}",
            "etag": etag,
            "type": f"{subnet.type}/delegations",
            "properties": {
                "provisioningState": "Succeeded",
                **object_in(given, "properties"),
                "actions": as_json(_actions(given)),
            },
        }
        for given in objects_in(subnet.properties, "delegations")
    ]


def spelled_endpoints(given: Sequence[JsonObject], subnet: str) -> list[JsonObject]:
    """Service endpoints with the services as Azure spells them; an unknown one refuses the subnet.

    The code is known from clients that handle it (Azure Service Operator), its message is (inferred).
    """
    found: dict[str, JsonObject] = {}
    for entry in given:
        service = text_in(entry, "service") or ""
        known = _SERVICES.get(service.lower())
        if known is None:
            raise NetworkError(
                400,
                "SubnetHasServiceEndpointWithInvalidServiceName",
                f"Subnet {subnet} has service endpoint with invalid service name {service}. Valid service names are: "
                f"{', '.join(_SERVICES.values())}.",
            )
        kept: JsonObject = {name: value for name, value in entry.items() if name != "provisioningState"}
        found[known] = {**kept, "service": known}
    return list(found.values())


def endpoints_of(subnet: Resource, location: str) -> list[JsonObject]:
    """The subnet's service endpoints, with the regions that Azure fills in."""
    state = subnet.properties.get("provisioningState")
    return [
        {
            "provisioningState": state,
            **given,
            "locations": given.get("locations") or as_json(_reach(text_in(given, "service") or "", location)),
        }
        for given in objects_in(subnet.properties, "serviceEndpoints")
    ]


def _configurations(resource: Resource) -> Iterator[tuple[str, str]]:
    """The id of each IP configuration, and the key of the subnet that it is in."""
    for collection in _CONFIGURATIONS:
        for entry in objects_in(resource.properties, collection):
            subnet = text_in(object_in(entry, "properties", "subnet"), "id")
            if subnet:
                own = f"{resource.id.text}/{collection}/{text_in(entry, 'name')}"
                yield text_in(entry, "id") or own, subnet.lower()


def _actions(delegation: JsonObject) -> list[str]:
    service = text_in(object_in(delegation, "properties"), "serviceName") or ""
    return _ACTIONS.get(service.lower(), [_JOIN])


def _reach(service: str, location: str) -> list[str]:
    match service.lower():
        case "microsoft.sql":
            return [location]
        case "microsoft.storage":
            other = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}.get(location)
            return [location, other] if other else [location]
        case _:
            return ["*"]
