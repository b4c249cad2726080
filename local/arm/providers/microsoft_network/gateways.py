"""What a virtual network gateway shows beside what was sent, before and after it is there.

Read off the recordings test_network_vnet_gateway_*, testVirtualNetworkGateway* and
Test_Networking_VirtualNetworkGateway_*.
"""

from ipaddress import ip_network

from local.arm.documents import Json, JsonObject, flag_in, object_in, objects_in, text_in
from local.arm.errors import NetworkError
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_network.models import subnet_prefixes
from local.arm.providers.microsoft_network.preconditions import unknown_reference
from local.arm.store import Resource, Store

SUBNET = "gatewaysubnet"
_ASN = 65515
_CAPACITY = 2
_CLIENT_LISTS = (
    "vpnAuthenticationTypes",
    "vpnClientRootCertificates",
    "vpnClientRevokedCertificates",
    "vngClientConnectionConfigurations",
    "radiusServers",
    "vpnClientIpsecPolicies",
)
_HEALTH: JsonObject = {
    "totalIngressBytesTransferred": 0,
    "totalEgressBytesTransferred": 0,
    "vpnClientConnectionsCount": 0,
}
_MIGRATION: JsonObject = {"state": "None", "phase": "None", "errorMessage": ""}


def composed(given: JsonObject, gateway: str, previous: JsonObject) -> JsonObject:
    """The properties of a PUT with what Azure adds at once; `gateway` is the id, `previous` what was there."""
    properties = dict(given)
    if "sku" in properties:
        properties["sku"] = {**object_in(properties, "sku"), "capacity": _CAPACITY}
    if text_in(properties, "gatewayType") == "LocalGateway":
        return {**properties, "vpnType": "PolicyBased", "vpnGatewayGeneration": "None"}
    addresses: list[Json] = [
        {
            "ipconfigurationId": f"{gateway}/ipConfigurations/{text_in(item, 'name')}",
            "defaultBgpIpAddresses": [],
            "customBgpIpAddresses": [],
        }
        for item in objects_in(properties, "ipConfigurations")
    ]
    before = object_in(previous, "bgpSettings")
    own = ("bgpPeeringAddresses",) if before else ()
    properties["bgpSettings"] = {
        "asn": 0,
        "peerWeight": 0,
        "bgpPeeringAddresses": addresses,
        **before,
        **{
            name: value
            for name, value in object_in(properties, "bgpSettings").items()
            if value is not None and name not in own
        },
    }
    if "vpnClientConfiguration" in properties:
        client = object_in(properties, "vpnClientConfiguration")
        properties["vpnClientConfiguration"] = {**_client_defaults(properties), **client}
    return properties


def check(gateway: str, properties: JsonObject, store: Store) -> None:
    """Its subnet must be there and be called GatewaySubnet."""
    for item in objects_in(properties, "ipConfigurations"):
        subnet = text_in(object_in(item, "properties", "subnet"), "id") or ""
        if subnet.rpartition("/")[2].lower() != SUBNET:
            raise NetworkError(  # (inferred)
                400,
                "SubnetIsNotGatewaySubnet",
                f"Subnet {subnet} used by {gateway} must be named GatewaySubnet.",
            )
        network = ResourceId.parse(subnet.rpartition("/subnets/")[0])
        for peering in store.children(network, "virtualNetworkPeerings") if network else ():
            if flag_in(peering.properties, "useRemoteGateways"):
                raise NetworkError(  # (inferred)
                    400,
                    "VnetUsesRemoteGateways",
                    f"Gateway {gateway} cannot be made because peering {peering.id.text} uses the gateways of its "
                    "remote virtual network.",
                )
        public = text_in(object_in(item, "properties", "publicIPAddress"), "id")
        for identifier in (subnet, public):
            if identifier and store.find(identifier) is None:
                raise unknown_reference(identifier, gateway)


def begun(document: JsonObject) -> JsonObject:
    """The answer to a PUT: it shows the settings for clients even where nobody sent any, which no read does."""
    properties = object_in(document, "properties")
    if "vpnClientConfiguration" in properties:
        return document
    client = _client_defaults(properties)
    return {**document, "properties": {**properties, "vpnClientConfiguration": client}}


def shown(properties: JsonObject) -> JsonObject:
    """As a read shows it: how the clients fare, once there is a gateway for them."""
    client = object_in(properties, "vpnClientConfiguration")
    if properties.get("provisioningState") != "Succeeded":
        return properties
    result: JsonObject = {"virtualNetworkGatewayMigrationStatus": {**_MIGRATION}, **properties}
    if client:
        result["vpnClientConfiguration"] = {**client, "vpnClientConnectionHealth": {**_HEALTH}}
    return result


def made(gateway: Resource, store: Store) -> None:
    """It is there: it has addresses in its subnet and for tunnels, and a number of its own."""
    settings = object_in(gateway.properties, "bgpSettings")
    if not settings:
        return
    parts = objects_in(gateway.properties, "ipConfigurations")
    given = text_in(settings, "bgpPeeringAddress")
    addresses = [given or _last_host(store, part) for part in parts]
    settings["asn"] = settings.get("asn") or _ASN
    settings.setdefault("bgpPeeringAddress", ",".join(addresses))
    for entry, address in zip(objects_in(settings, "bgpPeeringAddresses"), addresses, strict=False):
        entry["defaultBgpIpAddresses"] = [address]
        entry["tunnelIpAddresses"] = ["203.0.113.2"]


def networks_of(gateway: Resource) -> set[str]:
    """The keys of the networks in whose GatewaySubnet a gateway sits."""
    subnets = (
        text_in(object_in(item, "properties", "subnet"), "id") or ""
        for item in objects_in(gateway.properties, "ipConfigurations")
    )
    return {subnet.lower().rpartition("/subnets/")[0] for subnet in subnets}


def _client_defaults(properties: JsonObject) -> JsonObject:
    basic = text_in(object_in(properties, "sku"), "name") in ("Basic", None)
    protocols: list[Json] = ["SSTP"] if basic else ["OpenVPN", "IkeV2"]
    return {"vpnClientProtocols": protocols, **{name: [] for name in _CLIENT_LISTS}}


def _last_host(store: Store, part: JsonObject) -> str:
    subnet = store.find(text_in(object_in(part, "properties", "subnet"), "id") or "")
    prefixes = subnet_prefixes(subnet.properties) if subnet else []
    return str(ip_network(prefixes[0], strict=False)[-2]) if prefixes else ""
