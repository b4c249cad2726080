"""Several consumers of one product: each finds the target by its public name, at its own endpoint."""

import asyncio
from collections.abc import Sequence
from itertools import permutations

import msgspec
import pytest

from shared.domain.artefacts import own_zone_id
from shared.domain.edge import EdgeRecord, EdgeRequest
from shared.domain.errors import Transient
from shared.domain.ids import EdgeKey, NodeKey, name_of, normal_id, same_id
from shared.ports import WorkItem
from tests.fakes.state import Link
from tests.support.mesh import HUB_GROUP, SUBSCRIPTION, network_of
from tests.unit.reconcile.edges.people import ANNE, BERT
from tests.unit.reconcile.edges.test_with_nodes import SALES, SERVER, ZONE, WholeMesh

A, B, C = (NodeKey.of(SUBSCRIPTION, f"team-{name}") for name in "abc")
OTHER_SERVER = f"{SALES.group_id}/providers/Microsoft.Sql/servers/other"
SQL = "privatelink.database.windows.net"


class Product(WholeMesh):
    """A provider with two servers and nodes that consume them; at each step it is asked what the names lead to."""

    def __init__(self, operation_seconds: float = 0.0, *, zones: bool = True) -> None:
        super().__init__(operation_seconds)
        self.astray: list[str] = []
        if not zones:
            hub = msgspec.structs.replace(self.mesh.hubs[0], zones=())
            self.mesh = msgspec.structs.replace(self.mesh, hubs=(hub,))
            self.edge_engine._mesh = self.edge_engine._observer._mesh = self.mesh
            self.restart()

    async def with_consumers(self, *consumers: NodeKey, option: str = "hub") -> "Product":
        for number, key in enumerate((SALES, *consumers), 1):
            tags = {"mesh-node": key.group, "mesh-network": "hub" if key == SALES else option}
            self.create_node(key.group, f"10.{number}.0.0/16", tags)
            self.cloud.create_subnet(f"{network_of(key)}/subnets/default", f"10.{number}.0.0/24")
            await self.event(key.group_id)
        for server in (SERVER, OTHER_SERVER):
            self.cloud.create_resource(server)
        await self.until_quiet()
        return self

    async def resync_all(self) -> None:
        """The timers of nodes and of edges."""
        await super().resync_all()
        await self.edge_leases.enqueue_due()
        await self.until_quiet()

    async def step(self) -> bool:
        going = await super().step()
        self._look()
        return going

    def _look(self) -> None:
        """An edge that is Active never leads astray; one in a zone of the consumer's own always leads home."""
        for edge in self.edges.records.values():
            if edge.state not in ("Active", "Expiring") or edge.route is None:
                continue
            found = self.found(edge.request.consumer, edge.request.target)
            # The hub's zone is linked when the first edge in it is Active, as for any node.
            fine = (
                (*edge.addresses, "public")
                if any(same_id(z, ZONE) for z in edge.route.zones)
                else edge.addresses
            )
            if found not in fine:
                self.astray.append(f"{edge.request.consumer.group} found {found}, not {edge.addresses}")

    def found(self, consumer: NodeKey, target: str = SERVER) -> str:
        return self.cloud.resolve(network_of(consumer), f"{name_of(target)}.database.windows.net")

    def at_home(self, *consumers: NodeKey, target: str = SERVER) -> bool:
        """Whether each finds the target at an endpoint in its own network."""
        homes = {e.address for e in self.cloud.endpoints.values() if same_id(e.target, target)}
        own = [self._endpoint(key, target) for key in consumers]
        return homes >= set(own) and [self.found(key, target) for key in consumers] == own

    def _endpoint(self, key: NodeKey, target: str) -> str:
        inside = normal_id(network_of(key))
        return next(
            e.address
            for e in self.cloud.endpoints.values()
            if same_id(e.target, target) and normal_id(e.subnet).startswith(inside)
        )

    async def ask(self, consumer: NodeKey, target: str = SERVER) -> EdgeKey:
        request = EdgeRequest(consumer=consumer, provider=SALES, interface="sql", target=target, purpose="p")
        edge = await self.desk.request(ANNE, request)
        return (await self.desk.approve(BERT, edge.key, "fine")).key

    async def get(self, consumer: NodeKey, target: str = SERVER) -> EdgeRecord:
        key = await self.ask(consumer, target)
        await self.until_quiet()
        return await self.edge(key, "Active")

    async def end(self, *edges: EdgeRecord) -> None:
        for edge in edges:
            await self.desk.revoke(BERT, edge.key, "done")
        await self.until_quiet()
        for edge in edges:
            await self.edge(edge.key, "Revoked")

    def zones(self) -> list[str]:
        """The groups that have a zone of that name, the hub's apart."""
        return sorted(z.id.split("/")[4] for z in self.cloud.zones.values() if not same_id(z.id, ZONE))

    def linked_to(self, key: NodeKey) -> list[str]:
        """The groups of the zones that a node's network is linked to."""
        return [
            zone.id.split("/")[4]
            for zone in self.cloud.zones.values()
            for link in zone.links.values()
            if same_id(link.network, network_of(key))
        ]

    async def nothing_is_left(self, *consumers: NodeKey) -> None:
        await self.resync_all()
        assert self.cloud.endpoints == {}
        assert self.zones() == []
        assert self.cloud.records(ZONE) == {}
        for key in consumers:
            record = await self.record(key)
            assert (record.ready, record.own_zones, record.zone_links) == (True, (), ())
            assert self.linked_to(key) == []


