"""What happens to subnets, on their own and as part of their network."""

from collections.abc import Sequence
from dataclasses import dataclass

from local.arm.clock import timestamp
from local.arm.documents import JsonObject, copied, object_in, objects_in, text_in
from local.arm.errors import NetworkError, network_child_not_found
from local.arm.ids import ResourceId
from local.arm.placement import check_parent, check_parent_of_deleted
from local.arm.providers.microsoft_network.address_space import inside, overlapping, parsed
from local.arm.providers.microsoft_network.contention import check_owner_free
from local.arm.providers.microsoft_network.models import (
    SUBNETS,
    etag_of,
    new_etag,
    prefixes_of,
    subnet_document,
    subnet_prefixes,
)
from local.arm.providers.microsoft_network.preconditions import (
    Change,
    check_etag,
    check_name,
    outside,
    unchanged,
    unknown_reference,
)
from local.arm.providers.microsoft_network.subnet_links import (
    configurations_in,
    delegations_of,
    endpoints_of,
    spelled_endpoints,
)
from local.arm.providers.microsoft_network.versions import private_endpoint_policies
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

_WITH_CONFIGURATIONS = (
    "networkInterfaces",
    "virtualNetworkGateways",
    "bastionHosts",
    "azureFirewalls",
    "applicationGateways",
    "loadBalancers",
)
_ENDPOINTS = "privateEndpoints"
_REFERENCES = ("networkSecurityGroup", "routeTable", "natGateway")


