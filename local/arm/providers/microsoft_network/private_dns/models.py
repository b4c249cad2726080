"""The documents of private zones, links and record sets, in the field order of the recordings."""

import uuid

from local.arm.documents import JsonObject, copied, object_in, text_in
from local.arm.ids import ResourceId
from local.arm.store import Resource

ZONES = "Microsoft.Network/privateDnsZones"
LINKS = f"{ZONES}/virtualNetworkLinks"
LINK_COLLECTION = "virtualNetworkLinks"
# Record types and the property that holds their records; all but two hold a list.
RECORDS = {
    "A": "aRecords",
    "AAAA": "aaaaRecords",
    "CNAME": "cnameRecord",
    "MX": "mxRecords",
    "PTR": "ptrRecords",
    "SOA": "soaRecord",
    "SRV": "srvRecords",
    "TXT": "txtRecords",
}
SINGLE = ("CNAME", "SOA")
MOST_RECORD_SETS = 25_000
MOST_LINKS = 1_000
MOST_REGISTRATIONS = 100
_MOST: JsonObject = {
    "maxNumberOfRecordSets": MOST_RECORD_SETS,
    "maxNumberOfVirtualNetworkLinks": MOST_LINKS,
    "maxNumberOfVirtualNetworkLinksWithRegistration": MOST_REGISTRATIONS,
}
# What a new zone has, as recorded; the host and the serial number never change.
SOA: JsonObject = {
    "email": "azureprivatedns-host.microsoft.com",
    "expireTime": 2419200,
    "host": "azureprivatedns.net",
    "minimumTtl": 10,
    "refreshTime": 3600,
    "retryTime": 300,
    "serialNumber": 1,
}


def new_etag() -> str:
    """Of zones and record sets."""
    return str(uuid.uuid4())


def new_link_etag() -> str:
    """Links are kept in another store: its etags are quoted, as in `"2a05ab71-0000-0100-0000-672e85300000"`."""
    drawn = uuid.uuid4().hex
    return f'"{drawn[:8]}-0000-0100-0000-{drawn[8:16]}0000"'


def record_type(resource: ResourceId) -> str:
    """The type of a record set's id in Azure's spelling: `a` is `A`."""
    return resource.types[-1].upper()


def fqdn(zone: str, name: str) -> str:
    """With the final dot; `@` stands for the zone itself."""
    return f"{zone}." if name == "@" else f"{name}.{zone}."


def network_of(link: Resource) -> str:
    """The id of the linked network."""
    return text_in(object_in(link.properties, "virtualNetwork"), "id") or ""


def zone_document(zone: Resource, *, records: int, links: int, registrations: int) -> JsonObject:
    return {
        **_head(zone),
        **_envelope(zone),
        "properties": {
            **_MOST,
            "numberOfRecordSets": records,
            "numberOfVirtualNetworkLinks": links,
            "numberOfVirtualNetworkLinksWithRegistration": registrations,
            "provisioningState": zone.properties.get("provisioningState"),
        },
    }


def link_document(link: Resource) -> JsonObject:
    return {**_head(link), **_envelope(link), "properties": copied(link.properties)}


def record_set_document(record_set: Resource) -> JsonObject:
    return {**_head(record_set), "properties": copied(record_set.properties)}


def _head(resource: Resource) -> JsonObject:
    return {
        "id": resource.id.text,
        "name": resource.name,
        "type": resource.type,
        "etag": resource.body.get("etag"),
    }


def _envelope(resource: Resource) -> JsonObject:
    return {name: copied(resource.body[name]) for name in ("location", "tags") if name in resource.body}
