"""What is left of a node's connection with networks that are not its hub's (any more). Pure."""

from collections.abc import Collection, Sequence

import msgspec

from shared.domain.address_space import overlaps
from shared.domain.ids import NodeKey, normal_id, same_id
from shared.domain.naming import hub_peering_prefix, spoke_peering_name
from shared.domain.network import Hub, Peering, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.plan import DeletePeering
from shared.reconcile.observation import Observation

WHY = "it is ours and does not belong to the connection with the hub's present network"


class Former(msgspec.Struct, frozen=True):
    """A peering of ours that is not part of the present connection; `spoke` is the node's network it connects."""

    peering: Peering
    spoke: str
    on_hub: str

    @property
    def step(self) -> DeletePeering:
        return DeletePeering(self.peering.id, WHY, self.on_hub)


def network_of(peering_id: str) -> str:
    """The id of the network that a peering lies on."""
    return peering_id.rsplit("/", 2)[0]


def elsewhere(mesh: str, record: NodeRecord, networks: Sequence[VirtualNetwork], hub: Hub) -> list[str]:
    """The networks outside the group, apart from the hub's, on which something of ours may lie: hardly ever any."""
    named = [p.remote_network for n in networks for p in n.peerings if _named(mesh, p)]
    ids = {normal_id(i): i for i in [*map(network_of, record.owned), *named]}
    return [i for i in ids.values() if not same_id(i, hub.network) and NodeKey.containing(i) != record.key]


def former_peerings(
    mesh: str, record: NodeRecord, hub: Hub, observation: Observation, own: Collection[str]
) -> list[Former]:
    """Ours by name or by the record, except those that lead by our name from a network in `own` to the hub's."""
    recorded = {normal_id(i) for i in record.owned}
    prefix = hub_peering_prefix(mesh, record.key).lower()
    attachable = {normal_id(i) for i in own}

    def present(network: VirtualNetwork, peering: Peering) -> bool:
        to_hub = same_id(peering.remote_network, hub.network) and _named(mesh, peering)
        return to_hub and normal_id(network.id) in attachable

    found = [
        Former(p, normal_id(n.id), "")
        for n in observation.networks
        if not same_id(n.id, hub.network)
        for p in n.peerings
        if (_named(mesh, p) or normal_id(p.id) in recorded) and not present(n, p)
    ]
    on_hub = observation.hub_network.peerings if observation.hub_network else ()
    there = [p for p in on_hub if normal_id(p.id) in recorded and not p.name.lower().startswith(prefix)]
    there += [
        p
        for n in observation.former
        for p in n.peerings
        if normal_id(p.id) in recorded or p.name.lower().startswith(prefix)
    ]
    return [*found, *(Former(p, normal_id(p.remote_network), hub.id) for p in there)]


def in_the_way(former: Sequence[Former], hub: Hub, hub_network: VirtualNetwork) -> bool:
    """Whether Azure would refuse the new connection as long as the former one is there: a network uses one remote
    gateway at most, and the networks it is peered with may not overlap each other."""
    return any(
        (hub.gateway and f.peering.flags.use_remote_gateways)
        or bool(overlaps(f.peering.remote_address_prefixes, hub_network.address_prefixes))
        for f in former
        if not f.on_hub
    )


def _named(mesh: str, peering: Peering) -> bool:
    return peering.name.lower() == spoke_peering_name(mesh, peering.remote_network).lower()
