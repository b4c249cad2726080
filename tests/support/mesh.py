"""A whole mesh in memory on a virtual clock: intake, queue, engine and resync over the fakes."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from itertools import count

from shared.domain.errors import MeshError
from shared.domain.governance import NO_POLICIES
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh, Timing
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from shared.ports import WorkItem
from shared.reconcile.engine import Engine
from shared.reconcile.engine_parts import Running
from shared.reconcile.hubs.intake import HubIntake
from shared.reconcile.intake import Intake, ResourceEvent
from shared.reconcile.resync import Resync
from shared.reconcile.surroundings import Shared
from tests.fakes import Cloud, FakeResourceManager, InMemoryAddressBook
from tests.fakes.rosters import InMemoryRosters
from tests.fakes.touch import ToldEdges
from tests.support.stores import Driven
from tests.support.trouble import Trouble, WorkerDied, troubled

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
HUB_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/hub"
HUB_NETWORK = f"{HUB_GROUP}/providers/Microsoft.Network/virtualNetworks/hub"
WORKSPACE = f"{HUB_GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
TAGS = {"mesh-node": "sales", "mesh-domain": "retail"}
VISIBILITY_SECONDS = 30.0


class InMemoryMesh(Driven):
    """Drives the real intake, engine and resync; only the ports are fakes."""

    def __init__(
        self,
        *,
        operation_seconds: float = 0.0,
        gateway: bool = False,
        seed: int = 0,
        cloud: Cloud | None = None,
        mesh: Mesh | None = None,
    ) -> None:
        super().__init__()
        self.cloud = cloud or _empty_cloud(gateway=gateway)
        self.arm = FakeResourceManager(self.cloud, self.clock, operation_seconds)
        self.timing = Timing()
        self.rosters = InMemoryRosters()
        self.addresses = InMemoryAddressBook(self.clock)
        self.edge_touch = ToldEdges()
        self.policies = NO_POLICIES
        self.mesh = mesh or Mesh(
            "meshplane", (Hub("hub", HUB_NETWORK, WORKSPACE, gateway=gateway),), (SUBSCRIPTION,)
        )
        self.intake = Intake(self.mesh, self.nodes, self.queue, self.clock, self.timing)
        self._runs = count(1)
        self._seed = seed
        self.restart()

    def restart(self) -> None:
        """A new process: nothing in memory survives."""
        self.engine = self.new_engine(Trouble(self.clock))
        self.resync = Resync(self.mesh, self.arm, self.nodes, self.queue, self.intake, self.clock)

    def new_engine(
        self, trouble: Trouble, measured: Callable[[str], AbstractContextManager[object]] = nullcontext
    ) -> Engine:
        """The engine of one worker, whose ports get into this trouble."""
        stores = self.stores(trouble)
        return Engine(
            self.mesh,
            troubled(self.arm, "arm", trouble),
            stores,
            Running(self.clock, self.timing, lambda: f"run-{next(self._runs)}", random.Random(self._seed)),
            intake=Intake(self.mesh, stores.nodes, stores.queue, self.clock, self.timing),
            shared=Shared(
                troubled(self.rosters, "rosters", trouble),
                troubled(self.addresses, "addresses", trouble),
                stores.edges,
                troubled(self.edge_touch, "edge_touch", trouble),
                HubIntake(self.mesh, self.hubs, self.queue, self.clock, self.timing),
            ),
            measured=measured,
            policies=lambda: self.policies,
        )

    # --- what people do

    def group(self, name: str = "sales") -> NodeKey:
        return NodeKey.of(SUBSCRIPTION, name)

    def create_node(
        self, name: str = "sales", prefix: str = "10.1.0.0/16", tags: dict[str, str] | None = None
    ) -> NodeKey:
        """A group with a network and two vaults; tagged unless said otherwise. No event is raised."""
        key = self.group(name)
        self.cloud.create_group(key, TAGS if tags is None else tags)
        self.cloud.create_network(network_of(key), prefix)
        for vault in ("a", "b"):
            self.cloud.create_resource(vault_of(key, vault))
        return key

    async def event(self, resource: str, operation: str = "Microsoft.Resources/tags/write") -> None:
        await self.intake.accept(ResourceEvent(resource, operation))

    async def record(self, key: NodeKey) -> NodeRecord:
        record = await self.nodes.get(key)
        assert record is not None
        return record

    # --- how time passes

    async def handle(self, item: WorkItem) -> None:
        """What the queue trigger does with a message; one that fails, or whose worker dies, comes back later."""
        try:
            result = await self.engine.reconcile(NodeKey.parse(item.key))
        except WorkerDied:
            self.restart()
            self.queue.put_back(item, VISIBILITY_SECONDS)
            return
        except MeshError:
            self.queue.put_back(item, VISIBILITY_SECONDS)
            return
        if result.requeue_after is not None:
            await self.queue.enqueue(item, delay=result.requeue_after)

    async def resync_all(self) -> None:
        """The timers, once everything is due, and what follows from them."""
        self.clock.advance(self.timing.audit + self.timing.resync * 2)
        await self.resync.discover()
        await self.resync.enqueue_due()
        await self.until_quiet()
        self.clock.advance(timedelta(minutes=2).total_seconds())
        await self.resync.enqueue_due()
        await self.until_quiet()


def _empty_cloud(*, gateway: bool) -> Cloud:
    """A hub with its workspace."""
    cloud = Cloud()
    cloud.create_group(NodeKey.of(SUBSCRIPTION, "hub"))
    cloud.create_network(HUB_NETWORK, "10.0.0.0/16", gateway=gateway)
    cloud.create_resource(WORKSPACE)
    return cloud


def network_of(key: NodeKey) -> str:
    return f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net-{key.group}"


def vault_of(key: NodeKey, name: str) -> str:
    return f"{key.group_id}/providers/Microsoft.KeyVault/vaults/{key.group}-{name}"
