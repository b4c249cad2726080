"""What happens to virtual networks."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, as_json, copied, object_in, objects_in, tags_in
from local.arm.errors import ArmError, NetworkError, resource_not_found
from local.arm.ids import ResourceId
from local.arm.operations import Effects, LongOperation
from local.arm.placement import place
from local.arm.providers.microsoft_network.address_space import inside, overlap, overlapping, parsed
from local.arm.providers.microsoft_network.answers import REMOVE, SETTLE
from local.arm.providers.microsoft_network.contention import check_owner_free
from local.arm.providers.microsoft_network.models import (
    NETWORKS,
    etag_of,
    network_document,
    new_etag,
    prefixes_of,
    subnet_prefixes,
)
from local.arm.providers.microsoft_network.peerings import Peerings
from local.arm.providers.microsoft_network.preconditions import (
    Change,
    check_etag,
    check_name,
    encryption,
    outside,
    unchanged,
)
from local.arm.providers.microsoft_network.subnets import Subnets
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource


@dataclass(frozen=True, slots=True)
class Networks:
    manager: ResourceManager
    subnets: Subnets
    peerings: Peerings

    def register(self) -> None:
        operations = self.manager.operations
        operations.register(
            SETTLE, Effects(lambda done: self._settle(done, "Succeeded"), self._settle_failed)
        )
        operations.register(REMOVE, Effects(self._remove, lambda done: self._settle(done, "Succeeded")))
        self.manager.on_removal(NETWORKS, self.peerings.network_gone, self.subnets.users_of_network)

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
            [self.subnets.document(subnet) for subnet in subnets],
            [self.peerings.document(peering) for peering in peerings],
        )

    def put(self, network: ResourceId, body: JsonObject, if_match: str | None, *, version: str) -> Change:
        store = self.manager.store
        group = store.group_for_writing(network.subscription, network.group or "")
        network = network.spelled(group.name, NETWORKS)
        check_name(network)
        existing = store.find(network.text)
        check_etag(if_match, existing, network)
        check_owner_free(self.manager.operations, network)
        stored = self._composed(network, body, existing)
        if existing is None:
            self._check_count(stored)
        self._check_space(stored, existing)
        before = self.document(existing) if existing else None
        given = object_in(body, "properties")
        subnets = objects_in(given, "subnets") if "subnets" in given else None
        if subnets is not None:
            self.subnets.check_replacement(stored, subnets)
        store.put(stored)
        # Left out, the peerings stay: only a list that is there is taken at its word.
        if "virtualNetworkPeerings" in given:
            self._replace_peerings(stored, objects_in(given, "virtualNetworkPeerings"), existing)
        if subnets is not None:
            self.subnets.replace(stored, subnets, version)
        after = self.document(stored)
        settled = before is not None and unchanged(
            {"properties": before["properties"]}, {"properties": after["properties"]}
        )
        if not settled:
            for resource in (stored, *store.children(stored.id, "subnets")):
                resource.properties["provisioningState"] = "Updating"
        if after != before:
            stored.body["etag"] = new_etag()
        return Change(stored, existing is None, settled)

    def _replace_peerings(
        self, network: Resource, wanted: Sequence[JsonObject], existing: Resource | None
    ) -> None:
        """A peering that is refused refuses the whole network: what was there before is there again."""
        try:
            self.peerings.replace(network, wanted)
        except ArmError:
            if existing is None:
                self.manager.remove(network.key)
            else:
                self.manager.store.put(existing)
            raise

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
        check_owner_free(self.manager.operations, network)
        for subnet in self.manager.store.children(network, "subnets"):
            self.subnets.check_unused(subnet)
        found.properties["provisioningState"] = "Deleting"
        return found

    def _composed(self, network: ResourceId, body: JsonObject, existing: Resource | None) -> Resource:
        kept: JsonObject = {
            name: copied(body[name]) for name in ("location", "tags", "extendedLocation") if name in body
        }
        place(network, kept, existing, needed=True)
        tag_rules.check(tags_in(kept))
        given = object_in(body, "properties")
        own = ("subnets", "virtualNetworkPeerings", "provisioningState", "resourceGuid")
        passed: JsonObject = {name: copied(value) for name, value in given.items() if name not in own}
        if "dhcpOptions" in passed:
            passed["dhcpOptions"] = {"dnsServers": [], **object_in(passed, "dhcpOptions")}
        if "encryption" in passed:
            passed["encryption"] = encryption(network, object_in(passed, "encryption"))
        previous = existing.properties if existing else {}
        kept["etag"] = etag_of(existing) if existing else new_etag()
        kept["properties"] = {
            "provisioningState": previous.get("provisioningState", "Updating"),
            "resourceGuid": previous.get("resourceGuid", str(uuid.uuid4())),
            "addressSpace": {"addressPrefixes": []},
            "privateEndpointVNetPolicies": "Disabled",
            "enableDdosProtection": False,
            "enableVmProtection": False,
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
                    "NetcfgOverlappingAddressPrefixes",  # (inferred)
                    f"Virtual network {network.id.text} has address prefixes that overlap: {prefixes[index]}.",
                )
        for subnet in self.manager.store.children(network.id, "subnets") if existing else []:
            for prefix in subnet_prefixes(subnet.properties):
                if not inside(parsed(prefix, subnet.id.text), spaces):
                    raise outside(subnet.name, network.name)
        self._check_neighbours(network)

    def _check_count(self, network: Resource) -> None:
        most = self.manager.ceilings.networks
        prefix = f"/subscriptions/{network.id.subscription}/".lower()
        alike = (
            other
            for other in self.manager.store.of_type(NETWORKS)
            if other.location == network.location and other.key.startswith(prefix)
        )
        if sum(1 for _ in alike) >= most:
            raise NetworkError(  # (inferred)
                400,
                "VnetCountLimitReached",
                f"Cannot create more than {most} virtual networks for this subscription in this region.",
            )

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

    def _settle_failed(self, operation: LongOperation) -> None:
        self._settle(operation, "Failed")

    def _settle(self, operation: LongOperation, state: str) -> None:
        resource = self.manager.store.find(operation.target)
        if resource is None:
            return
        resource.properties["provisioningState"] = state
        # Subnets and rules go with what they are in; a peering has a state of its own.
        for name in ("subnets", "securityRules", "routes", "serviceEndpointPolicyDefinitions"):
            for child in self.manager.store.children(resource.id, name):
                child.properties["provisioningState"] = state
        owner = self.manager.store.find(resource.id.parent.text) if resource.id.parent else resource
        if owner is not None and "etag" in owner.body:
            owner.body["etag"] = new_etag()

    def _remove(self, operation: LongOperation) -> None:
        removed = self.manager.remove(operation.target)
        owner = removed.id.parent if removed else None
        network = self.manager.store.find(owner.text) if owner else None
        if network is not None:
            network.body["etag"] = new_etag()
