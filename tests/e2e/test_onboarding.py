"""From a tag to a node and back, by nothing but the events that Azure raises."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from local.caller import Json
from tests.e2e.azure import most_looks
from tests.e2e.beside import beside
from tests.e2e.mesh import GROUPS, NETWORKS, Mesh, conditions, resource_event, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]


@beside
def test_a_tagged_group_becomes_ready(mesh: Mesh) -> None:
    """Both peerings and a setting on each resource are there, for no more writes than they need."""
    since = mesh.mark()
    mesh.create("born", vaults=2)
    node = mesh.ready("born")
    mesh.assert_attached("born")
    assert node["product"] == "born"
    written = mesh.written(since, "born")
    assert len(written) == len(set(written)) == 2 + 3
    assert {c["status"] for c in conditions(node)} == {"True"}


@beside
def test_a_group_is_left_alone_until_it_is_tagged(mesh: Mesh) -> None:
    """Nobody writes to a group without the tag, and the mesh keeps no row of it; the tag alone makes it a node."""
    since = mesh.mark()
    mesh.create("later", {"team": "ours"})
    wait_for("a look at the group", lambda: mesh.requests(since, "later"))
    wait_for("no row of it", lambda: mesh.node("later") is None)
    assert mesh.requests(since, "later", writes=True) == []
    mesh.tag("later", "Merge", mesh_node="later")
    mesh.ready("later")
    mesh.assert_attached("later")


@beside
def test_a_wrong_tag_is_named_and_correcting_it_is_enough(mesh: Mesh) -> None:
    """The condition names the tag, its value and what is allowed; nothing is guessed meanwhile."""
    mesh.create("typo", {"mesh-node": "typo", "mesh-network": "hubb"})
    condition = mesh.found("typo", "TagsValid", "InvalidTag")
    for word in ("mesh-network", "hubb", "endpoints"):
        assert word in str(condition["message"])
    assert mesh.sides("typo") == []
    mesh.tag("typo", "Merge", mesh_network="hub")
    mesh.ready("typo")
    mesh.assert_attached("typo")


@beside
def test_an_overlap_is_named_and_new_addresses_are_enough(mesh: Mesh) -> None:
    """A network that overlaps the hub is not written to; once it has addresses of its own it is attached."""
    mesh.arm("PUT", mesh.group_id("overlap"), GROUPS, {"location": "westeurope"})
    mesh.create_vault("overlap", 0)
    mesh.create_network("overlap", "10.0.128.0/20")
    mesh.tag("overlap", "Merge", mesh_node="overlap")
    condition = mesh.found("overlap", "Connected", "AddressSpaceOverlap")
    assert "10.0.128.0/20" in str(condition["message"])
    assert mesh.sides("overlap") == []
    mesh.create_network("overlap")
    mesh.ready("overlap")
    mesh.assert_attached("overlap")


@beside
def test_an_untagged_node_is_offboarded(mesh: Mesh) -> None:
    """Nothing of ours is left in Azure, what others made stays, and a new tag brings the node back."""
    mesh.create("leaver")
    mesh.ready("leaver")
    theirs = mesh.setting_id(mesh.vault_id("leaver"), "security")
    log = {"category": "AuditEvent", "enabled": True}
    archive = f"{mesh.group_id('leaver')}/providers/Microsoft.OperationalInsights/workspaces/own"
    mesh.arm("PUT", archive, "2023-09-01", {"location": "westeurope", "properties": {}})
    mesh.arm("PUT", theirs, "2021-05-01-preview", {"properties": {"workspaceId": archive, "logs": [log]}})
    mesh.tag("leaver", "Delete", mesh_node="leaver")
    mesh.settled("leaver", "Offboarded")
    mesh.assert_clean("leaver")
    assert [s["name"] for s in mesh.settings(mesh.vault_id("leaver"))] == ["security"]
    mesh.tag("leaver", "Merge", mesh_node="leaver")
    mesh.ready("leaver")
    mesh.assert_attached("leaver")


@beside
def test_a_deleted_group_leaves_nothing_on_the_hub(mesh: Mesh) -> None:
    """The hub's side of the peering goes with the group, and the record says Offboarded."""
    mesh.create("deleted")
    mesh.ready("deleted")
    mesh.delete_group("deleted")
    mesh.settled("deleted", "Offboarded")
    wait_for("the group is gone", lambda: not mesh.exists(mesh.group_id("deleted"), GROUPS))
    assert mesh.hub_peerings("deleted") == []


@beside
def test_a_group_deleted_while_it_is_attached_ends_offboarded(mesh: Mesh) -> None:
    """Whatever was written before the group went is taken back."""
    since = mesh.mark()
    mesh.create("halfway", vaults=3)
    wait_for("the first write", lambda: mesh.requests(since, "halfway", writes=True))
    mesh.delete_group("halfway")
    wait_for("the group is gone", lambda: not mesh.exists(mesh.group_id("halfway"), GROUPS))
    mesh.settled("halfway", "Offboarded")
    assert mesh.hub_peerings("halfway") == []


