"""Random histories of the network plane: options switched, hubs moved and full, rosters full, networks made."""

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.errors import MeshError
from shared.domain.ids import NodeKey, name_of, normal_id
from shared.domain.tags import NETWORKS, is_node, read_tags
from shared.reconcile.intake import ResourceEvent
from shared.reconcile.move import Moves
from tests.support.chaos import MISHAPS, TIME, Act, Chaos
from tests.support.mesh import SUBSCRIPTION, TAGS
from tests.support.people import NAMES
from tests.support.plane import FIRST, SECOND, Plane, writes

TEAMS = ("option", "option", "option", "bare", "move", "untag")
PEOPLE = ("delete_peering", "delete_group", "begin_deleting", "resize")
WEIGHTED = (*TEAMS * 3, *PEOPLE, *MISHAPS, *["worker"] * 6, *TIME * 5)
ACTS = st.tuples(
    st.sampled_from(WEIGHTED), st.integers(0, 2), st.integers(0, 29), st.sampled_from((1, 1, 2, 0))
)
LIMIT = 2


class PlaneChaos(Chaos):
    """With what teams ask of the network plane."""

    mesh: Plane

    async def option(self, choice: int) -> None:
        """A group with a network, or one that is there already, takes up an option."""
        key = _key(choice)
        if key not in self.mesh.cloud.groups:
            self.people.complete(key, 0)
        self._tag(key, {**TAGS, "mesh-network": NETWORKS[choice // 3 % len(NETWORKS)]})

    async def bare(self, choice: int) -> None:
        """The same without a network."""
        key = _key(choice)
        if key not in self.mesh.cloud.groups:
            self.mesh.cloud.create_group(key)
        self._tag(key, {**TAGS, "mesh-network": NETWORKS[choice // 3 % len(NETWORKS)]})

    async def untag(self, choice: int) -> None:
        self._tag(_key(choice), {})

    async def move(self, choice: int) -> None:
        moves = Moves(self.mesh.mesh, self.mesh.arm, self.mesh.nodes, self.mesh.intake)
        try:
            await moves.to_hub(_key(choice), ("hub", "hub-b")[choice // 3 % 2])
        except MeshError:
            return

    def _tag(self, key: NodeKey, tags: dict[str, str]) -> None:
        group = self.mesh.cloud.groups.get(key)
        if group is None or group.deleting:
            return
        self.mesh.cloud.tag(key, tags)
        self.undelivered.append(ResourceEvent(key.group_id, "Microsoft.Resources/tags/write"))


def _key(choice: int) -> NodeKey:
    return NodeKey.of(SUBSCRIPTION, NAMES[choice % 3])


@settings(
    max_examples=300,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    acts=st.lists(ACTS, min_size=4, max_size=40),
    operation_seconds=st.sampled_from((0.0, 7.0)),
    capacity=st.sampled_from((1, 500)),
    seed=st.integers(0, 2**16),
)
@pytest.mark.timeout(300)
def test_after_one_resync_every_node_has_what_its_option_stands_for_and_nothing_is_left_over(
    acts: list[Act], operation_seconds: float, capacity: int, seed: int
) -> None:
    asyncio.run(_settles(acts, operation_seconds, capacity, seed))


async def _settles(acts: list[Act], operation_seconds: float, capacity: int, seed: int) -> None:
    first = msgspec.structs.replace(FIRST, capacity=capacity)
    mesh = Plane(operation_seconds=operation_seconds, first=first, second=SECOND, full_mesh=LIMIT)
    chaos = PlaneChaos(mesh, seed)
    await chaos.play([("option", 0, 0, 1), ("option", 0, 4, 1), *acts])
    await chaos.rest()
    await mesh.resync_all()
    _nothing_left_over(mesh)
    _every_node_is_as_wanted(mesh)
    mesh.arm.calls.clear()
    await mesh.resync_all()
    assert writes(mesh) == []


def _nodes(mesh: Plane) -> dict[NodeKey, str]:
    groups = mesh.cloud.groups.items()
    return {k: read_tags(g.tags)[0].network or "" for k, g in groups if is_node(g.tags)}


def _every_node_is_as_wanted(mesh: Plane) -> None:
    members = [m.key for m in mesh.rosters.rosters.get("mesh", ())]
    nodes = _nodes(mesh)
    assert len(members) <= LIMIT
    leaving = {k for k in nodes if mesh.nodes.records[k].state != "Ready"}
    assert set(members) <= leaving | {k for k, option in nodes.items() if option == "mesh"}
    for key, option in nodes.items():
        record = mesh.nodes.records[key]
        reasons = {c.reason for c in record.conditions}
        if record.state != "Ready":
            assert reasons & {"MeshFull", "AddressSpaceOverlap", "NoHubFree", "HubFull"}, (key, reasons)
            continue
        networks = [n for n in mesh.cloud.networks.values() if NodeKey.containing(n.id) == key]
        for network in networks:
            remotes = {normal_id(s.remote) for s in network.sides.values()}
            hubs = {normal_id(h.network) for h in mesh.mesh.hubs if h.id == record.hub}
            others = {
                normal_id(n) for m in mesh.rosters.rosters.get("mesh", ()) if m.key != key for n in m.networks
            }
            wanted = {"hub": hubs, "sandbox": hubs, "mesh": others}.get(option, set())
            assert remotes == wanted, (key, option, remotes)
            assert all(s.state == "Connected" for s in network.sides.values())
        assert networks or option == "none"


def _nothing_left_over(mesh: Plane) -> None:
    nodes = _nodes(mesh)
    records = mesh.nodes.records.values()
    recorded = {normal_id(i) for r in records for i in (*r.owned, *r.zone_links)}
    sides = {normal_id(s.id) for n in mesh.cloud.networks.values() for s in n.sides.values()}
    links = {normal_id(k.id) for z in mesh.cloud.zones.values() for k in z.links.values()}
    ours = {i for i in sides | links if name_of(i).startswith("meshplane")}
    assert ours <= recorded
    assert {r.key for r in records if r.owned or r.zone_links or r.made or r.allocation or r.roster} <= set(
        nodes
    )
    made = {n.id for n in mesh.cloud.networks.values() if name_of(n.id) == "meshplane-vnet"}
    assert made == {a.network for a in mesh.addresses.allocations.values()}
    assert {NodeKey.containing(i) for i in made} <= set(nodes)