@pytest.mark.parametrize("seconds", [0.0, 7.0])
@pytest.mark.parametrize("leaving", list(permutations(range(3))))
async def test_three_consumers_find_their_own_endpoints_in_whatever_order_they_leave(
    leaving: Sequence[int], seconds: float
) -> None:
    mesh = await Product(seconds).with_consumers(A, B, C)
    edges = [await mesh.get(key) for key in (A, B, C)]
    assert mesh.at_home(A, B, C)
    assert (mesh.zones(), mesh.linked_to(A), mesh.linked_to(B)) == (["team-b", "team-c"], ["hub"], ["team-b"])
    staying = {0: A, 1: B, 2: C}
    for number in leaving:
        await mesh.end(edges[number])
        del staying[number]
        assert mesh.at_home(*staying.values())
    assert mesh.astray == []
    await mesh.nothing_is_left(A, B, C)


@pytest.mark.parametrize("seconds", [0.0, 7.0])
async def test_one_consumer_alone_uses_the_hubs_zone(seconds: float) -> None:
    mesh = await Product(seconds).with_consumers(A, B)
    edge = await mesh.get(A)
    other = await mesh.get(B, OTHER_SERVER)
    assert mesh.at_home(A)
    assert mesh.at_home(B, target=OTHER_SERVER)
    assert (mesh.zones(), "put_zone" in mesh.arm.calls) == ([], False)
    await mesh.end(edge, other)
    assert mesh.astray == []
    await mesh.nothing_is_left(A, B)


@pytest.mark.parametrize("seconds", [0.0, 7.0])
async def test_what_a_consumer_had_in_the_hubs_zone_follows_it_into_its_own(seconds: float) -> None:
    mesh = await Product(seconds).with_consumers(A, B)
    first = await mesh.get(A)
    sibling = await mesh.get(B, OTHER_SERVER)
    assert mesh.linked_to(B) == ["hub"]
    second = await mesh.get(B)
    sibling = await mesh.edge(sibling.key, "Active")
    assert sibling.route
    assert sibling.route.zones == (own_zone_id(B, SQL),)
    assert mesh.at_home(A, B)
    assert mesh.at_home(B, target=OTHER_SERVER)
    assert mesh.linked_to(B) == ["team-b"]
    assert list(mesh.cloud.records(ZONE)) == ["s"]
    await mesh.end(second)
    assert (mesh.zones(), mesh.at_home(B, target=OTHER_SERVER)) == (["team-b"], True)
    await mesh.end(sibling)
    assert mesh.zones() == []
    again = await mesh.get(B, OTHER_SERVER)
    assert (mesh.zones(), mesh.linked_to(B)) == ([], ["hub"])
    await mesh.end(first, again)
    assert mesh.astray == []
    await mesh.nothing_is_left(A, B)


