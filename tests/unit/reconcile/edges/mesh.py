"""Two nodes, a hub with zones, and everything that edges need, over the pretended cloud."""

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

import msgspec

from shared.domain.approval import Rule
from shared.domain.cost import Rates
from shared.domain.edge import EdgeRecord, EdgeRequest
from shared.domain.edge_request import Terms
from shared.domain.errors import MeshError
from shared.domain.ids import EdgeKey, NodeKey, normal_id, parse_key
from shared.domain.mesh import Mesh, Timing
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from shared.ports import WorkItem
from shared.reconcile.edges.commands import EdgeDesk
from shared.reconcile.edges.engine import EdgeEngine
from shared.reconcile.edges.intake import EdgeIntake, EdgeLeases
from shared.reconcile.engine_parts import Running
from tests.fakes import Cloud, FakeResourceManager
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, VISIBILITY_SECONDS, WORKSPACE
from tests.support.stores import Driven
from tests.support.trouble import Trouble, WorkerDied, troubled
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, PROVIDER, REQUEST, SERVER

RATES = msgspec.toml.decode(Path("shared/domain/rates.toml").read_bytes(), type=Rates)
ZONES = tuple(
    f"{HUB_GROUP}/providers/Microsoft.Network/privateDnsZones/{name}"
    for name in (
        "privatelink.database.windows.net",
        "privatelink.blob.core.windows.net",
        "privatelink.vaultcore.azure.net",
    )
)
ACCOUNT = f"{PROVIDER.group_id}/providers/Microsoft.Storage/storageAccounts/salesdata"
OTHER_ACCOUNT = f"{PROVIDER.group_id}/providers/Microsoft.Storage/storageAccounts/salesmore"


def network_of(key: NodeKey) -> str:
    return f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net-{key.group}"


class RecordingTouch:
    """NodeTouch that remembers which nodes were touched."""

    def __init__(self) -> None:
        self.touched: list[NodeKey] = []

    async def bump(self, key: NodeKey, cause: str, resource: str = "") -> bool:
        self.touched.append(key)
        return True


