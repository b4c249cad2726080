"""Network options on live nodes: each gives way to each other, and the full mesh stays as small as it is to be."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, permutations
from threading import Lock
from typing import cast

import pytest

from local.caller import Json
from shared.domain.tags import NETWORKS as OPTIONS
from tests.e2e.azure import ZONES, properties_of
from tests.e2e.hubs import NORDIC, hub_id, zone_ids
from tests.e2e.mesh import Mesh, NotSeen, wait_for
from tests.e2e.watching import flags_of, kill_whoever_runs, never, remote_of

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack-network"), pytest.mark.timeout(900)]

REGION = NORDIC.region
PARTNERS = ("peer-a", "peer-b")
# Every ordered pair of options once. All use the roster of the full mesh, of which each needs the last place.
WALKS = {
    "walk-1": ("sandbox", "endpoints", "none", "hub", "mesh", "sandbox"),
    "walk-2": ("sandbox", "none", "sandbox", "mesh", "hub", "endpoints", "sandbox"),
    "walk-3": ("endpoints", "mesh", "none", "endpoints", "hub", "sandbox"),
    "walk-4": ("sandbox", "hub", "none", "mesh", "endpoints"),
}

# allowVirtualNetworkAccess, allowForwardedTraffic, allowGatewayTransit, useRemoteGateways
SPOKE, LENDING = (True, True, False, True), (True, False, True, False)
CLOSED, BETWEEN_NODES = (False, False, False, False), (True, False, False, False)


class Spoke:
    """What Azure holds of one node's connection, from every side."""

    def __init__(self, mesh: Mesh, group: str) -> None:
        self._mesh = mesh
        self._group = group
        self.network = mesh.network_id(group)
        self.hub = hub_id(mesh.subscription, NORDIC)
        self.partners = [mesh.network_id(p) for p in PARTNERS if p != group]

    def held(self) -> Json:
        """The flags of each side by the network that it lies on and the one that it leads to, and the linked zones."""
        far = [p for n in (self.hub, *self.partners) for p in self._mesh.peerings(n)]
        theirs = [p for p in far if remote_of(p) == self.network.lower()]
        sides = {}
        for peering in (*self._mesh.peerings(self.network), *theirs):
            lies_on = str(peering["id"]).rsplit("/", 2)[0].lower()
            properties = properties_of(peering)
            state = (properties["peeringState"], properties["peeringSyncLevel"])
            sides[lies_on, remote_of(peering)] = (*state, flags_of(peering))
        return {"sides": sides, "zones": self.zones()}

    def wanted(self, option: str) -> Json:
        """What Azure is to hold for an option, and nothing else."""
        pairs: dict[tuple[str, str], tuple[object, object]] = {}
        hub, own = self.hub.lower(), self.network.lower()
        if option in ("hub", "sandbox"):
            pairs[own, hub] = (SPOKE, LENDING) if option == "hub" else (CLOSED, CLOSED)
        if option == "mesh":
            pairs |= {(own, p.lower()): (BETWEEN_NODES, BETWEEN_NODES) for p in self.partners}
        sides = {
            between: ("Connected", "FullyInSync", flags)
            for (near, far), (own_flags, other_flags) in pairs.items()
            for between, flags in (((near, far), own_flags), ((far, near), other_flags))
        }
        linked = zone_ids(self._mesh.subscription) if option in ("endpoints", "sandbox") else []
        return {"sides": sides, "zones": sorted(z.lower() for z in linked)}

    def connects(self, option: str) -> bool:
        """Whether what an option is for works just now: the node's own side tells whether a pair stands."""
        if option == "none":
            return True
        if option == "endpoints":
            return len(self.zones()) == len(zone_ids(self._mesh.subscription))
        connected = {
            remote_of(p)
            for p in self._mesh.peerings(self.network)
            if properties_of(p)["peeringState"] == "Connected"
            and (option == "sandbox" or properties_of(p)["allowVirtualNetworkAccess"])
        }
        needed = self.partners if option == "mesh" else [self.hub]
        return {n.lower() for n in needed} <= connected

    def zones(self) -> list[str]:
        """The zones whose names the node's network resolves."""
        return sorted(z.lower() for z in zone_ids(self._mesh.subscription) if self._linked(z))

    def _linked(self, zone: str) -> bool:
        path = f"{zone}/virtualNetworkLinks?api-version={ZONES}"
        links = cast(list[Json], self._mesh.operator.request("GET", path).body["value"])
        networks = [str(cast(Json, properties_of(link)["virtualNetwork"])["id"]) for link in links]
        return self.network.lower() in [n.lower() for n in networks]

    def switch(self, option: str) -> None:
        """Has the option changed and waits until the mesh says that it is done and Azure holds it."""
        self._mesh.tag(self._group, "Merge", mesh_network=option)
        self.settles(option)

    def settles(self, option: str) -> None:
        """Waits until the mesh says that the node has the option, and Azure holds that and nothing else."""
        last: list[object] = []

        def done() -> bool:
            node, held = self._mesh.ready(self._group), self.held()
            last[:] = [node["network"], held]
            return bool(node["network"] == option) and held == self.wanted(option)

        try:
            wait_for(f"{self._group} is {option}", done)
        except NotSeen as error:
            raise NotSeen(f"{error}; last seen: {last}; wanted {self.wanted(option)}") from None


