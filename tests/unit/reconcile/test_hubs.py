"""Hubs: peered with each other, tidied of what nodes left behind, and told when they fill up."""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.errors import Denied, NotFound, Transient, Waiting
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey, NodeKey
from shared.domain.naming import hub_pair_name, hub_peering_name
from shared.domain.network import PeeringFlags
from shared.domain.node import NodeRecord, State
from tests.fakes.state import Side
from tests.support.hubs import NODE, Hubs, hub, network
from tests.support.mesh import SUBSCRIPTION, InMemoryMesh, network_of

HUBS_FLAGS = PeeringFlags(allow_forwarded_traffic=True)


def reasons(record: HubRecord) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in record.conditions}


@pytest.mark.parametrize("naming", ["a", "b", "both"])
@pytest.mark.parametrize("seconds", [0.0, 12.0])
async def test_two_hubs_are_peered_whichever_of_them_names_the_other(naming: str, seconds: float) -> None:
    names_b, names_a = naming in ("a", "both"), naming in ("b", "both")
    hubs = Hubs(hub("a", *(["b"] * names_b)), hub("b", *(["a"] * names_a)), seconds=seconds)
    record = await hubs.until_quiet()
    assert set(hubs.states().values()) == {("Connected", "FullyInSync")}
    assert len(hubs.states()) == 2
    flags = [p.flags for n in hubs.cloud.networks.values() for p in hubs.cloud.show(n).peerings]
    assert flags == [HUBS_FLAGS] * 2
    assert (record.state, record.used, record.free) == ("Ready", 1, 499)
    assert [(p.state, p.owned) for p in record.pairs] == [("Connected", True)]
    assert reasons(record)["Ready"] == ("True", "Converged")


async def test_a_converged_hub_costs_one_read_and_one_more_for_each_pair_and_no_write() -> None:
    hubs = Hubs(hub("a", "b", "c"), hub("b"), hub("c"))
    await hubs.until_quiet()
    hubs.arm.calls.clear()
    entries = len(hubs.history.entries)
    record = await hubs.run()
    assert hubs.arm.calls == ["get_network"] * 3
    assert record.last_run is not None
    assert (record.last_run.reads, record.last_run.writes) == (3, 0)
    assert len(hubs.history.entries) == entries


async def test_the_hub_that_does_not_lead_leaves_the_pair_to_the_other_one() -> None:
    hubs = Hubs(hub("a", "b"), hub("b", "a"))
    record = await hubs.until_quiet("b")
    assert hubs.states() == {}
    assert reasons(record)["Ready"] == ("True", "Converged")


async def test_history_tells_what_was_written_and_why() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    await hubs.until_quiet()
    (entry,) = hubs.history.entries
    assert (entry.key, entry.cause, entry.writes) == ("hub/a", "test", 2)
    assert [c.partition(" ")[0] for c in entry.changes[:2]] == ["PUT", "PUT"]
    assert entry.changes[0].endswith(": missing")


@pytest.mark.parametrize("lost", ["a", "b", "both"])
async def test_a_pair_that_somebody_deleted_is_made_again(lost: str) -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    await hubs.until_quiet()
    for name, other in (("a", "b"), ("b", "a")):
        if lost in (name, "both"):
            hubs.cloud.delete_peering(
                f"{network(name)}/virtualNetworkPeerings/{hub_pair_name('m', 'a', network(other))}"
            )
    await hubs.until_quiet()
    assert set(hubs.states().values()) == {("Connected", "FullyInSync")}


async def test_hubs_that_are_no_peers_any_more_each_delete_their_side() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    await hubs.until_quiet()
    hubs.configure(hub("a"), hub("b"))
    await hubs.until_quiet("a")
    await hubs.until_quiet("b")
    assert hubs.states() == {}


async def test_hubs_whose_addresses_overlap_are_not_peered_and_told_so() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    hubs.cloud.resize_network(network("b"), "10.0.128.0/20")
    record = await hubs.until_quiet()
    assert hubs.writes() == []
    assert reasons(record)["Connected"] == ("False", "AddressSpaceOverlap")
    assert record.state == "NotReady"


