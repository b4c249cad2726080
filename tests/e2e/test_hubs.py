"""Hubs of a region: how nodes find one, move between them and wait for one, and how hubs are peered and kept tidy."""

import json
from collections.abc import Iterable
from typing import cast

import pytest

from local.caller import Json
from tests.e2e.azure import properties_of
from tests.e2e.beside import beside
from tests.e2e.hubs import HUB, LYON, NICE, PARIS, SMALL, Place, hub_id, workspace_id
from tests.e2e.mesh import NETWORKS, Mesh, Response, conditions, wait_for
from tests.e2e.watching import flags_of, never, remote_of

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack-network"), pytest.mark.timeout(900)]

BETWEEN_HUBS = (True, True, False, False)


def on(mesh: Mesh, place: Place) -> list[Json]:
    return mesh.peerings(hub_id(mesh.subscription, place))


def connected(sides: Iterable[Json]) -> bool:
    """Whether these are both sides of a pair, Connected and in sync."""
    found = [properties_of(side) for side in sides]
    return [(s["peeringState"], s["peeringSyncLevel"]) for s in found] == [("Connected", "FullyInSync")] * 2


def reaches(mesh: Mesh, group: str, *places: Place) -> bool:
    """Whether a node's side of a pair with one of these hubs is Connected."""
    hubs = {hub_id(mesh.subscription, place).lower() for place in places}
    sides = mesh.peerings(mesh.network_id(group))
    return any(remote_of(s) in hubs and properties_of(s)["peeringState"] == "Connected" for s in sides)


def move(mesh: Mesh, group: str, hub: str) -> Response:
    return mesh.api(f"{mesh.node_path(group)}/move", "POST", body=json.dumps({"hub": hub}).encode())


def has_moved(mesh: Mesh, group: str, place: Place) -> bool:
    """Whether a node is Ready at a hub and Azure holds its pair with that, and no other."""
    node = mesh.ready(group)
    sides = mesh.sides(group, place)
    return node["hub"] == place.id and len(sides) == 2 and connected(sides)


@beside
def test_a_region_s_hubs_fill_up_and_who_finds_none_waits_for_room(mesh: Mesh) -> None:
    """Of four nodes at once three fit; no hub ever has more than it takes; the fourth follows the first that leaves."""
    first, second = SMALL
    groups = [f"crowded-{n}" for n in range(4)]

    def overfull() -> bool:
        return len(on(mesh, first)) > 2 or len(on(mesh, second)) > 1

    def places() -> dict[str, str]:
        """The hub of each node that is Ready; the reason where one finds none."""
        nodes = {group: mesh.node(group) for group in groups}
        ready = {g: str(n["hub"]) for g, n in nodes.items() if n and n["state"] == "Ready"}
        waiting = {
            g: "none" for g, n in nodes.items() if any(c["reason"] == "NoHubFree" for c in conditions(n))
        }
        return ready | waiting

    with never(overfull) as moments:
        for group in groups:
            mesh.create(group, {"team": "ours"}, vaults=0, region=first.region)
        for group in groups:
            mesh.tag(group, "Merge", mesh_node=group)
        expected = sorted([first.id, first.id, second.id, "none"])
        wait_for("three have a hub", lambda: sorted(places().values()) == expected)
        found = places()
        waiting = next(group for group, hub in found.items() if hub == "none")
        refused = mesh.found(waiting, "Connected", "NoHubFree")
        assert f"{first.id} has 2 peerings of the 2 that it takes" in str(refused["message"])
        leaver = next(group for group, hub in found.items() if hub == first.id)
        mesh.tag(leaver, "Delete", mesh_node=leaver)
        wait_for("it has moved in", lambda: has_moved(mesh, waiting, first))
        mesh.settled(leaver, "Offboarded")
    assert moments == []
    assert (len(on(mesh, first)), len(on(mesh, second))) == (2, 1)


