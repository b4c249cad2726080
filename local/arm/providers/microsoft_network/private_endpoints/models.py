"""The documents of private endpoints, their zone groups and interfaces, in the field order of the recordings."""

import uuid
from collections.abc import Sequence

from local.arm.documents import Json, JsonObject, copied, object_in, objects_in, text_in, texts_in
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_network.models import etag_of, new_etag
from local.arm.store import Resource

ENDPOINTS = "Microsoft.Network/privateEndpoints"
ZONE_GROUPS = f"{ENDPOINTS}/privateDnsZoneGroups"
ZONE_GROUP_COLLECTION = "privateDnsZoneGroups"
INTERFACES = "Microsoft.Network/networkInterfaces"
# Approved by whoever makes the endpoint, and waiting for the other side to approve.
CONNECTIONS = "privateLinkServiceConnections"
MANUAL_CONNECTIONS = "manualPrivateLinkServiceConnections"
RECORD_TTL = 10


def connections_of(endpoint: Resource) -> list[JsonObject]:
    """The properties of an endpoint's connections; there is one."""
    lists = (CONNECTIONS, MANUAL_CONNECTIONS)
    return [object_in(item, "properties") for name in lists for item in objects_in(endpoint.properties, name)]


def target_id(connection: JsonObject) -> str:
    return text_in(connection, "privateLinkServiceId") or ""


def group_id(connection: JsonObject) -> str:
    return next(iter(texts_in(connection, "groupIds")), "")


def state_of(connection: JsonObject) -> JsonObject:
    return object_in(connection, "privateLinkServiceConnectionState")


def subnet_id(endpoint: Resource) -> str:
    return text_in(object_in(endpoint.properties, "subnet"), "id") or ""


def endpoint_document(endpoint: Resource, *, in_zones: bool) -> JsonObject:
    """`in_zones`: the names are in private zones, and are not the caller's business any more."""
    properties = copied(endpoint.properties)
    for name in (CONNECTIONS, MANUAL_CONNECTIONS):
        properties[name] = [_connection(endpoint, name, item) for item in objects_in(properties, name)]
    if in_zones:
        properties["customDnsConfigs"] = []
    # One said so in versions of 2024, the other does since.
    properties |= {"isIPv6EnabledPrivateEndpoint": False, "ipVersionType": "IPv4"}
    return {**_head(endpoint), "properties": properties}


def zone_group_document(group: Resource) -> JsonObject:
    etag, state = etag_of(group), group.properties.get("provisioningState")
    configurations: list[Json] = [
        {
            "name": item.get("name"),
            "id": f"{group.id.text}/privateDnsZoneConfigs/{text_in(item, 'name')}",
            "etag": etag,
            "type": f"{ZONE_GROUPS}/privateDnsZoneConfigs",
            "properties": {"provisioningState": state, **object_in(item, "properties")},
        }
        for item in objects_in(group.properties, "privateDnsZoneConfigs")
    ]
    return {
        **_head(group),
        "properties": {"provisioningState": state, "privateDnsZoneConfigs": configurations},
    }


def interface(
    endpoint: ResourceId, identifier: ResourceId, location: str, configurations: Sequence[JsonObject]
) -> Resource:
    """The network interface of an endpoint; whoever reads it sees that the endpoint manages it."""
    etag = new_etag()
    listed: list[Json] = [
        {**item, "id": f"{identifier.text}/ipConfigurations/{text_in(item, 'name')}", "etag": etag}
        for item in configurations
    ]
    properties: JsonObject = {
        "provisioningState": "Succeeded",
        "resourceGuid": str(uuid.uuid4()),
        "ipConfigurations": listed,
        "dnsSettings": {
            "dnsServers": [],
            "appliedDnsServers": [],
            "internalDomainNameSuffix": "local.xx.internal.cloudapp.net",
        },
        "macAddress": "",
        "enableAcceleratedNetworking": False,
        "vnetEncryptionSupported": False,
        "enableIPForwarding": False,
        "hostedWorkloads": [],
        "tapConfigurations": [],
        "nicType": "Standard",
        "allowPort25Out": True,
        "auxiliaryMode": "None",
    }
    body: JsonObject = {
        "etag": etag,
        "properties": properties,
        "location": location,
        "managedBy": endpoint.text,
        "kind": "Regular",
    }
    return Resource(id=identifier, type=INTERFACES, body=body)


def _connection(endpoint: Resource, list_name: str, item: JsonObject) -> JsonObject:
    return {
        "name": item.get("name"),
        "id": f"{endpoint.id.text}/{list_name}/{text_in(item, 'name')}",
        "etag": etag_of(endpoint),
        "properties": object_in(item, "properties"),
        "type": f"{ENDPOINTS}/{list_name}",
    }


def _head(resource: Resource) -> JsonObject:
    document: JsonObject = {
        "name": resource.name,
        "id": resource.id.text,
        "etag": etag_of(resource),
        "type": resource.type,
    }
    for name in ("location", "extendedLocation", "tags"):
        if name in resource.body:
            document[name] = copied(resource.body[name])
    return document