async def test_a_foreign_pair_that_works_is_left_alone_and_a_broken_one_reported() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    for name, other, prefix in (("a", "b", "10.1.0.0/16"), ("b", "a", "10.0.0.0/16")):
        hubs.place(name, "theirs", network(other), prefix, "Connected")
    assert reasons(await hubs.run())["Connected"] == ("True", "AsWanted")
    hubs.cloud.delete_peering(f"{network('b')}/virtualNetworkPeerings/theirs")
    assert reasons(await hubs.run())["Connected"] == ("False", "ForeignPeering")
    assert hubs.writes() == []


async def test_a_hub_whose_network_is_missing_says_so_and_so_does_one_whose_peer_lacks_it() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    hubs.cloud.delete_resource(network("b"))
    assert reasons(await hubs.run("a"))["Connected"] == ("False", "PeerHubMissing")
    record = await hubs.run("b")
    assert reasons(record)["Connected"] == ("False", "HubMissing")
    assert reasons(record)["Headroom"] == ("Unknown", "Undecided")
    assert hubs.writes() == []


async def test_what_leads_to_a_hub_that_is_gone_is_deleted_where_it_is_ours() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    await hubs.until_quiet()
    hubs.cloud.delete_resource(network("b"))
    await hubs.until_quiet()
    assert hubs.states() == {}


async def test_a_peer_that_the_settings_do_not_know_is_named() -> None:
    hubs = Hubs(hub("a", "nowhere"))
    assert reasons(await hubs.run())["Connected"] == ("False", "PeerHubUnknown")


# --- what nodes left behind


def ours(remote: str = network_of(NODE)) -> str:
    return hub_peering_name("m", NODE, remote)


async def test_what_is_left_of_a_node_that_nobody_knows_is_deleted() -> None:
    hubs = Hubs(hub("a"))
    hubs.place("a", ours(), network_of(NODE), "10.9.0.0/16")
    record = await hubs.until_quiet()
    assert hubs.states() == {}
    assert (record.state, record.used) == ("Ready", 0)
    assert "goes on blocking its addresses" in hubs.history.entries[0].changes[0]


@pytest.mark.parametrize(
    ("state", "networks", "deleted"),
    [
        ("Offboarded", (), True),
        ("Seen", (), True),
        ("Ready", (), False),
        ("Ready", (network_of(NODE),), False),
        ("Ready", ("/another",), True),
        ("Offboarding", (), False),
        ("Pending", (network_of(NODE),), False),
    ],
)
async def test_what_is_left_is_deleted_only_where_its_node_does_not_want_it(
    state: State, networks: tuple[str, ...], deleted: bool
) -> None:
    hubs = Hubs(hub("a"))
    hubs.place("a", ours(), network_of(NODE), "10.9.0.0/16")
    await hubs.know(state, *networks)
    await hubs.until_quiet()
    assert (hubs.states() == {}) == deleted


async def test_a_network_that_is_still_there_is_not_taken_from_a_node_that_has_others_too() -> None:
    hubs = Hubs(hub("a"))
    hubs.place("a", ours(), network_of(NODE), "10.9.0.0/16")
    hubs.cloud.create_network(network_of(NODE), "10.9.0.0/16")
    await hubs.know("Ready", "/another")
    await hubs.until_quiet()
    assert len(hubs.states()) == 1


@pytest.mark.parametrize(
    "name", ["theirs", hub_peering_name("other", NODE, network_of(NODE)), hub_peering_name("m", NODE, "/x")]
)
async def test_what_is_not_ours_by_its_name_is_never_deleted_but_named_with_what_it_blocks(name: str) -> None:
    hubs = Hubs(hub("a"))
    peering = hubs.place("a", name, network_of(NODE), "10.9.0.0/16")
    record = await hubs.until_quiet()
    assert hubs.writes() == []
    (tidy,) = (c for c in record.conditions if c.type == "Tidy")
    assert (tidy.status, tidy.reason) == ("False", "StaleForeignPeering")
    assert peering in tidy.message
    assert "10.9.0.0/16" in tidy.message
    assert record.state == "Ready"