@beside
def test_a_node_moves_to_another_hub_without_a_gap(mesh: Mesh) -> None:
    """The new pair is Connected before the old one goes, telemetry follows, and moves that cannot be are refused."""
    for group in ("mover", "settler"):
        mesh.create(group, region=PARIS.region)
    for group in ("mover", "settler"):
        assert mesh.ready(group)["hub"] == PARIS.id
    assert move(mesh, "settler", NICE.id).status == 202
    wait_for("settler at its hub", lambda: has_moved(mesh, "settler", NICE))
    since = mesh.mark()
    for hub, status, code in (
        (NICE.id, 409, "HubFull"),
        (PARIS.id, 409, "HubUnchanged"),
        (HUB.id, 409, "HubOfAnotherRegion"),
        ("atlantis", 404, "HubNotFound"),
    ):
        answer = move(mesh, "mover", hub)
        assert (answer.status, answer.body["code"]) == (status, code), answer.text
        assert answer.content_type == "application/problem+json"
    assert move(mesh, "nobody", LYON.id).status == 404
    with never(lambda: not reaches(mesh, "mover", PARIS, LYON)) as gaps:
        assert move(mesh, "mover", LYON.id).status == 202
        wait_for("mover at its hub", lambda: has_moved(mesh, "mover", LYON))
    assert gaps == []
    assert mesh.hub_peerings("mover", PARIS) == []
    written = [r for r in mesh.requests(since, "mover", writes=True) if cast(int, r["status"]) < 300]
    methods = [r["method"] for r in written if "virtualnetworkpeerings" in str(r["path"]).lower()]
    assert methods == ["PUT", "PUT", "DELETE", "DELETE"]
    sink = workspace_id(mesh.subscription, LYON).lower()
    vault = mesh.vault_id("mover")
    wait_for("telemetry goes along", lambda: sinks(mesh, vault) == [sink])


def sinks(mesh: Mesh, resource: str) -> list[str]:
    return [str(properties_of(s)["workspaceId"]).lower() for s in mesh.settings(resource)]


@beside
def test_hubs_that_are_to_be_peers_are_and_stay_so(mesh: Mesh) -> None:
    """Both sides are made without anybody asking; one that is deleted comes back."""
    ends = (hub_id(mesh.subscription, LYON), hub_id(mesh.subscription, PARIS))

    def sides() -> list[Json]:
        pairs = ((on(mesh, LYON), ends[1]), (on(mesh, PARIS), ends[0]))
        return [p for found, other in pairs for p in found if remote_of(p) == other.lower()]

    wait_for("the pair", lambda: connected(sides()))
    assert [flags_of(side) for side in sides()] == [BETWEEN_HUBS] * 2
    mesh.delete(str(sides()[1]["id"]), NETWORKS)
    wait_for("the pair is back", lambda: connected(sides()))

    def shown() -> bool:
        hub = mesh.api(f"hubs/{LYON.id}").body
        pairs = [p["state"] for p in cast(list[Json], hub["pairs"])]
        return (hub["state"], pairs) == ("Ready", ["Connected"])

    wait_for("the hub says so", shown)


@beside
def test_a_hub_is_rid_of_what_is_ours_and_left_with_what_is_not(mesh: Mesh) -> None:
    """The peering of a node whose row was lost goes with its network; somebody's stale one stays, and is named."""
    mesh.create("forgotten", vaults=0, region=PARIS.region)
    mesh.ready("forgotten")
    paris, theirs = (
        hub_id(mesh.subscription, PARIS),
        f"{hub_id(mesh.subscription, PARIS)}/virtualNetworkPeerings/to-bastion",
    )
    mesh.create("bastion", {"team": "theirs"}, vaults=0, region=PARIS.region)
    for near, far, name in (
        (paris, mesh.network_id("bastion"), "to-bastion"),
        (mesh.network_id("bastion"), paris, "home"),
    ):
        body = {"properties": {"remoteVirtualNetwork": {"id": far}, "allowVirtualNetworkAccess": True}}
        mesh.arm("PUT", f"{near}/virtualNetworkPeerings/{name}", NETWORKS, body)
    mesh.delete(mesh.network_id("bastion"), NETWORKS)
    [ours] = mesh.hub_peerings("forgotten", PARIS)
    with mesh.tables() as service, service.get_table_client("nodes") as table:
        table.delete_entity(mesh.subscription, "forgotten")
    mesh.delete_group("forgotten")
    wait_for("its network is gone", lambda: not mesh.exists(mesh.network_id("forgotten"), NETWORKS))
    assert mesh.api(f"hubs/{PARIS.id}/reconcile", "POST").status == 202
    wait_for("ours is gone", lambda: not mesh.exists(str(ours["id"]), NETWORKS))

    def named() -> bool:
        found = cast(list[Json], mesh.api(f"hubs/{PARIS.id}").body["conditions"])
        return any(c["reason"] == "StaleForeignPeering" and theirs in str(c["message"]) for c in found)

    wait_for("theirs is named", named)
    assert mesh.exists(theirs, NETWORKS)
    mesh.delete(theirs, NETWORKS)
