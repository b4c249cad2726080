"""The product as it is put together, with real requests to Resource Manager and everything else in memory."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.adapters.instruments import Instruments
from shared.adapters.probes import ResourceManagerProbe
from shared.bootstrap.examining import doctor
from shared.bootstrap.outside import Outside
from shared.bootstrap.reconciling import Reconciling
from shared.domain.actor import Actor, Role
from shared.domain.edge import EdgeRecord, EdgeRequest, Exposure, Interface
from shared.domain.ids import EdgeKey, HubKey, NodeKey, parse_key
from shared.domain.node import NodeRecord
from shared.ports import WorkItem
from shared.settings import load_settings
from tests.fakes import (
    FakeClock,
    InMemoryDeadLetters,
    InMemoryEventStream,
    InMemoryHistory,
    InMemoryLeases,
    InMemoryNodeStore,
    InMemoryWorkQueue,
)
from tests.fakes.addresses import InMemoryAddressBook
from tests.fakes.edges import InMemoryEdgeStore
from tests.fakes.hubs import InMemoryHubStore
from tests.fakes.rosters import InMemoryRosters
from tests.fakes.trends import InMemoryTrends
from tests.support.local_arm import LocalArm
from tests.support.rights import CREDENTIAL

MOST_STEPS = 1000
SOON = timedelta(minutes=2)
SAMPLE = Path(__file__).resolve().parents[2] / "local.settings.sample.json"
ANNE = Actor("anne", frozenset({Role.OPERATOR}))


class Remembered:
    """What `Outside` has, but for Resource Manager in memory."""

    def __init__(self, arm: ArmResourceManager) -> None:
        self.arm = arm
        self.clock = FakeClock()
        self.instruments = Instruments()
        self.queue = InMemoryWorkQueue(self.clock)
        self.nodes = InMemoryNodeStore()
        self.history = InMemoryHistory()
        self.leases = InMemoryLeases(self.clock)
        self.dead_letters = InMemoryDeadLetters()
        self.events = InMemoryEventStream()
        self.hubs = InMemoryHubStore()
        self.edges = InMemoryEdgeStore()
        self.addresses = InMemoryAddressBook(self.clock)
        self.rosters = InMemoryRosters()
        self.trends = InMemoryTrends()


class App:
    """Runs as the principal of the product, with the rights that it was given. Close it."""

    def __init__(self, arm: LocalArm, settings: dict[str, str]) -> None:
        sample = json.loads(SAMPLE.read_text())["Values"]
        self.settings = load_settings({**sample, "MESH_RESOURCE_MANAGER": arm.url, **settings})
        scope = self.settings.resource_manager_scope
        self.port = ArmResourceManager(arm.url, CREDENTIAL, scope, ca_file=str(arm.ca_file))
        self.outside = Remembered(self.port)
        outside = cast("Outside", self.outside)
        self.parts = Reconciling(self.settings, outside)
        self.doctor = doctor(self.settings, outside)
        self.asked: list[EdgeKey] = []

    async def close(self) -> None:
        await self.port.close()

    # --- what triggers do

    async def look(self) -> None:
        """Two hours have passed: tags that nobody told of are found, and all that is due is looked at."""
        self.outside.clock.advance(timedelta(hours=2).total_seconds())
        await self.parts.resync.discover()
        await self.parts.resync.enqueue_due()
        await self.parts.edge_leases.enqueue_due()
        for hub in self.settings.mesh.hubs:
            await self.parts.hub_intake.bump(HubKey(hub.id), "due")
        await self.until_quiet()

    async def until_quiet(self) -> None:
        """Every message of the next two minutes: who waits for people comes back again and again."""
        queue, clock = self.outside.queue, self.outside.clock
        end = clock.now() + SOON
        for _ in range(MOST_STEPS):
            visible = queue.next_visible()
            if visible is None or visible > end:
                return
            clock.advance(max(0.0, (visible - clock.now()).total_seconds()))
            item = queue.pop_visible()
            assert item is not None
            await self._handle(item)
        raise AssertionError("the mesh does not come to rest")

    async def probe(self) -> None:
        """What health asks Resource Manager."""
        for subscription in self.settings.mesh.subscriptions:
            await ResourceManagerProbe(self.port, subscription).check()

    async def _handle(self, item: WorkItem) -> None:
        match parse_key(item.key):
            case HubKey() as key:
                result = await self.parts.hub_engine.reconcile(key)
            case NodeKey() as key:
                result = await self.parts.engine.reconcile(key)
            case EdgeKey() as key:
                result = await self.parts.edge_engine.reconcile(key)
            case key:
                raise AssertionError(f"{key} is no key of an engine")
        if result.requeue_after is not None:
            await self.outside.queue.enqueue(item, delay=result.requeue_after)

    # --- nodes and edges

    def key(self, group: str) -> NodeKey:
        return NodeKey.of(self.settings.mesh.subscriptions[0], group)

    async def node(self, group: str) -> NodeRecord:
        found = await self.outside.nodes.get(self.key(group))
        assert found is not None
        return found

    async def ask(
        self,
        consumer: str,
        provider: str,
        target: str,
        exposure: Exposure,
        interface: Interface,
        part: str = "",
    ) -> None:
        """An edge, which a rule accepts."""
        request = EdgeRequest(
            consumer=self.key(consumer),
            provider=self.key(provider),
            interface=interface,
            target=target,
            part=part,
            purpose="to see what it needs",
            exposure=exposure,
        )
        self.asked.append((await self.parts.desk.request(ANNE, request)).key)

    async def edges(self) -> Sequence[EdgeRecord]:
        """All that were asked for."""
        found = [await self.outside.edges.get(key) for key in self.asked]
        return [edge for edge in found if edge is not None]
