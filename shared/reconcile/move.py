"""Moving a node to another hub, as a person asks for it."""

import msgspec

from shared.domain.errors import Conflict, NotFound, Terminal, Waiting
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.naming import hub_peering_prefix
from shared.domain.network import Hub
from shared.domain.node import NodeRecord, State
from shared.ports import NodeStore, ResourceManager
from shared.reconcile.claim import SAVE_ATTEMPTS
from shared.reconcile.intake import Intake
from shared.reconcile.observation import has_room
from shared.reconcile.options import OPTIONS

CAUSE = "NodeMoved"
MOVABLE: tuple[State, ...] = ("Pending", "Ready", "NotReady")


class Moves:
    """Commands that change which hub a node is to have; the reconcile does the rest, make before break."""

    def __init__(self, mesh: Mesh, arm: ResourceManager, nodes: NodeStore, intake: Intake) -> None:
        self._mesh = mesh
        self._arm = arm
        self._nodes = nodes
        self._intake = intake

    async def to_hub(self, key: NodeKey, hub_id: str) -> NodeRecord:
        """Has a node move to a hub; asking for the hub that it has takes a move back that is not done yet.

        Raises NotFound (`NodeNotFound`, `HubNotFound`) and Terminal, which says what to do: `HubUnchanged`,
        `HubOfAnotherRegion`, `HubMissing`, `HubFull`; what Azure answers; Waiting where too many write at once.
        """
        hub = self._mesh.hub(hub_id)
        if hub is None:
            known = ", ".join(h.id for h in self._mesh.hubs)
            raise NotFound("HubNotFound", f"There is no hub {hub_id!r}; there are {known}.", target=hub_id)
        record = await self._node(key)
        self._check(record, hub)
        if hub.id != record.hub and record.network in OPTIONS and OPTIONS[record.network].attaches:
            await self._check_room(key, hub)
        for _ in range(SAVE_ATTEMPTS):
            try:
                await self._nodes.save(msgspec.structs.replace(record, wanted_hub=hub.id))
            except Conflict:
                record = await self._node(key)
                continue
            await self._intake.bump(key, CAUSE)
            return await self._node(key)
        raise Waiting("Contended", "Too many write to this key at once.", target=str(key))

    async def _node(self, key: NodeKey) -> NodeRecord:
        record = await self._nodes.get(key)
        if record is None or record.state not in MOVABLE:
            raise NotFound("NodeNotFound", "There is no such node.", target=str(key))
        return record

    def _check(self, record: NodeRecord, hub: Hub) -> None:
        if hub.id == record.hub and record.wanted_hub in ("", hub.id):
            raise Terminal("HubUnchanged", f"The node has hub {hub.id} already.", target=str(record.key))
        if hub.id not in {h.id for h in self._mesh.hubs_for(record.location)}:
            message = (
                f"Hub {hub.id} serves {hub.region}, and the node lies in {record.location}: choose a hub of its region,"
                " or one that serves every region."
            )
            raise Terminal("HubOfAnotherRegion", message, target=str(record.key))

    async def _check_room(self, key: NodeKey, hub: Hub) -> None:
        try:
            network = await self._arm.get_network(hub.network)
        except NotFound as error:
            message = f"The network {hub.network} of hub {hub.id} is not there. Correct the hub in MESH_HUBS."
            raise Terminal("HubMissing", message, target=hub.network) from error
        if not has_room(hub, network, hub_peering_prefix(self._mesh.name, key)):
            message = (
                f"Hub {hub.id} has {len(network.peerings)} peerings of the {hub.capacity} that it takes: choose another"
                " one, or move other nodes away first."
            )
            raise Terminal("HubFull", message, target=hub.network)