@pytest.mark.parametrize("option", ["hub", "sandbox", "endpoints"])
async def test_the_hubs_link_comes_back_where_the_option_needs_it(option: str) -> None:
    mesh = await Product().with_consumers(A, B, option=option)
    before = mesh.linked_to(B)
    edges = [await mesh.get(A), await mesh.get(B)]
    assert (mesh.at_home(A, B), mesh.linked_to(B)) == (True, ["team-b"])
    await mesh.end(edges[1])
    assert mesh.linked_to(B) == before
    await mesh.end(edges[0])
    assert mesh.astray == []


@pytest.mark.parametrize("seconds", [0.0, 7.0])
async def test_a_hub_without_a_zone_of_the_name_leaves_no_name_unresolved(seconds: float) -> None:
    mesh = await Product(seconds, zones=False).with_consumers(A, B)
    edges = [await mesh.get(A), await mesh.get(B), await mesh.get(A, OTHER_SERVER)]
    assert (mesh.at_home(A, B), mesh.zones()) == (True, ["team-a", "team-b"])
    assert mesh.at_home(A, target=OTHER_SERVER)
    await mesh.end(*edges)
    assert mesh.astray == []
    await mesh.nothing_is_left(A, B)


@pytest.mark.parametrize("seconds", [0.0, 7.0])
async def test_consumers_that_come_at_once_do_not_share_a_name(seconds: float) -> None:
    mesh = await Product(seconds).with_consumers(A, B, C)
    keys = [await mesh.ask(key) for key in (A, B, C)]
    for _ in range(4):
        await asyncio.gather(*(mesh.handle(WorkItem(str(key), "at once")) for key in keys))
        mesh._look()
    await mesh.until_quiet()
    edges = [await mesh.edge(key, "Active") for key in keys]
    assert mesh.at_home(A, B, C)
    assert len(mesh.zones()) == 2
    assert mesh.astray == []
    await mesh.end(*edges)
    await mesh.nothing_is_left(A, B, C)


async def test_a_name_that_somebody_else_took_is_found_at_the_next_look_and_kept_in_a_zone_of_ones_own() -> (
    None
):
    mesh = await Product().with_consumers(A, B)
    edge = await mesh.get(A)
    foreign = await foreign_endpoint(mesh, SERVER)
    assert mesh.found(A) == foreign
    await mesh.resync_all()
    edge = await mesh.edge(edge.key, "Active")
    assert (mesh.at_home(A), mesh.zones()) == (True, ["team-a"])
    assert mesh.cloud.records(ZONE) == {"s": {foreign}}


async def test_a_name_that_somebody_else_has_is_not_taken_from_them() -> None:
    mesh = await Product().with_consumers(A)
    foreign = await foreign_endpoint(mesh, SERVER)
    await mesh.get(A)
    assert (mesh.at_home(A), mesh.zones()) == (True, ["team-a"])
    assert mesh.cloud.records(ZONE) == {"s": {foreign}}


async def foreign_endpoint(mesh: Product, target: str) -> str:
    """An endpoint that somebody made by hand in the hub, which keeps its name in the hub's zone."""
    subnet = f"{mesh.mesh.hubs[0].network}/subnets/shared"
    mesh.cloud.create_subnet(subnet, "10.0.9.0/24")
    endpoint = f"{HUB_GROUP}/providers/Microsoft.Network/privateEndpoints/theirs"
    await mesh.arm.put_private_endpoint(
        endpoint, "westeurope", subnet, target, "sqlServer", manual=False, message=""
    )
    await mesh.arm.put_zone_group(f"{endpoint}/privateDnsZoneGroups/theirs", [ZONE])
    return mesh.cloud.endpoints[normal_id(endpoint)].address


@pytest.mark.parametrize("lost", ["zone", "record", "link"])
async def test_what_somebody_deletes_of_a_consumers_names_comes_back(lost: str) -> None:
    mesh = await Product().with_consumers(A, B)
    await mesh.get(A)
    await mesh.get(B)
    zone = mesh.cloud.zones[normal_id(own_zone_id(B, SQL))]
    if lost == "zone":
        mesh.cloud.delete_resource(zone.id)
    elif lost == "record":
        zone.records.clear()
    else:
        zone.links.clear()
    await mesh.resync_all()
    await mesh.resync_all()
    assert mesh.at_home(A, B)
    assert (await mesh.record(B)).ready


