"""The documents of virtual networks, subnets and peerings, in the field order of the recordings."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from local.arm.documents import JsonObject, as_json, flag_in, object_in, text_in, texts_in
from local.arm.ids import ResourceId
from local.arm.store import Resource

NETWORKS = "Microsoft.Network/virtualNetworks"
SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
PEERINGS = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
GATEWAYS = "Microsoft.Network/virtualNetworkGateways"

INITIATED = "Initiated"
CONNECTED = "Connected"
DISCONNECTED = "Disconnected"

_FLAGS = {
    "allowVirtualNetworkAccess": True,
    "allowForwardedTraffic": False,
    "allowGatewayTransit": False,
    "useRemoteGateways": False,
    "doNotVerifyRemoteGateways": False,
    "peerCompleteVnets": True,
}
_PAIRS = uuid.UUID("0f3c2c0e-6a5a-4f3b-9a43-c3b6f5a0a7d1")


def new_etag() -> str:
    return f'W/"{uuid.uuid4()}"'


def etag_of(network: Resource) -> str:
    """The one etag of a network, its subnets and its peerings."""
    return text_in(network.body, "etag") or ""


def prefixes_of(network: Resource) -> list[str]:
    return texts_in(object_in(network.properties, "addressSpace"), "addressPrefixes")


def subnet_prefixes(properties: JsonObject) -> list[str]:
    single = text_in(properties, "addressPrefix")
    return [single] if single else texts_in(properties, "addressPrefixes")


@dataclass(frozen=True, slots=True)
class Peering:
    """What decisions need to know of a stored peering. `synced` is the remote's address space when last taken over."""

    id: ResourceId
    remote: str
    state: str
    synced: tuple[str, ...]
    allow_gateway_transit: bool
    use_remote_gateways: bool

    @classmethod
    def of(cls, resource: Resource) -> "Peering":
        properties = resource.properties
        return cls(
            id=resource.id,
            remote=remote_id(properties),
            state=text_in(properties, "peeringState") or INITIATED,
            synced=tuple(texts_in(object_in(properties, "remoteAddressSpace"), "addressPrefixes")),
            allow_gateway_transit=flag_in(properties, "allowGatewayTransit"),
            use_remote_gateways=flag_in(properties, "useRemoteGateways"),
        )


def remote_id(properties: JsonObject) -> str:
    return text_in(object_in(properties, "remoteVirtualNetwork"), "id") or ""


def sync_level(
    *,
    synced: Sequence[str],
    remote_now: Sequence[str],
    remote_synced: Sequence[str] | None,
    local_now: Sequence[str],
) -> str:
    """https://learn.microsoft.com/rest/api/virtualnetwork: each side is in sync when it knows the other's space.

    `remote_synced` is None where the other side has no peering.
    """
    local_fits = list(synced) == list(remote_now)
    remote_fits = remote_synced is not None and list(remote_synced) == list(local_now)
    if local_fits:
        return "FullyInSync" if remote_fits else "RemoteNotInSync"
    return "LocalNotInSync" if remote_fits else "LocalAndRemoteNotInSync"


def peering_flags(properties: JsonObject) -> JsonObject:
    return {name: flag_in(properties, name, default) for name, default in _FLAGS.items()}


def peering_guid(first: Resource, second: Resource) -> str:
    """Both sides of a pair of networks show the same guid."""
    guids = sorted(text_in(network.properties, "resourceGuid") or "" for network in (first, second))
    return str(uuid.uuid5(_PAIRS, "/".join(guids)))


def peering_document(
    peering: Resource,
    network: Resource,
    *,
    remote_now: Sequence[str],
    level: str,
    gateways: Sequence[str],
    encryption: JsonObject | None = None,
) -> JsonObject:
    """`encryption` is the remote network's, shown where it is switched on."""
    stored = peering.properties
    properties: JsonObject = {
        "provisioningState": stored.get("provisioningState"),
        "resourceGuid": stored.get("resourceGuid"),
        "peeringState": stored.get("peeringState"),
        "peeringSyncLevel": level,
        "remoteVirtualNetwork": {"id": remote_id(stored)},
        **peering_flags(stored),
    }
    if gateways:
        properties["remoteGateways"] = [{"id": gateway} for gateway in gateways]
    synced = texts_in(object_in(stored, "remoteAddressSpace"), "addressPrefixes")
    properties["remoteAddressSpace"] = {"addressPrefixes": as_json(synced)}
    properties["remoteVirtualNetworkAddressSpace"] = {"addressPrefixes": as_json(list(remote_now))}
    if encryption and flag_in(encryption, "enabled"):
        properties["remoteVirtualNetworkEncryption"] = encryption
    properties["routeServiceVips"] = {}
    return {
        "name": peering.name,
        "id": peering.id.text,
        "etag": etag_of(network),
        "properties": properties,
        "type": PEERINGS,
    }


def subnet_document(subnet: Resource, network: Resource) -> JsonObject:
    defaults: JsonObject = {
        "ipamPoolPrefixAllocations": [],
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
    }
    state = subnet.properties.get("provisioningState")
    return {
        "name": subnet.name,
        "id": subnet.id.text,
        "etag": etag_of(network),
        "properties": {"provisioningState": state, **defaults, **subnet.properties},
        "type": SUBNETS,
    }


def network_document(
    network: Resource, subnets: Sequence[JsonObject], peerings: Sequence[JsonObject]
) -> JsonObject:
    document: JsonObject = {
        "name": network.name,
        "id": network.id.text,
        "etag": etag_of(network),
        "type": NETWORKS,
        "location": network.location,
    }
    for name in ("extendedLocation", "tags"):
        if name in network.body:
            document[name] = network.body[name]
    document["properties"] = {
        **network.properties,
        "subnets": list(subnets),
        "virtualNetworkPeerings": list(peerings),
    }
    return document


def simple_document(resource: Resource) -> JsonObject:
    """Any other resource of the network provider."""
    return {"name": resource.name, "id": resource.id.text, "type": resource.type, **resource.body}
