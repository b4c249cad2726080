"""A mesh of hubs in memory: their engines and intake over fakes, on a clock that tests move."""

import random
from collections.abc import Awaitable, Callable
from itertools import count

from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey, NodeKey
from shared.domain.mesh import Mesh, Timing
from shared.domain.network import Hub, PeeringFlags
from shared.domain.node import NodeRecord, State
from shared.reconcile.engine_parts import Running
from shared.reconcile.hubs.engine import HubEngine
from shared.reconcile.hubs.intake import HubIntake
from tests.fakes import Cloud, FakeResourceManager, InMemoryLeases
from tests.fakes.state import Side
from tests.support.mesh import SUBSCRIPTION, WORKSPACE
from tests.support.stores import InMemoryStores
from tests.support.trouble import Trouble, troubled

WRITES = {"put_peering", "delete_peering"}
NODE = NodeKey.of(SUBSCRIPTION, "sales")


def network(name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}/providers/Microsoft.Network/virtualNetworks/{name}"


class InterruptedLeases(InMemoryLeases):
    """Leases; something happens just before the first turn is given."""

    before: Callable[[], Awaitable[None]] | None = None

    async def acquire(self, name: str, owner: str, seconds: float) -> bool:
        happens, self.before = self.before, None
        if happens:
            await happens()
        return await super().acquire(name, owner, seconds)


class Hubs(InMemoryStores):
    """Hub engines over fakes: hub `a` and others, `a` naming its peers unless said otherwise."""

    def __init__(self, *hubs: Hub, seconds: float = 0.0) -> None:
        super().__init__()
        self.cloud = Cloud()
        self.arm = FakeResourceManager(self.cloud, self.clock, seconds)
        self.leases: InterruptedLeases = InterruptedLeases(self.clock)
        self.timing = Timing()
        self.bumped: list[NodeKey] = []
        self._runs = count(1)
        self.configure(*hubs)
        for number, hub in enumerate(hubs):
            self.cloud.create_group(NodeKey.of(SUBSCRIPTION, hub.id))
            self.cloud.create_network(hub.network, f"10.{number}.0.0/16")

    def configure(self, *hubs: Hub) -> None:
        """The settings of a new process."""
        self.mesh = Mesh("m", hubs, (SUBSCRIPTION,))
        self.restart()

    def restart(self) -> None:
        """A new process: nothing in memory survives."""
        self.intake = HubIntake(self.mesh, self.hubs, self.queue, self.clock, self.timing)
        self.engine = self.new_engine(Trouble(self.clock))

    def new_engine(self, trouble: Trouble) -> HubEngine:
        """The engine of one worker, whose ports get into this trouble."""
        return HubEngine(
            self.mesh,
            troubled(self.arm, "arm", trouble),
            self.stores(trouble),
            Running(self.clock, self.timing, lambda: f"run-{next(self._runs)}", random.Random(0)),
            self._bump,
        )

    async def _bump(self, key: NodeKey, _cause: str) -> None:
        self.bumped.append(key)

    async def run(self, name: str = "a") -> HubRecord:
        """One run, whether it is due or not."""
        await self.intake.bump(HubKey(name), "test")
        await self.engine.reconcile(HubKey(name))
        return await self.record(name)

    async def until_quiet(self, name: str = "a") -> HubRecord:
        """Runs for as long as the engine wants to come back soon."""
        await self.intake.bump(HubKey(name), "test")
        for _ in range(50):
            after = (await self.engine.reconcile(HubKey(name))).requeue_after
            if after is None:
                return await self.record(name)
            self.clock.advance(after)
        raise AssertionError("the hub does not come to rest")

    async def record(self, name: str = "a") -> HubRecord:
        record = await self.hubs.get(HubKey(name))
        assert record is not None
        return record

    def writes(self) -> list[str]:
        return [call for call in self.arm.calls if call in WRITES]

    def states(self) -> dict[str, tuple[str, str]]:
        return {
            p.id: (p.state, p.sync_level)
            for n in self.cloud.networks.values()
            for p in self.cloud.show(n).peerings
        }

    def place(self, hub: str, name: str, remote: str, prefix: str, state: str = "Disconnected") -> str:
        """A peering on a hub in some state, whose far end may not exist."""
        local = self.cloud.networks[network(hub).lower()]
        peering = f"{local.id}/virtualNetworkPeerings/{name}"
        local.sides[name.lower()] = Side(peering, remote, (prefix,), PeeringFlags(), state)
        return peering

    async def know(self, state: State, *networks: str) -> None:
        await self.nodes.save(NodeRecord(key=NODE, state=state, networks=networks))


def hub(name: str, *peers: str, capacity: int = 500) -> Hub:
    return Hub(name, network(name), WORKSPACE, peers=peers, capacity=capacity)