async def test_a_connected_peering_of_an_unknown_node_is_left_alone() -> None:
    hubs = Hubs(hub("a"))
    hubs.cloud.create_network(network_of(NODE), "10.9.0.0/16")
    hubs.place("a", ours(), network_of(NODE), "10.9.0.0/16", "Connected")
    await hubs.until_quiet()
    assert hubs.writes() == []


async def test_room_is_made_before_hubs_are_peered() -> None:
    hubs = Hubs(hub("a", "b", capacity=1), hub("b"))
    hubs.place("a", ours(), network_of(NODE), "10.1.0.0/16")
    decision = await hubs.engine.plan(HubKey("a"))
    assert [step.method for step in decision.plan.network] == ["DELETE", "PUT", "PUT"]
    record = await hubs.until_quiet()
    assert hubs.writes() == ["delete_peering", "put_peering", "put_peering"]
    assert reasons(record)["Ready"] == ("True", "Converged")


async def test_a_node_that_comes_back_while_the_hub_waits_for_its_turn_keeps_its_peering() -> None:
    hubs = Hubs(hub("a"))
    hubs.place("a", ours(), network_of(NODE), "10.9.0.0/16")
    assert await hubs.leases.acquire("hub/a", "node/x", 60)
    record = await hubs.run()
    assert (record.queued, record.state) == (True, "Pending")
    await hubs.know("Pending", network_of(NODE))
    await hubs.leases.release("hub/a", "node/x")
    await hubs.until_quiet()
    assert hubs.writes() == []


async def test_a_node_that_comes_back_just_before_the_hub_has_its_turn_keeps_its_peering() -> None:
    hubs = Hubs(hub("a"))
    hubs.place("a", ours(), network_of(NODE), "10.9.0.0/16")
    hubs.leases.before = lambda: hubs.know("Pending", network_of(NODE))
    await hubs.run()
    assert hubs.writes() == []
    hubs.clock.advance(1)
    assert await hubs.leases.acquire("hub/a", "node/x", 60), "the turn that was not needed was given back"


async def test_a_hub_that_waits_for_its_turn_is_called_and_gives_the_turn_back() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    assert await hubs.leases.acquire("hub/a", "node/x", 60)
    await hubs.run()
    following = await hubs.leases.release("hub/a", "node/x")
    assert following is not None
    assert following.owner == "hub/a"
    await hubs.engine.reconcile(HubKey("a"))
    assert len(hubs.states()) == 2
    hubs.clock.advance(1)
    assert await hubs.leases.acquire("hub/a", "node/y", 60)


# --- room and nodes out of step


@pytest.mark.parametrize(
    ("capacity", "reason"), [(10, "AsWanted"), (3, "AsWanted"), (2, "HubFull"), (1, "HubFull")]
)
async def test_a_hub_that_fills_up_says_so_and_stays_ready(capacity: int, reason: str) -> None:
    hubs = Hubs(hub("a", capacity=capacity))
    for number in range(2):
        remote = network(f"n{number}")
        hubs.cloud.create_network(remote, f"10.{9 + number}.0.0/16")
        hubs.place("a", f"p{number}", remote, f"10.{9 + number}.0.0/16", "Connected")
    record = await hubs.run()
    assert reasons(record)["Headroom"][1] == reason
    assert (record.state, record.free) == ("Ready", max(0, capacity - 2))


async def test_a_hub_is_nearly_full_from_nine_tenths_on() -> None:
    hubs = Hubs(hub("a", capacity=10))
    for number in range(9):
        remote = network(f"n{number}")
        hubs.place("a", f"p{number}", remote, f"10.{9 + number}.0.0/16", "Connected")
    assert reasons(await hubs.run())["Headroom"] == ("False", "HubNearlyFull")


async def test_nodes_whose_peerings_fell_out_of_step_with_the_hub_are_looked_at_again() -> None:
    hubs = Hubs(hub("a"))
    spoke = hubs.cloud.create_network(network_of(NODE), "10.9.0.0/16")
    hubs.place("a", ours(), network_of(NODE), "10.9.0.0/16", "Connected")
    spoke.sides["back"] = Side(
        f"{spoke.id}/virtualNetworkPeerings/back", network("a"), ("10.0.0.0/16",), PeeringFlags(), "Connected"
    )
    await hubs.know("Ready", network_of(NODE))
    await hubs.run()
    assert hubs.bumped == []
    hubs.cloud.resize_network(network("a"), "10.0.0.0/16", "10.200.0.0/16")
    record = await hubs.run()
    assert hubs.bumped == [NODE]
    assert record.address_prefixes == ("10.0.0.0/16", "10.200.0.0/16")
    assert hubs.writes() == []