@beside
def test_an_event_for_a_group_that_no_longer_exists_leaves_no_trace(mesh: Mesh) -> None:
    """One read finds that it is gone; no row, no dead letter."""
    since = mesh.mark()
    assert mesh.deliver(resource_event(mesh.group_id("ghost"), 1)) == 202
    wait_for("a look at the group", lambda: mesh.requests(since, "ghost"))
    wait_for("no row of it", lambda: mesh.node("ghost") is None)
    assert not any("ghost" in str(letter) for letter in mesh.dead_letters())


@beside
def test_the_same_event_fifty_times_is_one_or_two_looks(mesh: Mesh) -> None:
    """Events that arrive together coalesce: a handful of reads, no write."""
    mesh.create("echo")
    mesh.ready("echo")
    since, began = mesh.mark(), time.monotonic()
    event = resource_event(mesh.group_id("echo"), 50)
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: mesh.deliver(event), range(50)))
    assert set(statuses) == {202}
    few = most_looks(4, began)
    mesh.ready("echo")
    assert 1 <= len(mesh.looks(since, "echo")) <= few
    assert mesh.requests(since, "echo", writes=True) == []


def test_two_hundred_events_in_random_order_come_to_one_state(mesh: Mesh) -> None:
    """Doubled, late and shuffled events about a group end in the state of the last change, each write made once."""
    mesh.control(
        "PUT",
        "/event-grid",
        {"duplicates": 9, "delaySeconds": [0, 2], "reorder": True, "reorderWindowSeconds": 1.0, "seed": 11},
    )
    try:
        since = mesh.mark()
        accepted = mesh.deliveries("attempts")
        mesh.create("shuffled", {"mesh-node": "first"}, vaults=2)
        for number in range(8):
            mesh.tag("shuffled", "Merge", mesh_node=f"name-{number}")
            mesh.tag("shuffled", "Delete", mesh_node=f"name-{number}")
        mesh.tag("shuffled", "Merge", mesh_node="last", mesh_domain="retail")
        wait_for(
            "200 deliveries",
            lambda: mesh.deliveries("attempts") >= accepted + 200,
        )
        wait_for(
            "calm",
            lambda: mesh.deliveries("pending") == 0,
        )
    finally:
        mesh.control("PUT", "/event-grid", {})
    node = mesh.ready("shuffled")
    assert (node["product"], node["domain"]) == ("last", "retail")
    mesh.assert_attached("shuffled")
    # Attached, perhaps detached and attached again while the tag came and went: nothing is made twice in between.
    made, removed = (_successful(mesh, since, "shuffled", method) for method in ("PUT", "DELETE"))
    for path, times in made.items():
        ends = (
            {p for p in removed if "virtualnetworkpeerings" in p}
            if "virtualnetworkpeerings" in path
            else {path}
        )
        assert times <= 1 + sum(removed[p] for p in ends), path


def test_a_look_at_a_healthy_node_costs_at_most_four_reads_and_no_write(mesh: Mesh) -> None:
    """However many resources it has."""
    mesh.create("healthy", vaults=6)
    mesh.ready("healthy")
    run, requests = wait_for("a look by itself", lambda: _one_look(mesh, "healthy"))
    assert (run["reads"], run["writes"]) == (4, 0)
    # The hub's network is read as well, but not by this node alone: hubs are looked at when nodes have come.
    assert len(requests) == 3, [r["path"] for r in requests]
    assert {r["kind"] for r in requests} == {"read"}


def test_the_discovery_timer_finds_a_tag_that_no_event_told_of(mesh: Mesh) -> None:
    """With every event lost, one run of the timer finds the group, and one the tag's removal."""
    mesh.control("PUT", "/event-grid", {"drop": 1.0})
    try:
        mesh.create("silent")
        time.sleep(2)
        assert mesh.node("silent") is None
        mesh.run_by_hand("discovery")
        mesh.ready("silent")
        mesh.assert_attached("silent")
        mesh.tag("silent", "Delete", mesh_node="silent")
        mesh.run_by_hand("discovery")
        mesh.settled("silent", "Offboarded")
        mesh.assert_clean("silent")
        mesh.delete(mesh.network_id("silent"), NETWORKS)
    finally:
        mesh.control("PUT", "/event-grid", {})


def _one_look(mesh: Mesh, group: str) -> tuple[Json, list[Json]] | None:
    """The run that an event leads to and all that it asked about the group; None where there were other runs, too."""
    before, since = mesh.ready(group), mesh.mark()
    assert mesh.deliver(resource_event(mesh.group_id(group), 4)) == 202

    def another() -> Json | None:
        node = mesh.ready(group)
        return node if node["last_run"] != before["last_run"] else None

    after, requests = wait_for("another look", another), mesh.requests(since, group)
    alone = cast(int, after["generation"]) == cast(int, before["generation"]) + 1
    return (cast(Json, after["last_run"]), requests) if alone else None


def _successful(mesh: Mesh, since: int, group: str, method: str) -> Counter[str]:
    """How often each id was written or deleted with success."""
    return Counter(
        str(r["path"]).lower()
        for r in mesh.requests(since, group, writes=True)
        if r["method"] == method and 200 <= cast(int, r["status"]) < 300
    )