@pytest.fixture(scope="module")
def partners(mesh: Mesh) -> Iterator[tuple[str, ...]]:
    """Two nodes that stay in the full mesh while the tests of this module run."""
    for group in PARTNERS:
        mesh.create(group, {"mesh-node": group, "mesh-network": "mesh"}, vaults=0, region=REGION)
    for group in PARTNERS:
        mesh.ready(group)
    yield PARTNERS
    for group in PARTNERS:
        mesh.tag(group, "Delete", mesh_node=group)
    for group in PARTNERS:
        mesh.settled(group, "Offboarded")


def walk(mesh: Mesh, group: str, last_place: Lock) -> None:
    """Switches one node from option to option; at no time are both the old and the new connection gone."""
    first, *_ = options = WALKS[group]
    mesh.create(group, {"mesh-node": group, "mesh-network": first}, vaults=0, region=REGION)
    spoke = Spoke(mesh, group)
    spoke.settles(first)
    for old, new in pairwise(options):
        if new == "mesh":
            last_place.acquire()
        with never(lambda old=old, new=new: not (spoke.connects(old) or spoke.connects(new))) as gaps:  # type: ignore[misc]
            spoke.switch(new)
        assert gaps == [], f"{group}: neither {old} nor {new} after {gaps} s"
        if old == "mesh":
            last_place.release()


def test_each_option_gives_way_to_each_other_without_a_gap(mesh: Mesh, partners: tuple[str, ...]) -> None:
    """Twenty switches on live nodes: Azure holds what the new option says and nothing of the old one."""
    steps = [step for options in WALKS.values() for step in pairwise(options)]
    assert sorted(steps) == sorted(permutations(OPTIONS, 2))
    last_place = Lock()
    with ThreadPoolExecutor(len(WALKS)) as pool:
        for each in [pool.submit(walk, mesh, group, last_place) for group in WALKS]:
            each.result()
    for group in partners:
        assert mesh.ready(group)["state"] == "Ready"
        assert list(cast(Json, Spoke(mesh, group).held()["sides"])) != []


def test_the_full_mesh_takes_no_more_nodes_than_it_is_to(mesh: Mesh, partners: tuple[str, ...]) -> None:
    """Three are peered with each other; a fourth is told what it would cost, and gets in once one has left."""
    for group in ("third", "fourth"):
        mesh.create(group, {"team": "ours"}, vaults=0, region=REGION)
    spokes = {group: Spoke(mesh, group) for group in (*partners, "third", "fourth")}
    mesh.tag("third", "Merge", mesh_node="third", mesh_network="mesh")
    spokes["third"].settles("mesh")
    for group in partners:
        remotes = {remote for own, remote in sides_of(spokes[group]) if own == spokes[group].network.lower()}
        assert remotes == {s.network.lower() for g, s in spokes.items() if g not in (group, "fourth")}
    mesh.tag("fourth", "Merge", mesh_node="fourth", mesh_network="mesh")
    refused = mesh.found("fourth", "Connected", "MeshFull")
    assert (refused["status"], refused["severity"]) == ("False", "error")
    for cost in ("takes 3 nodes", "add 6 peerings", "12 in all"):
        assert cost in str(refused["message"])
    assert sides_of(spokes["fourth"]) == []
    mesh.tag("third", "Merge", mesh_network="none")
    spokes["fourth"].settles("mesh")
    spokes["third"].settles("none")


def test_a_switch_goes_on_where_killed_workers_left_it(mesh: Mesh, partners: tuple[str, ...]) -> None:
    """kill -9 while the new connection is made, and again while the old one is removed: neither is lost nor left."""
    del partners
    mesh.tag("fourth", "Merge", mesh_network="hub")
    spoke = Spoke(mesh, "fourth")
    spoke.settles("hub")
    made = mesh.fault(r"/fourth/.*/virtualNetworkPeerings/meshplane\.node-", method="PUT", delay=8)
    removed = mesh.fault(f"/virtualNetworkPeerings/{mesh.hub_prefix('fourth')}", method="DELETE", delay=8)
    with never(lambda: not (spoke.connects("hub") or spoke.connects("mesh"))) as gaps:
        mesh.tag("fourth", "Merge", mesh_network="mesh")
        for fault in (made, removed):
            wait_for("the write", lambda fault=fault: mesh.hits(fault))  # type: ignore[misc]
            kill_whoever_runs(mesh)
        spoke.settles("mesh")
    assert gaps == []


def sides_of(spoke: Spoke) -> list[tuple[str, str]]:
    """The networks that each side of a spoke's connection lies on and leads to."""
    return list(cast(dict[tuple[str, str], object], spoke.held()["sides"]))