# --- when things go wrong


async def test_a_refused_write_names_the_right_that_is_missing_and_waits_for_the_resync() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    message = "The client 'x' does not have authorization to perform action 'M/write' over scope '/hub' or"
    hubs.arm.inject("put_peering", Denied("AuthorizationFailed", message))
    record = await hubs.run()
    assert reasons(record)["Connected"] == ("False", "RightsMissing")
    assert record.next_due is not None
    assert record.next_due - hubs.clock.now() > timedelta(minutes=30)
    await hubs.until_quiet()
    assert (await hubs.record()).state == "Ready"


async def test_what_azure_asks_for_is_waited_for() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    hubs.arm.inject("get_network", Waiting("TooManyRequests", "Later.", retry_after=40.0))
    record = await hubs.run()
    assert record.not_before == hubs.clock.now() + timedelta(seconds=40)
    assert (record.state, record.waits) == ("NotReady", 1)
    calls = len(hubs.arm.calls)
    await hubs.run()
    assert len(hubs.arm.calls) == calls, "no event makes anybody look earlier"
    assert (await hubs.until_quiet()).state == "Ready"


@pytest.mark.parametrize("seconds", [0.0, 7.0])
async def test_an_operation_that_fails_later_is_tried_again(seconds: float) -> None:
    hubs = Hubs(hub("a", "b"), hub("b"), seconds=seconds)
    hubs.arm.fail_next_operation("InternalServerError")
    record = await hubs.until_quiet()
    assert (record.state, record.operation) == ("Ready", None)
    assert set(hubs.states().values()) == {("Connected", "FullyInSync")}


async def test_a_run_after_azure_forgot_its_operation_looks_at_what_there_is() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"), seconds=30.0)
    record = await hubs.run()
    assert record.operation is not None
    hubs.arm.forget_operations()
    assert (await hubs.until_quiet()).state == "Ready"


async def test_a_hub_that_fails_again_and_again_is_given_up_with_a_letter_that_success_clears() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    hubs.arm.inject("get_network", Transient("ServerBusy", "Busy."), times=hubs.timing.retries)
    record = await hubs.until_quiet()
    assert reasons(record)["Ready"] == ("False", "RetriesExhausted")
    assert [letter.key for letter in (await hubs.dead_letters.list()).items] == ["hub/a"]
    assert (await hubs.until_quiet()).state == "Ready"
    assert (await hubs.dead_letters.list()).items == ()


async def test_failures_are_counted_only_until_a_run_comes_to_an_end() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    for _ in range(2):
        hubs.arm.inject("get_network", Transient("ServerBusy", "Busy."), times=hubs.timing.retries - 1)
        assert (await hubs.until_quiet()).state == "Ready"
    assert (await hubs.dead_letters.list()).items == ()


async def test_a_hub_that_the_queue_gives_up_is_visible() -> None:
    hubs = Hubs(hub("a"))
    await hubs.run()
    await hubs.engine.give_up(HubKey("a"), "The queue gave it up.")
    record = await hubs.record()
    assert (record.state, reasons(record)["Ready"]) == ("NotReady", ("False", "RetriesExhausted"))
    assert (await hubs.dead_letters.list()).items[0].key == "hub/a"


async def test_of_many_runs_at_once_one_writes() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    await hubs.intake.bump(HubKey("a"), "test")
    await asyncio.gather(*(hubs.engine.reconcile(HubKey("a")) for _ in range(5)))
    assert hubs.writes() == ["put_peering"] * 2


# --- who is looked at, and when


async def test_the_timer_enqueues_hubs_that_nobody_looked_at_and_those_that_are_due() -> None:
    hubs = Hubs(hub("a"), hub("b"))
    assert await hubs.intake.enqueue_due() == 2
    await hubs.run("a")
    assert await hubs.intake.enqueue_due() == 1
    hubs.clock.advance(2 * hubs.timing.resync)
    assert await hubs.intake.enqueue_due() == 2


