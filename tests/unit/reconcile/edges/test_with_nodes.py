"""The engines of nodes and of edges side by side: names are linked, and no edge loses its way while a node switches."""

import random
from collections.abc import Callable, Sequence
from itertools import count

import msgspec
import pytest

from shared.domain.approval import Rule
from shared.domain.edge import EdgeRecord, EdgeRequest, asked_anew
from shared.domain.edge_request import Terms
from shared.domain.errors import MeshError
from shared.domain.ids import EdgeKey, NodeKey, normal_id, parse_key
from shared.domain.mesh import Mesh
from shared.domain.naming import edge_peering_name
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from shared.ports import WorkItem
from shared.ports.mesh import EdgeTouch
from shared.reconcile.edges.commands import EdgeDesk
from shared.reconcile.edges.engine import EdgeEngine
from shared.reconcile.edges.intake import EdgeIntake, EdgeLeases
from shared.reconcile.engine_parts import Running
from shared.reconcile.options.holding import routed_over, waits_for_edges
from tests.fakes import Cloud
from tests.support.edges import LONG_AGO, an_edge
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, WORKSPACE, InMemoryMesh, network_of
from tests.support.trouble import Trouble
from tests.unit.reconcile.edges.mesh import RATES
from tests.unit.reconcile.edges.people import ANNE, BERT

ZONE = f"{HUB_GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.database.windows.net"
REPORTS, SALES = NodeKey.of(SUBSCRIPTION, "reports"), NodeKey.of(SUBSCRIPTION, "sales")
SERVER = f"{SALES.group_id}/providers/Microsoft.Sql/servers/s"
TO_SERVER = EdgeRequest(consumer=REPORTS, provider=SALES, interface="sql", target=SERVER, purpose="p")
TO_NETWORK = EdgeRequest(consumer=REPORTS, provider=SALES, interface="peering", purpose="p")


class WholeMesh(InMemoryMesh):
    """A mesh whose nodes and edges have one queue, and tell each other."""

    def __init__(self, operation_seconds: float = 0.0, rules: Sequence[Rule] = ()) -> None:
        cloud = Cloud()
        cloud.create_group(NodeKey.of(SUBSCRIPTION, "hub"))
        cloud.create_network(HUB_NETWORK, "10.0.0.0/16")
        cloud.create_resource(WORKSPACE)
        cloud.create_zone(ZONE)
        hub = Hub("hub", HUB_NETWORK, WORKSPACE, zones=(ZONE,))
        mesh = Mesh("meshplane", (hub,), (SUBSCRIPTION,))
        super().__init__(operation_seconds=operation_seconds, cloud=cloud, mesh=mesh)
        touch: EdgeTouch = EdgeIntake(self.edges, self.queue, self.clock, self.timing)
        self.edge_touch = touch  # type: ignore[assignment]
        self.engine = self.new_engine(Trouble(self.clock))
        ids = count(1)
        self.desk = EdgeDesk(
            self.edges,
            self.nodes,
            self.history,
            self.queue,
            self.clock,
            rules,
            Terms(),
            lambda: f"e{next(ids)}",
        )
        self.edge_leases = EdgeLeases(self.edges, self.queue, self.clock)
        self.edge_engine = EdgeEngine(
            self.mesh,
            self.arm,
            self.stores(),
            Running(self.clock, self.timing, lambda: f"edge-run-{next(self._runs)}", random.Random(3)),
            touch=self.intake,
            rates=RATES,
            terms=Terms(),
        )

    async def handle(self, item: WorkItem) -> None:
        key = parse_key(item.key)
        if not isinstance(key, EdgeKey):
            await super().handle(item)
            return
        try:
            result = await self.edge_engine.reconcile(key)
        except MeshError:
            self.queue.put_back(item, 30.0)
            return
        if result.requeue_after is not None:
            await self.queue.enqueue(item, delay=result.requeue_after)

    async def onboard(self, **options: str) -> None:
        """Two nodes with their networks; the provider has a SQL server."""
        for number, key in enumerate((REPORTS, SALES), 1):
            tags = {"mesh-node": key.group, "mesh-network": options.get(key.group, "hub")}
            self.create_node(key.group, f"10.{number}.0.0/16", tags)
            self.cloud.create_subnet(f"{network_of(key)}/subnets/default", f"10.{number}.0.0/24")
            await self.event(key.group_id)
        self.cloud.create_resource(SERVER)
        await self.until_quiet()

    async def retag(self, key: NodeKey, option: str) -> None:
        self.cloud.tag(key, {"mesh-node": key.group, "mesh-network": option})
        await self.event(key.group_id)

    async def active(self, request: EdgeRequest) -> EdgeRecord:
        edge = await self.desk.request(ANNE, request)
        await self.desk.approve(BERT, edge.key, "fine")
        await self.until_quiet()
        return await self.edge(edge.key, "Active")

    async def edge(self, key: EdgeKey, state: str) -> EdgeRecord:
        edge = await self.edges.get(key)
        assert edge
        assert edge.state == state, edge.conditions
        return edge

    def linked(self, key: NodeKey) -> bool:
        links = self.cloud.zones[normal_id(ZONE)].links.values()
        return any(normal_id(link.network) == normal_id(network_of(key)) for link in links)

    def joined(self, one: str, other: str) -> bool:
        """Whether two networks are peered, on both sides."""
        pairs = ((one, other), (other, one))
        sides = [self.cloud.networks[normal_id(a)].side_to(b) for a, b in pairs]
        return all(side is not None and side.state == "Connected" for side in sides)

    def reaches(self) -> bool:
        """Whether the consumer reaches the provider, through the hub or directly."""
        ours, theirs = network_of(REPORTS), network_of(SALES)
        return self.joined(ours, theirs) or (
            self.joined(ours, HUB_NETWORK) and self.joined(HUB_NETWORK, theirs)
        )