@dataclass(frozen=True, slots=True)
class Subnets:
    manager: ResourceManager

    def get(self, subnet: ResourceId) -> Resource:
        self.manager.store.group(subnet.subscription, subnet.group or "")
        check_parent(subnet, self.manager.store, "read")
        found = self.manager.store.find(subnet.text)
        if found is None:
            raise network_child_not_found(subnet)
        return found

    def document(self, subnet: Resource) -> JsonObject:
        """The subnet with what uses it."""
        network = self.network_of(subnet.id)
        document = subnet_document(subnet, network)
        properties = object_in(document, "properties")
        candidates = (
            item
            for type_ in _WITH_CONFIGURATIONS
            for item in self.manager.store.of_type(f"Microsoft.Network/{type_}")
        )
        used = configurations_in(subnet, candidates)
        if used:
            properties["ipConfigurations"] = [*used]
        endpoints = self._endpoints_in(subnet)
        if endpoints:
            properties["privateEndpoints"] = [{"id": endpoint} for endpoint in endpoints]
        properties["delegations"] = [*delegations_of(subnet, etag_of(network))]
        if "serviceEndpoints" in properties:
            properties["serviceEndpoints"] = [*endpoints_of(subnet, network.location)]
        return document

    def put(self, subnet: ResourceId, body: JsonObject, if_match: str | None, *, version: str) -> Change:
        store = self.manager.store
        group = store.group_for_writing(subnet.subscription, subnet.group or "")
        subnet = subnet.spelled(group.name, SUBNETS)
        check_parent(subnet, store, "write")
        check_name(subnet)
        network = self.network_of(subnet)
        existing = store.find(subnet.text)
        check_etag(if_match, network if existing else None, subnet)
        check_owner_free(self.manager.operations, network.id)
        properties = copied(object_in(body, "properties"))
        others = [item for item in store.children(network.id, "subnets") if item.key != subnet.key]
        self.check(
            network, [_named(item) for item in others] + [{"name": subnet.name, "properties": properties}]
        )
        before = self.document(existing) if existing else None
        stored = self._stored(network, subnet.name, properties, existing, version)
        store.put(stored)
        settled = unchanged(before, self.document(stored))
        if not settled:
            stored.properties["provisioningState"] = "Updating"
            network.body["etag"] = new_etag()
        return Change(stored, existing is None, settled)

    def delete(self, subnet: ResourceId) -> Resource | None:
        self.manager.store.group_for_writing(subnet.subscription, subnet.group or "")
        check_parent_of_deleted(subnet, self.manager.store)
        found = self.manager.store.find(subnet.text)
        if found is None:
            return None
        check_owner_free(self.manager.operations, self.network_of(subnet).id)
        self.check_unused(found)
        found.properties["provisioningState"] = "Deleting"
        return found

    def network_of(self, child: ResourceId) -> Resource:
        parent = child.parent
        found = self.manager.store.find(parent.text) if parent else None
        if found is None:
            raise network_child_not_found(child)
        return found

    def check(self, network: Resource, subnets: Sequence[JsonObject]) -> None:
        spaces = [parsed(prefix, network.id.text) for prefix in prefixes_of(network)]
        taken: list[tuple[str, str]] = []
        for subnet in subnets:
            name = text_in(subnet, "name") or ""
            properties = object_in(subnet, "properties")
            if not subnet_prefixes(properties) and not properties.get("ipamPoolPrefixAllocations"):
                raise NetworkError(
                    400,
                    "AddressPrefixStringCannotBeNullOrEmpty",
                    f"Address prefix string for resource {network.id.text}/subnets/{name} cannot be null or empty.",
                )
            spelled_endpoints(objects_in(properties, "serviceEndpoints"), f"{network.id.text}/subnets/{name}")
            self._check_references(f"{network.id.text}/subnets/{name}", properties)
            for prefix in subnet_prefixes(properties):
                range_ = parsed(prefix, f"{network.id.text}/subnets/{name}")
                if not inside(range_, spaces):
                    raise outside(name, network.name)
                if any(overlapping([prefix], [other]) for other, _ in taken):
                    raise NetworkError(
                        400,
                        "NetcfgSubnetRangesOverlap",
                        f"Subnet '{name}' is not valid because its IP address range overlaps with that of an existing "
                        f"subnet in virtual network '{network.name}'.",
                    )
                taken.append((prefix, name))

    def _check_references(self, subnet: str, properties: JsonObject) -> None:
        for reference in _REFERENCES:
            identifier = text_in(object_in(properties, reference), "id")
            if identifier and self.manager.store.find(identifier) is None:
                raise unknown_reference(identifier, subnet)

    def check_replacement(self, network: Resource, subnets: Sequence[JsonObject]) -> None:
        """Whether the network may have exactly these subnets."""
        self.check(network, subnets)
        for leaving in self._leaving(network, subnets):
            self.check_unused(leaving)

    def replace(self, network: Resource, subnets: Sequence[JsonObject], version: str) -> None:
        store = self.manager.store
        for leaving in self._leaving(network, subnets):
            store.remove(leaving.key)
        for subnet in subnets:
            name = text_in(subnet, "name") or ""
            found = store.find(f"{network.id.text}/subnets/{name}")
            store.put(self._stored(network, name, copied(object_in(subnet, "properties")), found, version))

    def _leaving(self, network: Resource, subnets: Sequence[JsonObject]) -> list[Resource]:
        names = {(text_in(subnet, "name") or "").lower() for subnet in subnets}
        present = self.manager.store.children(network.id, "subnets")
        return [subnet for subnet in present if subnet.name.lower() not in names]

    def check_unused(self, subnet: Resource) -> None:
        users = self._users_of_subnet(subnet)
        if users:
            raise NetworkError(
                400,
                "InUseSubnetCannotBeDeleted",
                f"Subnet {subnet.name} is in use by {users[0]} and cannot be deleted. In order to delete the subnet, "
                "delete all the resources within the subnet. See aka.ms/deletesubnet.",
            )

    def users_of_network(self, network: Resource) -> list[str]:
        subnets = self.manager.store.children(network.id, "subnets")
        return [user for subnet in subnets for user in self._users_of_subnet(subnet)]

    def _stored(
        self,
        network: Resource,
        name: str,
        properties: JsonObject,
        existing: Resource | None,
        version: str,
    ) -> Resource:
        if "serviceEndpoints" in properties:
            given = objects_in(properties, "serviceEndpoints")
            properties["serviceEndpoints"] = [*spelled_endpoints(given, name)]
        properties.setdefault("privateEndpointNetworkPolicies", private_endpoint_policies(version))
        properties["provisioningState"] = existing.properties["provisioningState"] if existing else "Updating"
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else network.id.child("subnets", name),
            type=SUBNETS,
            body={"properties": properties},
            created=existing.created if existing else now,
            changed=now,
        )

    def _endpoints_in(self, subnet: Resource) -> list[str]:
        candidates = self.manager.store.of_type(f"Microsoft.Network/{_ENDPOINTS}")
        return [item.id.text for item in candidates if subnet.key in _subnets_of(item)]

    def _users_of_subnet(self, subnet: Resource) -> list[str]:
        candidates = (
            item
            for type_ in (*_WITH_CONFIGURATIONS, _ENDPOINTS)
            for item in self.manager.store.of_type(f"Microsoft.Network/{type_}")
        )
        return [item.id.text for item in candidates if subnet.key in _subnets_of(item)]


def _named(subnet: Resource) -> JsonObject:
    return {"name": subnet.name, "properties": subnet.properties}


def _subnets_of(resource: Resource) -> set[str]:
    """The subnets that a resource names, directly or in its IP configurations, in lower case."""
    holders = [resource.properties]
    for list_name in ("ipConfigurations", "gatewayIPConfigurations"):
        holders += [object_in(item, "properties") for item in objects_in(resource.properties, list_name)]
    ids = (text_in(object_in(holder, "subnet"), "id") for holder in holders)
    return {identifier.lower() for identifier in ids if identifier}
