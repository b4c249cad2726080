"""The stores of a mesh in memory, as all kinds of engines are given them."""

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