async def test_an_event_about_a_hubs_network_has_the_hub_looked_at_once() -> None:
    hubs = Hubs(hub("a"), hub("b"))
    assert await hubs.intake.touch(network("a").upper(), "write") == HubKey("a")
    assert await hubs.intake.touch(f"{network('a')}/virtualNetworkPeerings/x", "write") == HubKey("a")
    assert await hubs.intake.touch(network("elsewhere"), "write") is None
    hubs.clock.advance(hubs.timing.event_delay)
    first = hubs.queue.pop_visible()
    assert first is not None
    assert (first.key, hubs.queue.pop_visible()) == ("hub/a", None)


@pytest.mark.parametrize(
    ("changed", "looked_at"),
    [
        ("", {"hub/a", "hub/b"}),
        (f"/virtualNetworkPeerings/{hub_pair_name('m', 'a', network('a'))}", {"hub/a", "hub/b"}),
        ("/virtualNetworkPeerings/somebodys", {"hub/b"}),
    ],
)
async def test_a_change_of_a_pair_has_the_hub_looked_at_that_leads_it(
    changed: str, looked_at: set[str]
) -> None:
    hubs = Hubs(hub("a", "b"), hub("b"), hub("c"))
    await hubs.intake.touch(f"{network('b')}{changed}", "delete")
    hubs.clock.advance(hubs.timing.event_delay)
    found = set()
    while item := hubs.queue.pop_visible():
        found.add(item.key)
    assert found == looked_at


async def test_a_hub_that_the_mesh_does_not_have_is_nobodys() -> None:
    hubs = Hubs(hub("a"))
    assert (await hubs.engine.reconcile(HubKey("gone"))).requeue_after is None
    with pytest.raises(NotFound):
        await hubs.engine.plan(HubKey("gone"))
    with pytest.raises(NotFound):
        await hubs.intake.bump(HubKey("gone"), "test")
    assert await hubs.hubs.get(HubKey("gone")) is None


async def test_a_dry_run_writes_and_records_nothing() -> None:
    hubs = Hubs(hub("a", "b"), hub("b"))
    decision = await hubs.engine.plan(HubKey("a"))
    assert len(decision.plan.network) == 2
    assert hubs.writes() == []
    assert await hubs.hubs.get(HubKey("a")) is None


async def test_a_hub_is_looked_at_soon_after_nodes_were_attached_to_it() -> None:
    """How full it is was told as of an hour ago before; a burst of nodes makes it due once."""
    mesh = InMemoryMesh()
    await mesh.hubs.save(HubRecord(key=HubKey("hub"), next_due=mesh.clock.now() + timedelta(hours=1)))
    for number in range(2):
        await mesh.event(mesh.create_node(f"sales-{number}", f"10.{number + 1}.0.0/16").group_id)
    await mesh.until_quiet()
    hub = await mesh.hubs.get(HubKey("hub"))
    assert hub is not None
    assert hub.next_due is not None
    assert hub.next_due - mesh.clock.now() <= timedelta(minutes=1)


@pytest.mark.parametrize(("each", "told"), [(2000, "AsWanted"), (2001, "PrivateEndpointsAcrossPeerings")])
async def test_private_endpoints_of_all_its_nodes_are_counted_without_reading_their_networks(
    each: int, told: str
) -> None:
    hubs = Hubs(hub("a"))
    for number, group in enumerate(("sales", "stock"), 1):
        key = NodeKey.of(SUBSCRIPTION, group)
        hubs.place(
            "a",
            hub_peering_name("m", key, network_of(key)),
            network_of(key),
            f"10.{number}.0.0/16",
            "Connected",
        )
        await hubs.nodes.save(NodeRecord(key=key, state="Ready", private_endpoints=each))
    record = await hubs.run()
    assert hubs.arm.calls == ["get_network"]
    assert record.endpoints == 2 * each
    (headroom,) = [c for c in record.conditions if c.type == "Headroom"]
    assert headroom.reason == told
    assert ("4002 private endpoints" in headroom.message) is (each > 2000)
