"""The network interface of a private endpoint: one address for each member of what it connects to."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from local.arm.documents import JsonObject, as_json, object_in, objects_in, text_in, texts_in
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_network.models import subnet_prefixes
from local.arm.providers.microsoft_network.private_addresses import next_free, used_in
from local.arm.providers.microsoft_network.private_endpoints.errors import (
    address_outside,
    address_taken,
    subnet_full,
)
from local.arm.providers.microsoft_network.private_endpoints.models import INTERFACES, interface
from local.arm.providers.private_link_targets.table import Group, Member
from local.arm.store import Resource, Store


@dataclass(frozen=True, slots=True)
class Name:
    """A public name that an endpoint answers for, and the address it has there."""

    group: str
    fqdn: str
    address: str


def make(
    store: Store, endpoint: ResourceId, body: JsonObject, subnet: Resource, group: Group | None, location: str
) -> Resource:
    """Take addresses out of the subnet's free space, or those that the request asks for."""
    properties = object_in(body, "properties")
    name = text_in(properties, "customNetworkInterfaceName") or f"{endpoint.name}.nic.{uuid.uuid4()}"
    identifier = ResourceId.parse(f"{endpoint.scope}/providers/{INTERFACES}/{name}")
    assert identifier is not None
    members = group.members if group else (Member("", ()),)
    addresses = _addresses(
        store, endpoint, subnet, members, asked=_asked(objects_in(properties, "ipConfigurations"))
    )
    configurations = [
        _configuration(subnet, group, member, address, primary=index == 0)
        for index, (member, address) in enumerate(zip(members, addresses, strict=True))
    ]
    return interface(endpoint, identifier, location, configurations)


def names_of(found: Resource) -> list[Name]:
    """What an interface answers for."""
    return [
        Name(text_in(link, "groupId") or "", fqdn, text_in(properties, "privateIPAddress") or "")
        for item in objects_in(found.properties, "ipConfigurations")
        for properties in [object_in(item, "properties")]
        for link in [object_in(properties, "privateLinkConnectionProperties")]
        for fqdn in texts_in(link, "fqdns")
    ]


def _asked(configurations: Sequence[JsonObject]) -> dict[str, str]:
    """The static addresses of a request, by member."""
    return {
        text_in(properties, "memberName") or "": text_in(properties, "privateIPAddress") or ""
        for item in configurations
        for properties in [object_in(item, "properties")]
    }


def _addresses(
    store: Store, endpoint: ResourceId, subnet: Resource, members: Sequence[Member], *, asked: dict[str, str]
) -> list[str]:
    used = used_in(store, subnet)
    addresses: list[str] = []
    for member in members:
        static = asked.get(member.name)
        if static:
            _check_static(endpoint, subnet, static, used)
        address = static or next_free(subnet, used)
        if not address:
            prefix = ", ".join(subnet_prefixes(subnet.properties))
            raise subnet_full(subnet.name, prefix, len(members))
        used.add(address)
        addresses.append(address)
    return addresses


def _check_static(endpoint: ResourceId, subnet: Resource, address: str, used: set[str]) -> None:
    try:
        inside = any(
            ip_address(address) in ip_network(prefix) for prefix in subnet_prefixes(subnet.properties)
        )
    except ValueError:
        inside = False
    if not inside:
        raise address_outside(endpoint, address, subnet.name)
    if address in used:
        raise address_taken(endpoint, address)


def _configuration(
    subnet: Resource, group: Group | None, member: Member, address: str, *, primary: bool
) -> JsonObject:
    properties: JsonObject = {
        "provisioningState": "Succeeded",
        "privateIPAddress": address,
        "privateIPAllocationMethod": "Dynamic",
        "subnet": {"id": subnet.id.text},
        "primary": primary,
        "privateIPAddressVersion": "IPv4",
    }
    if group is not None:
        properties["privateLinkConnectionProperties"] = {
            "groupId": group.id,
            "requiredMemberName": member.name,
            "fqdns": as_json(list(member.fqdns)),
        }
    return {
        "name": f"privateEndpointIpConfig.{uuid.uuid4()}",
        "type": f"{INTERFACES}/ipConfigurations",
        "properties": properties,
    }
