"""Requests to private DNS."""

from local.arm.providers.microsoft_network.private_dns.links import Links
from local.arm.providers.microsoft_network.private_dns.models import RECORDS
from local.arm.providers.microsoft_network.private_dns.operations import DnsOperations
from local.arm.providers.microsoft_network.private_dns.record_sets import RecordSets
from local.arm.providers.microsoft_network.private_dns.zones import Zones
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager) -> RecordSets:
    """What it gives back writes the records of private endpoints."""
    operations = DnsOperations(manager)
    operations.register()
    zones = Zones(manager, operations)
    links = Links(manager, operations, zones)
    links.register()
    records = RecordSets(manager, zones)
    provider = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    zone = provider + "/privateDnsZones/{zone}"
    link = zone + "/virtualNetworkLinks/{link}"
    for method, pattern, handler in (
        ("GET", provider + "/privateDnsOperationStatuses/{operation}", operations.status),
        ("GET", provider + "/privateDnsOperationResults/{operation}", operations.result),
        ("GET", "/subscriptions/{subscription}/providers/Microsoft.Network/privateDnsZones", zones.list),
        ("GET", provider + "/privateDnsZones", zones.list),
        ("GET", zone, zones.get),
        ("PUT", zone, zones.put),
        ("PATCH", zone, zones.patch),
        ("DELETE", zone, zones.delete),
        ("GET", zone + "/virtualNetworkLinks", links.list),
        ("GET", link, links.get),
        ("PUT", link, links.put),
        ("PATCH", link, links.patch),
        ("DELETE", link, links.delete),
        ("GET", zone + "/ALL", records.list_all),
    ):
        router.add(method, pattern, handler)
    for type_ in RECORDS:
        record_set = f"{zone}/{type_}/{{name}}"
        router.add("GET", f"{zone}/{type_}", records.list_type)
        router.add("GET", record_set, records.get)
        router.add("PUT", record_set, records.put)
        router.add("PATCH", record_set, records.patch)
        router.add("DELETE", record_set, records.delete)
    return records
