"""What happens to peerings, on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

from local.arm.clock import timestamp
from local.arm.documents import JsonObject, as_json, copied, flag_in, object_in, text_in
from local.arm.errors import network_child_not_found
from local.arm.ids import ResourceId
from local.arm.placement import check_parent
from local.arm.providers.microsoft_network import peering_rules
from local.arm.providers.microsoft_network.gateways import networks_of
from local.arm.providers.microsoft_network.models import (
    CONNECTED,
    DISCONNECTED,
    GATEWAYS,
    INITIATED,
    PEERINGS,
    Peering,
    new_etag,
    peering_document,
    peering_flags,
    peering_guid,
    prefixes_of,
    remote_id,
    sync_level,
)
from local.arm.providers.microsoft_network.peering_rules import Proposal, Side
from local.arm.providers.microsoft_network.preconditions import unknown_reference
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

_COLLECTION = "virtualNetworkPeerings"


@dataclass(frozen=True, slots=True)
class Peerings:
    manager: ResourceManager

    def register(self) -> None:
        self.manager.on_removal(PEERINGS, self._peering_gone)

    def get(self, peering: ResourceId) -> Resource:
        self.manager.store.group(peering.subscription, peering.group or "")
        check_parent(peering, self.manager.store, "read")
        found = self.manager.store.find(peering.text)
        if found is None:
            raise network_child_not_found(peering)
        return found

    def document(self, peering: Resource) -> JsonObject:
        network = self._network(peering.id)
        view = Peering.of(peering)
        remote = self.manager.store.find(view.remote)
        back = self._reciprocal(network, view.remote)
        remote_now = prefixes_of(remote) if remote else list(view.synced)
        level = sync_level(
            synced=view.synced,
            remote_now=remote_now,
            remote_synced=Peering.of(back).synced if back else None,
            local_now=prefixes_of(network),
        )
        gateways = self._gateways(view.remote) if view.use_remote_gateways else []
        return peering_document(
            peering,
            network,
            remote_now=remote_now,
            level=level,
            gateways=gateways,
            encryption=object_in(remote.properties, "encryption") if remote else None,
        )

    def put(self, peering: ResourceId, body: JsonObject, *, sync: bool) -> tuple[Resource, bool]:
        """Create or update one side; whether it is new. `sync` takes over the remote's present address space."""
        network = self._network(peering)
        properties = object_in(body, "properties")
        remote = self.remote_of(peering, properties)
        existing = self.manager.store.find(peering.text)
        back = self._reciprocal(network, remote.id.text)
        peering_rules.check(self._proposal(peering, properties, network, remote, existing, back))
        stored = self._stored(peering, properties, network, remote, existing)
        if sync or existing is None or Peering.of(existing).state == DISCONNECTED:
            stored.properties["remoteAddressSpace"] = {"addressPrefixes": as_json(prefixes_of(remote))}
        stored.properties["peeringState"] = CONNECTED if back else INITIATED
        self.manager.store.put(stored)
        if back is not None and back.properties["peeringState"] != CONNECTED:
            # The other side becomes Connected at once, and its network gets a new etag.
            back.properties["peeringState"] = CONNECTED
            remote.body["etag"] = new_etag()
        return stored, existing is None

    def remote_of(self, peering: ResourceId, properties: JsonObject) -> Resource:
        """The remote network that a peering names, which must exist."""
        identifier = remote_id(properties)
        found = self.manager.store.find(identifier) if identifier else None
        if found is None:
            raise unknown_reference(identifier, peering.text)
        return found

    def replace(self, network: Resource, wanted: Sequence[JsonObject]) -> None:
        """Make the peerings of a network those of a list in its own PUT; those that stay the same are left alone."""
        names = {(text_in(item, "name") or "").lower() for item in wanted}
        for existing in self.manager.store.children(network.id, _COLLECTION):
            if existing.name.lower() not in names:
                self.manager.remove(existing.key)
        for item in wanted:
            identifier = network.id.child(_COLLECTION, text_in(item, "name") or "")
            if self._same(self.manager.store.find(identifier.text), object_in(item, "properties")):
                continue
            stored, _ = self.put(identifier, item, sync=False)
            stored.properties["provisioningState"] = "Succeeded"

    def neighbours(self, network: ResourceId) -> list[tuple[str, Sequence[str]]]:
        """The networks that a network is peered with, and their address spaces as far as they are known.

        A peering to a network that no longer exists counts with what it last knew: it still blocks.
        """
        found: list[tuple[str, Sequence[str]]] = []
        for peering in self.manager.store.children(network, _COLLECTION):
            view = Peering.of(peering)
            remote = self.manager.store.find(view.remote)
            found.append((view.remote, prefixes_of(remote) if remote else view.synced))
        return found

    def network_gone(self, network: Resource) -> None:
        """Peerings that named a network that is being removed are left Disconnected."""
        for peering in self.manager.store.of_type(PEERINGS):
            if remote_id(peering.properties).lower() == network.key:
                self._disconnect(peering)

    def _same(self, stored: Resource | None, wanted: JsonObject) -> bool:
        return (
            stored is not None
            and remote_id(stored.properties).lower() == remote_id(wanted).lower()
            and peering_flags(stored.properties) == peering_flags(wanted)
        )

    def _peering_gone(self, peering: Resource) -> None:
        back = self._reciprocal(self._network(peering.id), remote_id(peering.properties))
        if back is not None:
            self._disconnect(back)

    def _disconnect(self, peering: Resource) -> None:
        peering.properties["peeringState"] = DISCONNECTED
        self._network(peering.id).body["etag"] = new_etag()

    def _network(self, peering: ResourceId) -> Resource:
        check_parent(peering, self.manager.store, "write")
        parent = peering.parent
        found = self.manager.store.find(parent.text) if parent else None
        if found is None:
            raise network_child_not_found(peering)
        return found

    def _reciprocal(self, network: Resource, remote: str) -> Resource | None:
        """The peering of the remote network that points back."""
        there = self.manager.store.find(remote)
        for peering in self.manager.store.children(there.id, _COLLECTION) if there else []:
            if remote_id(peering.properties).lower() == network.key:
                return peering
        return None

    def _proposal(
        self,
        peering: ResourceId,
        properties: JsonObject,
        network: Resource,
        remote: Resource,
        existing: Resource | None,
        back: Resource | None,
    ) -> Proposal:
        siblings = [
            Peering.of(item)
            for item in self.manager.store.children(network.id, _COLLECTION)
            if item.key != peering.key
        ]
        return Proposal(
            id=peering,
            local=self._side(network),
            remote=self._side(remote),
            allow_gateway_transit=flag_in(properties, "allowGatewayTransit"),
            use_remote_gateways=flag_in(properties, "useRemoteGateways"),
            existing=Peering.of(existing) if existing else None,
            siblings=siblings,
            reciprocal=Peering.of(back) if back else None,
            ceiling=self.manager.ceilings.peerings,
        )

    def _side(self, network: Resource) -> Side:
        return Side(
            id=network.id.text,
            prefixes=prefixes_of(network),
            neighbours=self.neighbours(network.id),
            gateways=self._gateways(network.id.text),
        )

    def _gateways(self, network: str) -> list[str]:
        """Gateways in the network's GatewaySubnet, once they are there: one that is still being made does not count."""
        return [
            gateway.id.text
            for gateway in self.manager.store.of_type(GATEWAYS)
            if network.lower() in networks_of(gateway)
            and gateway.properties.get("provisioningState") in ("Succeeded", "Updating")
            and object_in(gateway.properties, "bgpSettings").get("asn") != 0
        ]

    def _stored(
        self,
        peering: ResourceId,
        properties: JsonObject,
        network: Resource,
        remote: Resource,
        existing: Resource | None,
    ) -> Resource:
        previous = copied(existing.properties) if existing else {}
        kept: JsonObject = {
            **previous,
            **peering_flags(properties),
            "resourceGuid": peering_guid(network, remote),
            "remoteVirtualNetwork": {"id": remote_id(properties)},
        }
        kept.setdefault("provisioningState", "Updating")
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else peering,
            type=PEERINGS,
            body={"properties": kept},
            created=existing.created if existing else now,
            changed=now,
        )
