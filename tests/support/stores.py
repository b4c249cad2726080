"""The stores of a mesh in memory, as all kinds of engines are given them."""

from abc import ABC, abstractmethod

from shared.ports import WorkItem
from shared.reconcile.engine_parts import Stores
from tests.fakes import (
    FakeClock,
    InMemoryDeadLetters,
    InMemoryEventStream,
    InMemoryHistory,
    InMemoryLeases,
    InMemoryNodeStore,
    InMemoryWorkQueue,
)
from tests.fakes.edges import InMemoryEdgeStore
from tests.fakes.hubs import InMemoryHubStore
from tests.support.trouble import Trouble, troubled

MOST_STEPS = 3000


class InMemoryStores:
    """One of each, on a clock that only tests move."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.nodes = InMemoryNodeStore()
        self.edges = InMemoryEdgeStore()
        self.hubs = InMemoryHubStore()
        self.history = InMemoryHistory()
        self.leases = InMemoryLeases(self.clock)
        self.dead_letters = InMemoryDeadLetters()
        self.queue = InMemoryWorkQueue(self.clock)
        self.events = InMemoryEventStream()

    def stores(self, trouble: Trouble | None = None) -> Stores:
        """As a worker reaches them, who may get into trouble."""
        trouble = trouble or Trouble(self.clock)
        return Stores(
            nodes=troubled(self.nodes, "nodes", trouble),
            edges=troubled(self.edges, "edges", trouble),
            hubs=troubled(self.hubs, "hubs", trouble),
            history=troubled(self.history, "history", trouble),
            leases=troubled(self.leases, "leases", trouble),
            dead_letters=troubled(self.dead_letters, "dead_letters", trouble),
            queue=troubled(self.queue, "queue", trouble),
            events=troubled(self.events, "events", trouble),
        )


class Driven(InMemoryStores, ABC):
    """A mesh that handles what its queue holds, one message after the other, as time passes."""

    @abstractmethod
    async def handle(self, item: WorkItem) -> None:
        """What the queue trigger does with a message."""

    async def step(self) -> bool:
        """Handles the next message, waiting for it if need be. False where none is left."""
        visible = self.queue.next_visible()
        if visible is None:
            return False
        if visible > self.clock.now():
            self.clock.advance((visible - self.clock.now()).total_seconds())
        item = self.queue.pop_visible()
        assert item is not None
        await self.handle(item)
        return True

    async def until_quiet(self) -> None:
        """Handles messages until the queue is empty."""
        for _ in range(MOST_STEPS):
            if not await self.step():
                return
        raise AssertionError("the mesh does not come to rest")
