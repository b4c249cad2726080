"""The edge engine against Resource Manager: what is made, read back and taken away, on the fake and over HTTPS."""

import random
from datetime import timedelta
from itertools import count
from pathlib import Path

import msgspec
import pytest

from shared.domain.actor import Actor, Role
from shared.domain.cost import Rates
from shared.domain.edge import EdgeRecord, EdgeRequest, Exposure, Interface
from shared.domain.errors import NotFound
from shared.domain.ids import EdgeKey, NodeKey, same_id
from shared.domain.mesh import Mesh, Terms, Timing
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from shared.reconcile.edges.commands import EdgeDesk
from shared.reconcile.edges.engine import EdgeEngine
from shared.reconcile.engine_parts import Running
from tests.contract.azure import LOCATION, Azure
from tests.contract.landscape import SQL, STORAGE
from tests.support.stores import InMemoryStores

RATES = msgspec.toml.decode(Path("shared/domain/rates.toml").read_bytes(), type=Rates)
ANNE = Actor("anne", frozenset({Role.REQUESTER}))
BERT = Actor("bert", frozenset({Role.APPROVER}))
SQL_ZONE, BLOB_ZONE = "privatelink.database.windows.net", "privatelink.blob.core.windows.net"
MOST_RUNS = 60


class NoNodes:
    """NodeTouch: the nodes' own engine is not part of this."""

    async def bump(self, key: NodeKey, cause: str, resource: str = "") -> bool:
        return True


class Setting(InMemoryStores):
    """A consumer and a provider with their networks, a hub's zones, and the real desk and engine."""

    def __init__(self, azure: Azure) -> None:
        super().__init__()
        self.azure = azure
        self.consumer, self.provider = azure.key("reports"), azure.key("sales")
        self.hub_group = azure.key("hub")
        hub = Hub(
            "hub",
            f"{self.hub_group.group_id}/providers/Microsoft.Network/virtualNetworks/hub",
            f"{self.hub_group.group_id}/providers/Microsoft.OperationalInsights/workspaces/w",
            zones=tuple(self.zone(name) for name in (SQL_ZONE, BLOB_ZONE)),
        )
        runs, ids = count(1), count(1)
        self.desk = EdgeDesk(
            self.edges, self.nodes, self.history, self.queue, self.clock, (), Terms(), lambda: f"e{next(ids)}"
        )
        self.engine = EdgeEngine(
            Mesh("meshplane", (hub,), (azure.subscription,)),
            azure.port,
            self.stores(),
            Running(self.clock, Timing(), lambda: f"run-{next(runs)}", random.Random(7)),
            touch=NoNodes(),
            rates=RATES,
            terms=Terms(),
        )

    def zone(self, name: str) -> str:
        return f"{self.hub_group.group_id}/providers/Microsoft.Network/privateDnsZones/{name}"

    def network(self, key: NodeKey) -> str:
        return f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net"

    def subnet(self, name: str) -> str:
        return f"{self.network(self.consumer)}/subnets/{name}"

    async def start(self) -> "Setting":
        await self.azure.create_group(self.hub_group)
        for name in (SQL_ZONE, BLOB_ZONE):
            await self.azure.create_zone(self.zone(name))
        for number, key in enumerate((self.consumer, self.provider), 1):
            await self.azure.create_group(key)
            await self.azure.put_network(self.network(key), f"10.{number}.0.0/16")
            await self.nodes.save(
                NodeRecord(key=key, state="Ready", location=LOCATION, network="hub", hub="hub")
            )
        await self.azure.create_subnet(self.subnet("workload"), "10.1.0.0/24")
        await self.azure.create_subnet(self.subnet("private-endpoints"), "10.1.1.0/27")
        return self

    async def service(self, kind: str) -> str:
        target = f"{self.provider.group_id}/providers/{kind}/{self.azure.unique('data')}"
        await self.azure.create_resource(target)
        return target

    async def granted(self, interface: Interface, target: str, exposure: Exposure | None = None) -> EdgeKey:
        request = EdgeRequest(
            consumer=self.consumer,
            provider=self.provider,
            interface=interface,
            target=target,
            purpose="p",
            exposure=exposure,
        )
        edge = await self.desk.request(ANNE, request)
        return (await self.desk.approve(BERT, edge.key, "fine")).key

    async def until(self, key: EdgeKey, state: str) -> EdgeRecord:
        for _ in range(MOST_RUNS):
            await self.engine.reconcile(key)
            edge = await self.edges.get(key)
            assert edge is not None
            if edge.state == state and edge.operation is None:
                return edge
            due = edge.next_due or self.clock.now()
            wait = max(due - self.clock.now(), timedelta(seconds=1)).total_seconds()
            self.clock.advance(wait)
            await self.azure.wait(0.01)
        raise AssertionError(f"{state} was not reached: {await self.edges.get(key)}")

    async def converged(self, key: EdgeKey) -> None:
        """The next look finds nothing to write."""
        self.clock.advance(Timing().resync * 2)
        before = len(self.history.entries)
        await self.engine.reconcile(key)
        assert len(self.history.entries) == before


