"""Private addresses: which one of a subnet the next user gets."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from local.arm.documents import JsonObject, object_in, objects_in, text_in
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_network.models import subnet_prefixes
from local.arm.store import Resource, Store

# https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq: the first four of a subnet are Azure's.
_RESERVED = 4
_HOLDERS = ("networkInterfaces", "loadBalancers", "azureFirewalls", "applicationGateways")
_LISTS = ("ipConfigurations", "frontendIPConfigurations")


def assigned(store: Store, owner: ResourceId, parts: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """The parts with an address each: the one asked for, the one they had, or the next that is free."""
    before = {
        text_in(part, "name"): text_in(object_in(part, "properties"), "privateIPAddress")
        for part in _parts_of(store.find(owner.text))
    }
    taken: set[str] = set()
    for part in parts:
        properties = object_in(part, "properties")
        subnet = store.find(text_in(object_in(properties, "subnet"), "id") or "")
        if subnet is None:
            yield part
            continue
        address = text_in(properties, "privateIPAddress") or before.get(text_in(part, "name"))
        address = address or next_free(subnet, used_in(store, subnet) | taken)
        taken.add(address)
        yield {**part, "properties": {**properties, "privateIPAddress": address}}


def used_in(store: Store, subnet: Resource) -> set[str]:
    return {
        text_in(properties, "privateIPAddress") or ""
        for type_ in _HOLDERS
        for holder in store.of_type(f"Microsoft.Network/{type_}")
        for part in _parts_of(holder)
        for properties in [object_in(part, "properties")]
        if (text_in(object_in(properties, "subnet"), "id") or "").lower() == subnet.key
    }


def next_free(subnet: Resource, used: set[str]) -> str:
    """The lowest free address, empty where the subnet is full."""
    for prefix in subnet_prefixes(subnet.properties):
        hosts = ip_network(prefix, strict=False)
        for number in range(_RESERVED, min(hosts.num_addresses - 1, 65_536)):
            if str(hosts[number]) not in used:
                return str(hosts[number])
    return ""


def _parts_of(resource: Resource | None) -> list[JsonObject]:
    return [part for name in _LISTS for part in objects_in(resource.properties if resource else {}, name)]
