"""The mesh that the pictures show: the product's own engines, in memory, until they have come to rest."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path

import msgspec

from shared.domain.actor import Actor, Role
from shared.domain.approval import Rule
from shared.domain.cost import Rates
from shared.domain.edge import EdgeRequest, Exposure, Interface
from shared.domain.edge_request import Terms
from shared.domain.ids import EdgeKey, NodeKey, normal_id, parse_key
from shared.domain.mesh import Mesh
from shared.domain.network import Hub
from shared.ports import WorkItem
from shared.reconcile.edges.commands import EdgeDesk
from shared.reconcile.edges.engine import EdgeEngine
from shared.reconcile.edges.intake import EdgeIntake
from shared.reconcile.engine import Engine
from shared.reconcile.engine_parts import Running
from tests.fakes import Cloud
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, TAGS, WORKSPACE, InMemoryMesh, network_of
from tests.support.trouble import Trouble

ZONES = tuple(
    f"{HUB_GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.{name}"
    for name in ("database.windows.net", "blob.core.windows.net")
)
HUB = Hub("hub", HUB_NETWORK, WORKSPACE, gateway=True, zones=ZONES, pools=("10.64.0.0/16",))
RATES = Path(__file__).resolve().parents[2] / "shared/domain/rates.toml"
ANNE = Actor("anne", frozenset({Role.REQUESTER}))
ACCEPT = Rule(name="pictures", ruling="accept")


class World(InMemoryMesh):
    """A hub with a gateway, two zones and a pool; nodes, and edges between them that are granted at once."""

    def __init__(self) -> None:
        self._edge_runs = count(1)
        super().__init__(cloud=_cloud(), mesh=Mesh("meshplane", (HUB,), (SUBSCRIPTION,)))

    def new_engine(
        self, trouble: Trouble, measured: Callable[[str], AbstractContextManager[object]] = nullcontext
    ) -> Engine:
        self.edge_touch = EdgeIntake(self.edges, self.queue, self.clock, self.timing)  # type: ignore[assignment]
        return super().new_engine(trouble, measured)

    def restart(self) -> None:
        super().restart()
        self.edge_engine = EdgeEngine(
            self.mesh,
            self.arm,
            self.stores(),
            Running(self.clock, self.timing, lambda: f"edge-run-{next(self._edge_runs)}"),
            touch=self.intake,
            rates=msgspec.toml.decode(RATES.read_bytes(), type=Rates),
            terms=Terms(),
        )
        self.desk = EdgeDesk(
            self.edges,
            self.nodes,
            self.history,
            self.queue,
            self.clock,
            (ACCEPT,),
            Terms(),
            lambda: f"edge-{next(self._edge_runs)}",
        )

    async def handle(self, item: WorkItem) -> None:
        key = parse_key(item.key)
        if not isinstance(key, EdgeKey):
            await super().handle(item)
            return
        result = await self.edge_engine.reconcile(key)
        if result.requeue_after is not None:
            await self.queue.enqueue(item, delay=result.requeue_after)

    # --- what people do

    async def node(self, name: str, option: str, prefix: str = "") -> NodeKey:
        """A group with that network option, and with a network of its own where it has a prefix."""
        key = self.group(name)
        self.cloud.create_group(key, {**TAGS, "mesh-node": name, "mesh-network": option})
        if prefix:
            self.cloud.create_network(network_of(key), prefix)
            subnet = prefix.replace(".0.0/16", ".0.0/24")
            self.cloud.create_subnet(f"{network_of(key)}/subnets/default", subnet)
        await self._look(key.group_id)
        return key

    async def resource(self, key: NodeKey, what: str) -> str:
        """A resource of a node that nobody reaches who is not let in."""
        resource = f"{key.group_id}/providers/{what}"
        self.cloud.create_resource(resource)
        self.cloud.close_firewall(resource)
        await self._look(resource)
        return resource

    async def edge(
        self,
        consumer: NodeKey,
        provider: NodeKey,
        interface: Interface,
        target: str,
        exposure: Exposure | None = None,
    ) -> None:
        """An edge that is Active before this returns."""
        asked = EdgeRequest(
            consumer=consumer,
            provider=provider,
            interface=interface,
            target=target,
            purpose="monthly figures",
            exposure=exposure,
        )
        edge = await self.desk.request(ANNE, asked)
        await self.until_quiet()
        found = await self.edges.get(edge.key)
        assert found
        assert found.state == "Active", found.conditions

    async def _look(self, resource: str) -> None:
        await self.event(resource, "write")
        await self.until_quiet()

    # --- what is Meshplane's

    async def owned(self) -> set[str]:
        """The ids of everything that the rows of nodes and edges say Meshplane made."""
        ids: set[str] = set()
        for key in self.cloud.groups:
            node = await self.nodes.get(key)
            if node:
                ids |= {*node.owned, *node.made, *node.zone_links}
                edges = await self.edges.of_node(key)
                ids |= {artefact for edge in edges for artefact in edge.owned}
        return {normal_id(i) for i in ids}


def _cloud() -> Cloud:
    cloud = Cloud()
    cloud.create_group(NodeKey.of(SUBSCRIPTION, "hub"))
    cloud.create_network(HUB_NETWORK, "10.0.0.0/16", gateway=True)
    cloud.create_resource(WORKSPACE)
    for zone in ZONES:
        cloud.create_zone(zone)
    return cloud