async def test_an_edge_through_a_private_endpoint_is_found_by_name_and_goes_with_its_lease(
    azure: Azure,
) -> None:
    there = await Setting(azure).start()
    server = await there.service(SQL)
    key = await there.granted("sql", server)
    edge = await there.until(key, "Active")
    [endpoint] = edge.owned
    found = await azure.port.get_private_endpoint(endpoint)
    assert same_id(found.subnet, there.subnet("private-endpoints"))
    assert (found.connection_state, found.addresses, found.names) == ("Approved", edge.addresses, edge.names)
    name = server.rpartition("/")[2]
    assert await azure.addresses(there.zone(SQL_ZONE), name) == set(edge.addresses)
    await there.converged(key)
    there.clock.advance(timedelta(days=91).total_seconds())
    edge = await there.until(key, "Revoked")
    with pytest.raises(NotFound):
        await azure.port.get_private_endpoint(endpoint)
    assert await azure.addresses(there.zone(SQL_ZONE), name) == set()


async def test_an_edge_through_a_service_endpoint_lets_the_subnet_in_and_out_again(azure: Azure) -> None:
    there = await Setting(azure).start()
    account = await there.service(STORAGE)
    await azure.close_firewall(account)
    key = await there.granted("storage", account, "service-endpoint")
    await there.until(key, "Active")
    rules = await azure.port.get_network_rules(account)
    assert rules
    assert [same_id(s, there.subnet("workload")) for s in rules.subnets] == [True]
    await there.converged(key)
    await there.desk.revoke(ANNE, key, "done")
    await there.until(key, "Revoked")
    rules = await azure.port.get_network_rules(account)
    assert rules
    assert rules.subnets == ()
    network = await azure.port.get_network(there.network(there.consumer))
    assert {s.name: s.service_endpoints for s in network.subnets}["workload"] == ()


async def test_an_edge_over_a_peering_of_its_own_connects_both_networks_and_leaves_neither(
    azure: Azure,
) -> None:
    there = await Setting(azure).start()
    key = await there.granted("peering", "", "peering")
    await there.until(key, "Active")
    for node in (there.consumer, there.provider):
        network = await azure.port.get_network(there.network(node))
        assert [p.state for p in network.peerings] == ["Connected"]
    await there.converged(key)
    await there.desk.revoke(ANNE, key, "done")
    await there.until(key, "Revoked")
    for node in (there.consumer, there.provider):
        assert (await azure.port.get_network(there.network(node))).peerings == ()


async def test_an_endpoint_that_somebody_deleted_is_made_again(azure: Azure) -> None:
    there = await Setting(azure).start()
    key = await there.granted("storage", await there.service(STORAGE))
    edge = await there.until(key, "Active")
    await azure.port.delete_private_endpoint(edge.owned[0])
    there.clock.advance(Timing().resync * 2)
    await there.until(key, "Active")
    assert (await azure.port.get_private_endpoint(edge.owned[0])).connection_state == "Approved"


async def test_an_owner_who_rejects_the_connection_has_the_edge_revoked(azure: Azure) -> None:
    there = await Setting(azure).start()
    target = await there.service(STORAGE)
    key = await there.granted("storage", target)
    edge = await there.until(key, "Active")
    await azure.reject(edge.owned[0], target)
    there.clock.advance(Timing().resync * 2)
    await there.until(key, "Revoked")
    assert edge.route
    assert list(await azure.port.list_private_endpoint_connections(target)) == []