class EdgeMesh(Driven):
    """The real desk, engine, intake and timer; only the ports are fakes."""

    def __init__(
        self, *, operation_seconds: float = 0.0, rules: Sequence[Rule] = (), zones: Sequence[str] = ZONES
    ) -> None:
        super().__init__()
        self.cloud = _cloud()
        self.arm = FakeResourceManager(self.cloud, self.clock, operation_seconds)
        self.touch = RecordingTouch()
        self.timing = Timing()
        self.terms = Terms(anyone_asks=True)
        self.rules = tuple(rules)
        hub = Hub("hub", HUB_NETWORK, WORKSPACE, zones=tuple(zones))
        self.mesh = Mesh("meshplane", (hub,), (SUBSCRIPTION,))
        self._runs, self._ids = count(1), count(1)
        self.intake = EdgeIntake(self.edges, self.queue, self.clock, self.timing)
        self.timer = EdgeLeases(self.edges, self.queue, self.clock)
        self.engine = self.new_engine(Trouble(self.clock))
        self.desk = EdgeDesk(
            self.edges,
            self.nodes,
            self.history,
            self.queue,
            self.clock,
            self.rules,
            self.terms,
            lambda: f"edge{next(self._ids)}",
        )

    def new_engine(self, trouble: Trouble) -> EdgeEngine:
        """The engine of one worker, whose ports get into this trouble."""
        return EdgeEngine(
            self.mesh,
            troubled(self.arm, "arm", trouble),
            self.stores(trouble),
            Running(self.clock, self.timing, lambda: f"run-{next(self._runs)}", random.Random(7)),
            touch=self.touch,
            rates=RATES,
            terms=self.terms,
        )

    async def start(self) -> "EdgeMesh":
        for key, domain in ((CONSUMER, "finance"), (PROVIDER, "retail")):
            await self.set_node(
                NodeRecord(
                    key=key,
                    state="Ready",
                    location="westeurope",
                    domain=domain,
                    network="hub",
                    hub="hub",
                    owner_id=f"{domain}-team",
                    networks=(network_of(key),),
                )
            )
        return self

    async def set_node(self, record: NodeRecord) -> None:
        stored = await self.nodes.get(record.key)
        await self.nodes.save(msgspec.structs.replace(record, etag=stored.etag if stored else None))

    async def change_node(self, key: NodeKey, **changes: object) -> None:
        """What the node's own engine records, and whom it tells."""
        record = await self.nodes.get(key)
        assert record
        await self.nodes.save(msgspec.structs.replace(record, **changes))
        await self.intake.node_changed(key, "its record changed")

    async def edge(self, key: EdgeKey) -> EdgeRecord:
        record = await self.edges.get(key)
        assert record
        return record

    async def granted(self, request: EdgeRequest = REQUEST) -> EdgeRecord:
        """An edge that was asked for and approved, before anybody looked at it."""
        edge = await self.desk.request(ANNE, request)
        return await self.desk.approve(BERT, edge.key, "fine") if edge.state != "Approved" else edge

    async def active(self, request: EdgeRequest = REQUEST) -> EdgeRecord:
        edge = await self.granted(request)
        await self.until_quiet()
        edge = await self.edge(edge.key)
        assert edge.state == "Active", edge.conditions
        return edge

    # --- how time passes

    async def handle(self, item: WorkItem) -> None:
        key = parse_key(item.key)
        assert isinstance(key, EdgeKey)
        try:
            result = await self.engine.reconcile(key)
        except (WorkerDied, MeshError):
            self.engine = self.new_engine(Trouble(self.clock))
            self.queue.put_back(item, VISIBILITY_SECONDS)
            return
        if result.requeue_after is not None:
            await self.queue.enqueue(item, delay=result.requeue_after)

    async def later(self, **time: float) -> None:
        """Time passes, the timer fires, and everything comes to rest."""
        self.clock.advance(timedelta(**time).total_seconds())
        await self.timer.enqueue_due()
        await self.until_quiet()

    # --- what there is

    @property
    def endpoints(self) -> list[str]:
        return sorted(self.cloud.endpoints)

    def subnet(self, name: str = "workload", key: NodeKey = CONSUMER) -> str:
        return f"{network_of(key)}/subnets/{name}"

    def services(self, name: str = "workload") -> list[str]:
        found = self.cloud.subnet_of(self.subnet(name))
        assert found
        return sorted(found.service_endpoints)

    def rules_of(self, target: str) -> list[str]:
        return sorted(self.cloud.firewall_of(target).subnets)

    def writes(self) -> list[str]:
        reads = ("get", "list")
        return [c for c in self.arm.calls if not c.startswith(reads)]

    def states(self, key: EdgeKey) -> list[str]:
        """The states that an edge went through, as its history tells."""
        return [
            e.changes[0].partition(" -> ")[2]
            for e in self.history.entries
            if e.key == str(key) and e.changes[0].startswith("state: ")
        ]


def _cloud() -> Cloud:
    cloud = Cloud()
    cloud.create_group(NodeKey.of(SUBSCRIPTION, "hub"))
    cloud.create_network(HUB_NETWORK, "10.0.0.0/16")
    for zone in ZONES:
        cloud.create_zone(zone)
    for number, key in enumerate((CONSUMER, PROVIDER), 1):
        cloud.create_group(key)
        cloud.create_network(network_of(key), f"10.{number}.0.0/16")
        cloud.create_subnet(f"{network_of(key)}/subnets/workload", f"10.{number}.0.0/24")
        cloud.create_subnet(f"{network_of(key)}/subnets/private-endpoints", f"10.{number}.1.0/27")
    for resource in (SERVER, ACCOUNT, OTHER_ACCOUNT):
        cloud.create_resource(resource)
    return cloud


def has(ids: Sequence[str], one: str) -> bool:
    return normal_id(one) in {normal_id(i) for i in ids}