@pytest.mark.parametrize("option", ["hub", "sandbox", "endpoints"])
async def test_names_resolve_for_the_consumer_as_long_as_it_has_the_edge(option: str) -> None:
    mesh = WholeMesh()
    await mesh.onboard(reports=option)
    before = mesh.linked(REPORTS)
    edge = await mesh.active(TO_SERVER)
    assert mesh.linked(REPORTS)
    await mesh.desk.revoke(BERT, edge.key, "done")
    await mesh.until_quiet()
    await mesh.edge(edge.key, "Revoked")
    assert mesh.linked(REPORTS) == before


@pytest.mark.parametrize("seconds", [0.0, 15.0])
async def test_an_edge_through_the_hub_keeps_its_way_while_its_consumer_leaves_the_hub(
    seconds: float,
) -> None:
    mesh = WholeMesh(seconds)
    await mesh.onboard()
    edge = await mesh.active(TO_NETWORK)
    assert edge.route
    assert edge.route.exposure == "hub"
    await mesh.retag(REPORTS, "mesh")
    while await mesh.step():
        assert mesh.reaches()
        pending = (await mesh.edges.get(edge.key)) or edge
        if asked_anew(pending):
            await mesh.desk.approve(BERT, edge.key, "directly, then", pending.etag)
    await mesh.resync_all()
    edge = await mesh.edge(edge.key, "Active")
    assert edge.route
    assert edge.route.exposure == "peering"
    assert not mesh.joined(network_of(REPORTS), HUB_NETWORK)


@pytest.mark.parametrize("state", ["Active", "Revoked"])
async def test_a_node_that_waits_for_its_edges_goes_on_once_they_need_the_connection_no_more(
    state: str,
) -> None:
    mesh = WholeMesh(60.0)
    await mesh.onboard()
    edge = await mesh.active(TO_NETWORK)
    await mesh.retag(REPORTS, "mesh")
    await _until(mesh, lambda node, edges: waits_for_edges(node.conditions) and asked_anew(edges[0]))
    if state == "Active":
        shown = await mesh.desk.get(BERT, edge.key)
        await mesh.desk.approve(BERT, edge.key, "directly, then", shown.etag)
    if state == "Revoked":
        await mesh.desk.revoke(BERT, edge.key, "done")
    await _until(mesh, lambda _, edges: not routed_over(edges, "meshplane", (), to_hub=False))
    released = mesh.clock.now()
    await _until(mesh, lambda node, _: not waits_for_edges(node.conditions))
    assert (mesh.clock.now() - released).total_seconds() <= 2 * mesh.timing.event_delay
    await mesh.edge(edge.key, state)


async def _until(mesh: WholeMesh, reached: Callable[[NodeRecord, list[EdgeRecord]], bool]) -> None:
    """Until something is true of the consumer's node and the edges."""
    while not reached(await mesh.record(REPORTS), list(mesh.edges.records.values())):
        assert await mesh.step(), "it comes to rest before"


@pytest.mark.parametrize(("environment", "state"), [("Prod", "Approved"), ("test", "PendingApproval")])
async def test_a_rule_may_name_the_environment_that_a_node_is_tagged_with(
    environment: str, state: str
) -> None:
    rule = Rule(name="production", ruling="accept", provider_environments=("prod",))
    mesh = WholeMesh(rules=(rule,))
    await mesh.onboard()
    mesh.cloud.tag(SALES, {"mesh-node": "sales", "mesh-environment": environment})
    await mesh.event(SALES.group_id)
    await mesh.until_quiet()
    edge = await mesh.desk.request(ANNE, TO_SERVER)
    assert edge.state == state


def test_an_edge_that_is_being_led_another_way_keeps_the_former_connection_until_it_is_there() -> None:
    artefact = (
        f"{network_of(REPORTS)}/virtualNetworkPeerings/{edge_peering_name('meshplane', network_of(SALES))}"
    )
    edge = an_edge(REPORTS, SALES, "peering", artefact=artefact)
    moving = msgspec.structs.replace(edge, state="Provisioning", active_at=LONG_AGO)
    new = msgspec.structs.replace(moving, active_at=None)
    assert routed_over([edge, moving, new], "meshplane", (), to_hub=False) == [moving]


async def test_a_node_that_loses_its_tag_loses_its_edges_first() -> None:
    mesh = WholeMesh(5.0)
    await mesh.onboard()
    edge = await mesh.active(TO_SERVER)
    through = await mesh.active(TO_NETWORK)
    mesh.cloud.tag(SALES, {})
    await mesh.event(SALES.group_id)
    await mesh.until_quiet()
    await mesh.resync_all()
    await mesh.edge(edge.key, "Revoked")
    await mesh.edge(through.key, "Revoked")
    assert mesh.cloud.endpoints == {}
    assert (await mesh.record(SALES)).state == "Offboarded"


async def test_an_edge_that_a_sandbox_allows_no_more_fails_and_does_not_hold_the_node_up() -> None:
    mesh = WholeMesh()
    await mesh.onboard()
    edge = await mesh.active(msgspec.structs.replace(TO_NETWORK, exposure="hub"))
    await mesh.retag(REPORTS, "sandbox")
    await mesh.until_quiet()
    await mesh.resync_all()
    edge = await mesh.edge(edge.key, "Failed")
    assert edge.conditions[0].reason == "OptionForbids"
    assert (await mesh.record(REPORTS)).ready
