"""Places for private endpoints: whatever happens at once, no more are made than Azure takes across peered networks."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest

from shared.domain.edge import EdgeRecord
from shared.domain.errors import Conflict
from shared.domain.hub import ComingEndpoint, HubRecord, digest_of
from shared.domain.ids import EdgeKey, HubKey, NodeKey
from shared.domain.naming import hub_peering_name
from shared.domain.network import PeeringFlags
from shared.domain.node import LastRun, NodeRecord
from shared.reconcile.engine_parts import Running
from shared.reconcile.hubs.coming import GRACE, still_coming
from shared.reconcile.hubs.engine import HubEngine
from shared.reconcile.preflight import ENDPOINTS_ACROSS
from tests.fakes.clock import START
from tests.fakes.state import Side
from tests.support.mesh import HUB_NETWORK, SUBSCRIPTION
from tests.unit.reconcile.edges.mesh import EdgeMesh, network_of
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, PROVIDER, REQUEST

PRIVATELY = msgspec.structs.replace(REQUEST, exposure="private-endpoint")
ROOM = 3
FULL_NODE = NodeKey.of(SUBSCRIPTION, "full")
HUB = HubKey("hub")
NODE_LOOKS, HUB_LOOKS = "a node's look", "a hub's look"


class Crowd(EdgeMesh):
    """A hub whose other node has so many endpoints that three more are all that there may be."""

    async def start(self) -> "Crowd":
        await super().start()
        full = NodeRecord(key=FULL_NODE, state="Ready", network="hub", hub="hub")
        await self.set_node(msgspec.structs.replace(full, private_endpoints=ENDPOINTS_ACROSS - ROOM))
        for key in (CONSUMER, FULL_NODE):
            self._peer(key)
        self.looks = HubEngine(
            self.mesh,
            self.arm,
            self.stores(),
            Running(self.clock, self.timing, lambda: "a hub's run", random.Random(1)),
            self.touch.bump,
        )
        await self.look_at_hub()
        return self

    def _peer(self, key: NodeKey) -> None:
        name, remote = hub_peering_name("meshplane", key, network_of(key)), network_of(key)
        hub = self.cloud.networks[HUB_NETWORK.lower()]
        peering = f"{hub.id}/virtualNetworkPeerings/{name}"
        hub.sides[name.lower()] = Side(peering, remote, ("10.9.0.0/16",), PeeringFlags(), "Connected")

    async def hub(self) -> HubRecord:
        record = await self.hubs.get(HUB)
        assert record
        return record

    async def look_at_hub(self) -> None:
        record = await self.hubs.get(HUB) or HubRecord(key=HUB)
        await self.hubs.save(msgspec.structs.replace(record, generation=record.generation + 1))
        await self.looks.reconcile(HUB)

    async def look_at_node(self) -> None:
        """What its own engine records of its networks."""
        self.clock.advance(120)
        record = await self.nodes.get(CONSUMER)
        assert record
        looked = LastRun(self.clock.now(), "run", "Ready")
        count = len(self.endpoints)
        await self.nodes.save(msgspec.structs.replace(record, last_run=looked, private_endpoints=count))

    async def ask(self, number: int) -> EdgeRecord:
        server = f"{PROVIDER.group_id}/providers/Microsoft.Sql/servers/s{number}"
        self.cloud.create_resource(server)
        edge = await self.desk.request(ANNE, msgspec.structs.replace(PRIVATELY, target=server))
        return await self.desk.approve(BERT, edge.key, "fine")

    async def all_at_once(self) -> None:
        """Every message that can be seen is handled at the same time."""
        items = []
        while item := self.queue.pop_visible():
            items.append(item)
        await asyncio.gather(*(self.handle(item) for item in items))

    def check(self) -> None:
        assert len(self.endpoints) <= ROOM, self.endpoints


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_of_a_burst_only_so_many_are_made_as_there_is_room_for(seconds: float) -> None:
    mesh = await Crowd(operation_seconds=seconds).start()
    edges = [await mesh.ask(number) for number in range(8)]
    for _ in range(40):
        await mesh.all_at_once()
        mesh.check()
        mesh.clock.advance(10)
    await mesh.until_quiet()
    records = [await mesh.edge(e.key) for e in edges]
    states = sorted(r.state for r in records)
    assert states == ["Active"] * ROOM + ["Failed"] * (8 - ROOM)
    assert len((await mesh.hub()).coming) == ROOM
    reasons = {r.conditions[0].reason for r in records if r.state == "Failed"}
    assert reasons == {"PrivateEndpointsAcrossPeerings"}


@pytest.mark.parametrize("seed", range(12))
async def test_in_no_history_are_more_made_and_every_place_is_given_back(seed: int) -> None:
    """Edges come and go in bursts, while the hub and the node are looked at or not; at last all are revoked."""
    draw = random.Random(seed)
    mesh = await Crowd(operation_seconds=draw.choice([0.0, 15.0])).start()
    edges: list[EdgeRecord] = []
    for _ in range(25):
        match draw.choice(["ask", "ask", "work", "work", "revoke", NODE_LOOKS, HUB_LOOKS, "time"]):
            case "ask":
                edges.append(await mesh.ask(len(edges)))
            case "work":
                await mesh.all_at_once()
            case "revoke" if edges:
                await _revoked(mesh, draw.choice(edges).key)
            case "a node's look":
                await mesh.look_at_node()
            case "a hub's look":
                await mesh.look_at_hub()
            case "time":
                mesh.clock.advance(draw.choice([5.0, 60.0, 700.0]))
        mesh.check()
    await mesh.until_quiet()
    mesh.check()
    for edge in edges:
        await _revoked(mesh, edge.key)
    await mesh.until_quiet()
    mesh.clock.advance(GRACE.total_seconds())
    await mesh.look_at_node()
    await mesh.look_at_hub()
    assert ((await mesh.hub()).coming, mesh.endpoints) == ((), [])
    last = [await mesh.ask(100 + number) for number in range(ROOM)]
    await mesh.until_quiet()
    assert {(await mesh.edge(e.key)).state for e in last} == {"Active"}


async def test_what_a_look_counts_is_counted_once() -> None:
    mesh = await Crowd().start()
    for number in range(2):
        await mesh.ask(number)
    await mesh.until_quiet()
    await mesh.look_at_hub()
    record = await mesh.hub()
    assert (record.endpoints, len(record.coming)) == (ENDPOINTS_ACROSS - ROOM, 2)
    await mesh.look_at_node()
    await mesh.look_at_hub()
    record = await mesh.hub()
    assert (record.endpoints, record.coming) == (ENDPOINTS_ACROSS - ROOM + 2, ())


async def test_a_place_that_is_taken_during_a_hubs_look_stays_taken() -> None:
    mesh = await Crowd().start()
    real = mesh.arm.get_network

    async def taken_meanwhile(network_id: str) -> object:
        mesh.arm.get_network = real  # type: ignore[method-assign]
        await mesh.ask(1)
        await mesh.until_quiet()
        return await real(network_id)

    mesh.arm.get_network = taken_meanwhile  # type: ignore[method-assign,assignment]
    await mesh.look_at_hub()
    assert (len((await mesh.hub()).coming), len(mesh.endpoints)) == (1, 1)


def _place(minutes: float = 0.0) -> tuple[ComingEndpoint, EdgeRecord, NodeRecord]:
    """A place that was taken so many minutes after START, its edge, Active since then, and its node."""
    at, artefact = START + timedelta(minutes=minutes), "/endpoint"
    edge = EdgeRecord(
        key=EdgeKey("e"),
        request=PRIVATELY,
        state="Active",
        requested_by="",
        requested_at=at,
        owned=(artefact,),
    )
    place = ComingEndpoint(digest_of(artefact), edge.key, CONSUMER, at)
    return place, msgspec.structs.replace(edge, told_at=at), NodeRecord(key=CONSUMER)


@pytest.mark.parametrize(
    ("changes", "looked", "later", "stays"),
    [
        ({}, None, 60, True),
        ({}, -1, 60, True),
        ({}, 1, 60, True),
        ({}, 2, 60, False),
        ({"state": "Provisioning"}, 2, 60, True),
        ({"state": "Failed"}, 2, 60, True),
        ({"owned": ()}, None, 9, True),
        ({"owned": ()}, None, 11, False),
        ({"owned": ("/another",)}, 2, 11, False),
    ],
)
def test_a_place_is_kept_until_its_endpoint_was_counted_or_is_not_made(
    changes: dict[str, object], looked: int | None, later: int, stays: bool
) -> None:
    """By the edge's record, when its node was looked at (minutes after it became Active), and the time."""
    place, edge, node = _place()
    edge = msgspec.structs.replace(edge, **changes)
    if looked is not None:
        run = LastRun(START + timedelta(minutes=looked), "run", "Ready")
        node = msgspec.structs.replace(node, last_run=run)
    now = START + timedelta(minutes=later)
    assert still_coming(place, {edge.key: edge}, {CONSUMER: node}, now) is stays
    assert not still_coming(place, {edge.key: edge}, {}, START + timedelta(hours=1))
    assert not still_coming(place, {}, {CONSUMER: node}, START + timedelta(hours=1))


async def _revoked(mesh: Crowd, key: EdgeKey) -> None:
    with suppress(Conflict):  # it is over already
        await mesh.desk.revoke(BERT, key, "enough")
