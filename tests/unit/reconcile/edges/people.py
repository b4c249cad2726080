"""People who ask for edges, and a desk over fakes."""

from collections.abc import Sequence
from itertools import count

import msgspec

from shared.domain.actor import Actor, Role
from shared.domain.approval import Rule
from shared.domain.edge import EdgeRequest
from shared.domain.edge_request import Terms
from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord
from shared.reconcile.edges.commands import EdgeDesk
from tests.fakes import FakeClock, InMemoryHistory, InMemoryNodeStore, InMemoryWorkQueue
from tests.fakes.edges import InMemoryEdgeStore
from tests.support.mesh import SUBSCRIPTION

CONSUMER = NodeKey.of(SUBSCRIPTION, "reports")
PROVIDER = NodeKey.of(SUBSCRIPTION, "sales")
SERVER = f"{PROVIDER.group_id}/providers/Microsoft.Sql/servers/sales"
READER = Actor("reader", frozenset({Role.READER}), frozenset({"reader"}))
ANNE = Actor("anne", frozenset({Role.REQUESTER}), frozenset({"anne", "report-team"}))
BERT = Actor("bert", frozenset({Role.APPROVER}), frozenset({"bert"}))
OWNER = Actor("olga", frozenset({Role.REQUESTER}), frozenset({"olga", "SALES-TEAM"}))
REQUEST = EdgeRequest(
    consumer=CONSUMER, provider=PROVIDER, interface="sql", target=SERVER, purpose="monthly figures"
)


class Desk:
    """An EdgeDesk between two Ready nodes; `olga` owns the provider through a group."""

    def __init__(self, rules: Sequence[Rule] = (), terms: Terms | None = None) -> None:
        self.clock = FakeClock()
        self.edges = InMemoryEdgeStore()
        self.nodes = InMemoryNodeStore()
        self.history = InMemoryHistory()
        self.queue = InMemoryWorkQueue(self.clock)
        ids = count(1)
        self.desk = EdgeDesk(
            self.edges,
            self.nodes,
            self.history,
            self.queue,
            self.clock,
            rules,
            terms or Terms(),
            lambda: f"edge{next(ids)}",
        )

    async def start(self) -> "Desk":
        await self.node(NodeRecord(key=CONSUMER, state="Ready", domain="finance", owner_id="report-team"))
        await self.node(NodeRecord(key=PROVIDER, state="Ready", domain="retail", owner_id="sales-team"))
        return self

    async def node(self, record: NodeRecord) -> None:
        stored = await self.nodes.get(record.key)
        etag = stored.etag if stored else None
        await self.nodes.save(msgspec.structs.replace(record, etag=etag))
