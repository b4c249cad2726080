"""What an option is decided from, and what it asks for."""

from collections.abc import Sequence

import msgspec

from shared.domain.conditions import Finding
from shared.domain.ids import NodeKey, normal_id
from shared.domain.mesh import Mesh
from shared.domain.network import Hub, Peering, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.reconcile.observation import Observation
from shared.reconcile.pair import Pair
from shared.reconcile.preflight import Party

NO_HUB = Hub("", "", "")
"""Stands for the hub of a group that never had one."""


class Scene(msgspec.Struct, frozen=True):
    """A node, its hub (the one that it is to have), and what was observed of both."""

    mesh: Mesh
    record: NodeRecord
    seen: Observation
    hub: Hub

    @property
    def key(self) -> NodeKey:
        return self.record.key

    @property
    def own(self) -> list[VirtualNetwork]:
        """The networks that are the node's to connect."""
        return own_networks(self.seen.networks, [h.network for h in self.mesh.hubs])


class WantedPair(msgspec.Struct, frozen=True):
    """A connection between one of the node's networks and another network (`remote`, an id).

    `pair` is None where the other network was not read, because the side that is the node's tells that all is well;
    `parties` are its networks in the pair's order. Another node writes it where `leader` names one. `turn` names
    what has to be waited for before it is written, where that is not the hub. `notes` are told whatever its state.
    Whoever waits for its leader is `patient` only for so long.
    """

    local: VirtualNetwork
    remote: str
    pair: Pair | None = None
    parties: tuple[Party, Party] | None = None
    leader: NodeKey | None = None
    turn: str = ""
    patient: bool = True
    notes: tuple[Finding, ...] = ()

    @property
    def between(self) -> tuple[str, str]:
        """The networks that it connects, the node's first, as they compare."""
        return normal_id(self.local.id), normal_id(self.remote)

    @property
    def side(self) -> Peering | None:
        """The side that lies on the node's network."""
        return self.local.peering_to(self.remote)


class Wanted(msgspec.Struct, frozen=True):
    """What an option asks for; an error among the findings says that it cannot have it."""

    pairs: tuple[WantedPair, ...] = ()
    findings: tuple[Finding, ...] = ()


def own_networks(networks: Sequence[VirtualNetwork], hub_networks: Sequence[str]) -> list[VirtualNetwork]:
    """The networks of a group that are to be connected: no hub's."""
    hubs = {normal_id(i) for i in hub_networks}
    return [n for n in networks if normal_id(n.id) not in hubs]