async def test_a_zone_of_the_name_that_was_there_before_is_used_and_left() -> None:
    mesh = await Product().with_consumers(A, B)
    mesh.cloud.create_zone(own_zone_id(B, SQL))
    edges = [await mesh.get(A), await mesh.get(B)]
    assert mesh.at_home(A, B)
    assert not any("privatednszones" in normal_id(i) for e in edges for i in e.owned)
    await mesh.end(*edges)
    assert (mesh.zones(), mesh.linked_to(B)) == (["team-b"], [])


async def test_a_link_that_somebody_made_to_the_hubs_zone_is_named_as_what_stands_in_the_way() -> None:
    mesh = await Product().with_consumers(A, B)
    mesh.cloud.zones[normal_id(ZONE)].links["theirs"] = Link(
        f"{ZONE}/virtualNetworkLinks/theirs", network_of(B)
    )
    await mesh.get(A)
    key = await mesh.ask(B)
    for _ in range(60):
        await mesh.step()
    await mesh.edge(key, "Provisioning")
    said = {c.type: c.reason for c in (await mesh.record(B)).conditions}
    assert said["NamesResolve"] == "ForeignZoneLink"
    mesh.cloud.zones[normal_id(ZONE)].links.clear()
    await mesh.resync_all()
    await mesh.edge(key, "Active")
    assert mesh.at_home(B)


async def test_a_node_that_leaves_takes_its_zone_with_it_and_nobody_elses_name() -> None:
    mesh = await Product(7.0).with_consumers(A, B)
    edges = [await mesh.get(A), await mesh.get(B)]
    mesh.cloud.tag(B, {})
    await mesh.event(B.group_id)
    await mesh.until_quiet()
    await mesh.resync_all()
    await mesh.edge(edges[1].key, "Revoked")
    assert (mesh.zones(), mesh.at_home(A), (await mesh.record(B)).state) == ([], True, "Offboarded")
    assert mesh.linked_to(B) == []
    assert mesh.astray == []


async def test_the_dry_run_of_a_second_consumer_shows_its_own_zone() -> None:
    mesh = await Product().with_consumers(A, B)
    await mesh.get(A)
    zones: dict[NodeKey, tuple[str, ...]] = {}
    for key in (A, B):
        request = EdgeRequest(consumer=key, provider=SALES, interface="sql", target=SERVER, purpose="p")
        planned = await mesh.edge_engine.preview(request)
        assert planned.route
        zones[key] = planned.route.zones
    assert zones == {A: (ZONE,), B: (own_zone_id(B, SQL),)}


async def test_a_name_that_its_holder_lost_for_a_while_is_not_given_to_the_next_one() -> None:
    mesh = await Product().with_consumers(A, B)
    await mesh.get(A)
    mesh.cloud.zones[normal_id(ZONE)].records.clear()
    edge = await mesh.get(B)
    assert edge.route
    assert edge.route.zones == (own_zone_id(B, SQL),)
    await mesh.resync_all()
    assert mesh.at_home(A, B)
    assert len(mesh.cloud.records(ZONE)) == 1


CALLS = (
    "put_zone",
    "delete_zone",
    "put_zone_link",
    "delete_zone_link",
    "list_zone_links",
    "put_zone_group",
    "put_private_endpoint",
    "delete_private_endpoint",
    "get_addresses",
    "get_zone",
)


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("call", CALLS)
async def test_whatever_azure_refuses_once_or_answers_too_late_everybody_finds_their_own_in_the_end(
    call: str, after_effect: bool
) -> None:
    mesh = await Product(3.0).with_consumers(A, B)
    first, sibling = await mesh.get(A), await mesh.get(B, OTHER_SERVER)
    mesh.arm.inject(call, Transient("GatewayTimeout", "no answer"), after_effect=after_effect, times=2)
    second = await mesh.get(B)
    assert (mesh.at_home(A, B), mesh.at_home(B, target=OTHER_SERVER)) == (True, True)
    mesh.arm.inject(call, Transient("GatewayTimeout", "no answer"), after_effect=after_effect, times=2)
    await mesh.end(second, sibling)
    mesh.arm.calm_down()
    assert (mesh.zones(), mesh.at_home(A), mesh.astray) == ([], True, [])
    await mesh.end(first)
    await mesh.nothing_is_left(A, B)
