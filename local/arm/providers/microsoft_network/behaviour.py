"""What happens to virtual networks and subnets."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, as_json, copied, object_in, objects_in, tags_in, text_in
from local.arm.errors import ArmError, NetworkError, network_child_not_found, resource_not_found
from local.arm.ids import ResourceId
from local.arm.manager import ResourceManager
from local.arm.operations import Effects, LongOperation
from local.arm.placement import check_parent, place
from local.arm.providers.microsoft_network.address_space import inside, overlap, overlapping, parsed
from local.arm.providers.microsoft_network.contention import check_network_free
from local.arm.providers.microsoft_network.models import (
    NETWORKS,
    SUBNETS,
    etag_of,
    network_document,
    new_etag,
    prefixes_of,
    subnet_document,
    subnet_prefixes,
)
from local.arm.providers.microsoft_network.peerings import Peerings
from local.arm.store import Resource

SETTLE = "network-settle"
REMOVE = "network-remove"
_NAME = re.compile(r"\w([\w.\-]{0,78}\w)?")
_USERS_OF_SUBNETS = (
    "networkInterfaces",
    "privateEndpoints",
    "virtualNetworkGateways",
    "bastionHosts",
    "azureFirewalls",
    "applicationGateways",
)


@dataclass(frozen=True, slots=True)
class Change:
    """A stored write: `settled` when the network itself is as before, which Azure answers as Succeeded at once."""

    resource: Resource
    created: bool
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Networks:
    manager: ResourceManager
    peerings: Peerings

    def register(self) -> None:
        operations = self.manager.operations
        operations.register(
            SETTLE, Effects(lambda done: self._settle(done, "Succeeded"), self._settle_failed)
        )
        operations.register(REMOVE, Effects(self._remove, lambda done: self._settle(done, "Succeeded")))
        self.manager.on_removal(NETWORKS, self.peerings.network_gone, self._users_of_network)

    def get(self, network: ResourceId) -> Resource:
        self.manager.store.group(network.subscription, network.group or "")
        found = self.manager.store.find(network.text)
        if found is None:
            raise resource_not_found(network)
        return found

    def document(self, network: Resource) -> JsonObject:
        """The network with its subnets and peerings inline."""
        subnets = self.manager.store.children(network.id, "subnets")
        peerings = self.manager.store.children(network.id, "virtualNetworkPeerings")
        return network_document(
            network,
            [subnet_document(subnet, network) for subnet in subnets],
            [self.peerings.document(peering) for peering in peerings],
        )

    def put(self, network: ResourceId, body: JsonObject, if_match: str | None) -> Change:
        store = self.manager.store
        group = store.group_for_writing(network.subscription, network.group or "")
        network = network.spelled(group.name, NETWORKS)
        check_name(network)
        existing = store.find(network.text)
        check_etag(if_match, existing, network)
        check_network_free(self.manager.operations, network)
        stored = self._composed(network, body, existing)
        self._check_space(stored, existing)
        before = self.document(existing) if existing else None
        subnets = objects_in(object_in(body, "properties"), "subnets")
        if "subnets" in object_in(body, "properties"):
            self._check_subnets(stored, subnets)
        store.put(stored)
        if "subnets" in object_in(body, "properties"):
            self._replace_subnets(stored, subnets)
        # Left out, the peerings stay: only a list that is there is taken at its word.
        if "virtualNetworkPeerings" in object_in(body, "properties"):
            self.peerings.replace(stored, objects_in(object_in(body, "properties"), "virtualNetworkPeerings"))
        after = self.document(stored)
        settled = before is not None and after["properties"] == before["properties"]
        if not settled:
            for resource in (stored, *store.children(stored.id, "subnets")):
                resource.properties["provisioningState"] = "Updating"
        if after != before:
            stored.body["etag"] = new_etag()
        return Change(stored, existing is None, settled)

    def patch_tags(self, network: ResourceId, body: JsonObject) -> Resource:
        found = self.get(network)
        self.manager.store.group_for_writing(network.subscription, network.group or "")
        tags = tags_in(body)
        tag_rules.check(tags)
        found.body["tags"] = as_json(dict(tags))
        found.body["etag"] = new_etag()
        return found

    def delete(self, network: ResourceId) -> Resource | None:
        """Mark for deletion; None where there is nothing."""
        self.manager.store.group_for_writing(network.subscription, network.group or "")
        found = self.manager.store.find(network.text)
        if found is None:
            return None
        check_network_free(self.manager.operations, network)
        for subnet in self.manager.store.children(network, "subnets"):
            self._check_subnet_unused(subnet)
        found.properties["provisioningState"] = "Deleting"
        return found

    def get_subnet(self, subnet: ResourceId) -> Resource:
        self.manager.store.group(subnet.subscription, subnet.group or "")
        check_parent(subnet, self.manager.store, "read")
        found = self.manager.store.find(subnet.text)
        if found is None:
            raise network_child_not_found(subnet)
        return found

    def put_subnet(self, subnet: ResourceId, body: JsonObject, if_match: str | None) -> Change:
        store = self.manager.store
        group = store.group_for_writing(subnet.subscription, subnet.group or "")
        subnet = subnet.spelled(group.name, SUBNETS)
        check_parent(subnet, store, "write")
        check_name(subnet)
        network = self.network_of(subnet)
        existing = store.find(subnet.text)
        check_etag(if_match, network if existing else None, subnet)
        check_network_free(self.manager.operations, network.id)
        properties = copied(object_in(body, "properties"))
        others = [item for item in store.children(network.id, "subnets") if item.key != subnet.key]
        self._check_subnets(
            network, [_named(item) for item in others] + [{"name": subnet.name, "properties": properties}]
        )
        before = subnet_document(existing, network) if existing else None
        stored = self._stored_subnet(network, subnet.name, properties, existing)
        store.put(stored)
        settled = before is not None and subnet_document(stored, network) == before
        if not settled:
            stored.properties["provisioningState"] = "Updating"
            network.body["etag"] = new_etag()
        return Change(stored, existing is None, settled)

    def delete_subnet(self, subnet: ResourceId) -> Resource | None:
        self.manager.store.group_for_writing(subnet.subscription, subnet.group or "")
        found = self.manager.store.find(subnet.text)
        if found is None:
            return None
        check_network_free(self.manager.operations, self.network_of(subnet).id)
        self._check_subnet_unused(found)
        found.properties["provisioningState"] = "Deleting"
        return found

    def network_of(self, child: ResourceId) -> Resource:
        parent = child.parent
        found = self.manager.store.find(parent.text) if parent else None
        if found is None:
            raise network_child_not_found(child)
        return found

    def begin(self, name: str, resource: Resource, effect: str, retry_after: int) -> LongOperation:
        """Start the long operation of a write; subnets and peerings run where their network is."""
        location = resource.location or self.network_of(resource.id).location
        return self.manager.operations.start(
            name=name,
            subscription=resource.id.subscription,
            location=location,
            target=resource.id.text,
            effect=effect,
            retry_after=retry_after,
        )

    def _composed(self, network: ResourceId, body: JsonObject, existing: Resource | None) -> Resource:
        kept: JsonObject = {
            name: copied(body[name]) for name in ("location", "tags", "extendedLocation") if name in body
        }
        place(network, kept, existing, needed=True)
        tag_rules.check(tags_in(kept))
        given = object_in(body, "properties")
        own = ("subnets", "virtualNetworkPeerings", "provisioningState", "resourceGuid")
        passed: JsonObject = {name: copied(value) for name, value in given.items() if name not in own}
        previous = existing.properties if existing else {}
        kept["etag"] = etag_of(existing) if existing else new_etag()
        kept["properties"] = {
            "provisioningState": previous.get("provisioningState", "Updating"),
            "resourceGuid": previous.get("resourceGuid", str(uuid.uuid4())),
            "addressSpace": {"addressPrefixes": []},
            "privateEndpointVNetPolicies": "Disabled",
            "enableDdosProtection": False,
            **passed,
        }
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else network,
            type=NETWORKS,
            body=kept,
            created=existing.created if existing else now,
            changed=now,
        )

    def _check_space(self, network: Resource, existing: Resource | None) -> None:
        prefixes = prefixes_of(network)
        if not prefixes:
            raise NetworkError(
                400, "InvalidRequestFormat", f"Address space of virtual network {network.id.text} is missing."
            )
        spaces = [parsed(prefix, network.id.text) for prefix in prefixes]
        for index, space in enumerate(spaces):
            if any(overlap(space, other) for other in spaces[:index]):
                raise NetworkError(
                    400,
                    "NetcfgOverlappingAddressPrefixes",
                    f"Virtual network {network.id.text} has address prefixes that overlap: {prefixes[index]}.",
                )
        for subnet in self.manager.store.children(network.id, "subnets") if existing else []:
            for prefix in subnet_prefixes(subnet.properties):
                if not inside(parsed(prefix, subnet.id.text), spaces):
                    raise _outside(subnet.name, network.name)
        self._check_neighbours(network)

    def _check_neighbours(self, network: Resource) -> None:
        """A network that is peered may grow, but not into its neighbours."""
        for neighbour, prefixes in self.peerings.neighbours(network.id):
            shared = overlapping(prefixes_of(network), prefixes)
            if shared:
                raise NetworkError(
                    400,
                    "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
                    f"Cannot update virtual network {network.id.text} because its address space overlaps with address "
                    f"space of virtual network {neighbour} already peered with it. Overlapping address prefixes: "
                    f"{', '.join(shared)}.",
                )

    def _check_subnets(self, network: Resource, subnets: Sequence[JsonObject]) -> None:
        spaces = [parsed(prefix, network.id.text) for prefix in prefixes_of(network)]
        taken: list[tuple[str, str]] = []
        for subnet in subnets:
            name = text_in(subnet, "name") or ""
            for prefix in subnet_prefixes(object_in(subnet, "properties")):
                range_ = parsed(prefix, f"{network.id.text}/subnets/{name}")
                if not inside(range_, spaces):
                    raise _outside(name, network.name)
                if any(overlapping([prefix], [other]) for other, _ in taken):
                    raise NetworkError(
                        400,
                        "NetcfgSubnetRangesOverlap",
                        f"Subnet '{name}' is not valid because its IP address range overlaps with that of an existing "
                        f"subnet in virtual network '{network.name}'.",
                    )
                taken.append((prefix, name))

    def _replace_subnets(self, network: Resource, subnets: Sequence[JsonObject]) -> None:
        store = self.manager.store
        named = {(text_in(subnet, "name") or "").lower(): subnet for subnet in subnets}
        for existing in store.children(network.id, "subnets"):
            if existing.name.lower() not in named:
                self._check_subnet_unused(existing)
                store.remove(existing.key)
        for subnet in subnets:
            name = text_in(subnet, "name") or ""
            found = store.find(f"{network.id.text}/subnets/{name}")
            store.put(self._stored_subnet(network, name, copied(object_in(subnet, "properties")), found))

    def _stored_subnet(
        self, network: Resource, name: str, properties: JsonObject, existing: Resource | None
    ) -> Resource:
        properties["provisioningState"] = existing.properties["provisioningState"] if existing else "Updating"
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else network.id.child("subnets", name),
            type=SUBNETS,
            body={"properties": properties},
            created=existing.created if existing else now,
            changed=now,
        )

    def _check_subnet_unused(self, subnet: Resource) -> None:
        users = self._users_of_subnet(subnet)
        if users:
            raise NetworkError(
                400,
                "InUseSubnetCannotBeDeleted",
                f"Subnet {subnet.name} is in use by {users[0]} and cannot be deleted. In order to delete the subnet, "
                "delete all the resources within the subnet. See aka.ms/deletesubnet.",
            )

    def _users_of_network(self, network: Resource) -> list[str]:
        subnets = self.manager.store.children(network.id, "subnets")
        return [user for subnet in subnets for user in self._users_of_subnet(subnet)]

    def _users_of_subnet(self, subnet: Resource) -> list[str]:
        candidates = (
            item
            for type_ in _USERS_OF_SUBNETS
            for item in self.manager.store.of_type(f"Microsoft.Network/{type_}")
        )
        return [item.id.text for item in candidates if subnet.key in _subnets_of(item)]

    def _settle_failed(self, operation: LongOperation) -> None:
        self._settle(operation, "Failed")

    def _settle(self, operation: LongOperation, state: str) -> None:
        resource = self.manager.store.find(operation.target)
        if resource is None:
            return
        resource.properties["provisioningState"] = state
        if resource.type == NETWORKS:
            for subnet in self.manager.store.children(resource.id, "subnets"):
                subnet.properties["provisioningState"] = state
        owner = self.manager.store.find(resource.id.parent.text) if resource.id.parent else resource
        if owner is not None and "etag" in owner.body:
            owner.body["etag"] = new_etag()

    def _remove(self, operation: LongOperation) -> None:
        removed = self.manager.remove(operation.target)
        owner = removed.id.parent if removed else None
        network = self.manager.store.find(owner.text) if owner else None
        if network is not None:
            network.body["etag"] = new_etag()


def check_name(resource: ResourceId) -> None:
    if _NAME.fullmatch(resource.name) is None:
        raise NetworkError(
            400,
            "InvalidResourceName",
            f"Resource name {resource.name} is invalid. The name can be up to 80 characters long. It must begin with "
            "a word character, and it must end with a word character or with '_'. The name may contain word characters "
            "or '.', '-', '_'.",
        )


def check_etag(if_match: str | None, existing: Resource | None, resource: ResourceId) -> None:
    """`If-Match` guards an update; `existing` is what carries the etag."""
    if if_match is None or existing is None or if_match in ("*", etag_of(existing)):
        return
    raise NetworkError(
        412,
        "PreconditionFailed",
        f"Precondition failed. Etag provided in if-match header {if_match} does not match etag {etag_of(existing)} of "
        f"resource {resource.text} in NRP data store.",
    )


def _named(subnet: Resource) -> JsonObject:
    return {"name": subnet.name, "properties": subnet.properties}


def _outside(subnet: str, network: str) -> ArmError:
    return NetworkError(
        400,
        "NetcfgSubnetRangeOutsideVnet",
        f"Subnet '{subnet}' is not valid because its IP address range is outside the IP address range of virtual "
        f"network '{network}'.",
    )


def _subnets_of(resource: Resource) -> set[str]:
    """The subnets that a resource names, directly or in its IP configurations, in lower case."""
    holders = [resource.properties]
    for list_name in ("ipConfigurations", "gatewayIPConfigurations"):
        holders += [object_in(item, "properties") for item in objects_in(resource.properties, list_name)]
    ids = (text_in(object_in(holder, "subnet"), "id") for holder in holders)
    return {identifier.lower() for identifier in ids if identifier}
