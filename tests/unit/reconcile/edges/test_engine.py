"""Edges are made, read back, kept, and taken away again."""

from datetime import timedelta

import msgspec
import pytest

from shared.domain.artefacts import rule_id, service_endpoint_id
from shared.domain.edge import EdgeRequest
from shared.domain.errors import Denied, Terminal, Transient, Waiting
from shared.domain.ids import normal_id, same_id
from tests.support.mesh import HUB_NETWORK
from tests.unit.reconcile.edges.mesh import ACCOUNT, OTHER_ACCOUNT, EdgeMesh, network_of
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, PROVIDER, REQUEST, SERVER

STORAGE = msgspec.structs.replace(REQUEST, interface="storage", target=ACCOUNT)
RULE = msgspec.structs.replace(STORAGE, exposure="service-endpoint")
OTHER_RULE = msgspec.structs.replace(RULE, target=OTHER_ACCOUNT)
JOINED = EdgeRequest(
    consumer=CONSUMER, provider=PROVIDER, interface="peering", purpose="p", exposure="peering"
)
THROUGH_HUB = msgspec.structs.replace(JOINED, exposure="hub")


def attach(mesh: EdgeMesh, *, state: str = "Connected") -> None:
    """What the nodes' own engine does: both networks are peered with the hub."""
    from shared.domain.network import PeeringFlags
    from tests.fakes.state import Side

    hub = mesh.cloud.networks[normal_id(HUB_NETWORK)]
    for key in (CONSUMER, PROVIDER):
        spoke = mesh.cloud.networks[normal_id(network_of(key))]
        for here, there in ((hub, spoke), (spoke, hub)):
            name = f"to-{there.id.rpartition('/')[2]}"
            side = Side(
                f"{here.id}/virtualNetworkPeerings/{name}", there.id, there.prefixes, PeeringFlags(), state
            )
            here.sides[name] = side


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_an_approved_edge_gets_its_endpoint_and_is_active_once_read_back(seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await mesh.until_quiet()
    pending = await mesh.edge(edge.key)
    assert pending.route
    assert (pending.state, pending.route.exposure, mesh.endpoints) == (
        "PendingApproval",
        "private-endpoint",
        [],
    )
    await mesh.desk.approve(BERT, edge.key, "fine")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert mesh.states(edge.key) == ["PendingApproval", "Approved", "Provisioning", "Active"]
    assert [c.status for c in edge.conditions] == ["True", "True", "True"]
    [endpoint] = mesh.cloud.endpoints.values()
    assert (endpoint.state, endpoint.subnet) == ("Approved", mesh.subnet("private-endpoints"))
    assert edge.addresses == (endpoint.address,)
    assert edge.names == ("sales.database.windows.net",)
    assert edge.owned == (endpoint.id,)
    assert CONSUMER in mesh.touch.touched


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_a_lease_warns_once_then_ends_and_the_edge_is_revoked_once_it_is_gone(seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    edge = await mesh.active()
    await mesh.later(days=84)
    assert (await mesh.edge(edge.key)).state == "Expiring"
    assert len(mesh.endpoints) == 1
    await mesh.later(days=1)
    assert [e.type for e in mesh.events.events].count("EdgeExpiring") == 1
    await mesh.later(days=6)
    assert (await mesh.edge(edge.key)).state == "Revoked"
    assert mesh.endpoints == []
    assert mesh.states(edge.key)[-3:] == ["Expiring", "Revoking", "Revoked"]


async def test_an_extended_lease_warns_again_before_its_new_end() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    await mesh.later(days=84)
    await mesh.desk.extend(BERT, edge.key, "still needed", 30)
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Active"
    await mesh.later(days=31)
    assert (await mesh.edge(edge.key)).state == "Expiring"
    assert [e.type for e in mesh.events.events].count("EdgeExpiring") == 2


async def test_a_request_that_nobody_decides_about_lapses_and_says_so() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await mesh.later(days=29.9)
    assert (await mesh.edge(edge.key)).state == "PendingApproval"
    await mesh.later(days=0.1)
    edge = await mesh.edge(edge.key)
    assert edge.verdict
    assert (edge.state, edge.verdict.by, edge.next_due) == ("Rejected", "meshplane", None)
    assert "in 30 days" in edge.verdict.reason
    assert [e.cause for e in mesh.history.entries].count("lapse by meshplane") == 1
    assert mesh.events.events[-1].data["command"] == "lapse"
    assert mesh.endpoints == []


async def test_a_short_lease_is_announced_for_its_last_quarter() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active(msgspec.structs.replace(REQUEST, lease_days=4))
    await mesh.later(days=2.9)
    assert (await mesh.edge(edge.key)).state == "Active"
    await mesh.later(days=0.2)
    assert (await mesh.edge(edge.key)).state == "Expiring"


async def test_a_lease_of_a_minute_is_announced_and_ends() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted(msgspec.structs.replace(REQUEST, lease_days=1 / 1440))
    assert edge.expires_at == mesh.clock.now() + timedelta(minutes=1)
    await mesh.until_quiet()
    assert mesh.states(edge.key)[-4:] == ["Active", "Expiring", "Revoking", "Revoked"]
    assert mesh.endpoints == []
    warned = next(e.at for e in mesh.events.events if e.type == "EdgeExpiring")
    assert timedelta() < edge.expires_at - warned <= timedelta(seconds=30)


async def test_a_converged_edge_is_looked_at_with_two_reads_and_no_write() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    entries = len(mesh.history.entries)
    mesh.arm.calls.clear()
    await mesh.later(hours=2)
    assert mesh.arm.calls == ["get_private_endpoint", "get_addresses"]
    assert len(mesh.history.entries) == entries
    assert (await mesh.edge(edge.key)).state == "Active"


async def test_an_endpoint_that_somebody_deleted_is_made_again() -> None:
    mesh = await EdgeMesh(operation_seconds=20).start()
    edge = await mesh.active()
    mesh.cloud.delete_resource(edge.owned[0])
    await mesh.later(hours=2)
    assert len(mesh.endpoints) == 1
    assert mesh.states(edge.key)[-3:] == ["Active", "Provisioning", "Active"]


async def test_names_that_somebody_removed_come_back() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    mesh.cloud.endpoints[normal_id(edge.owned[0])].zone_groups.clear()
    mesh.arm.calls.clear()
    await mesh.later(hours=2)
    assert mesh.writes() == ["put_zone_group"]
    assert (await mesh.edge(edge.key)).state == "Active"


async def test_a_target_that_is_gone_fails_the_edge_and_its_endpoint_goes() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    mesh.cloud.delete_resource(SERVER)
    await mesh.later(hours=2)
    edge = await mesh.edge(edge.key)
    assert edge.state == "Failed"
    assert (edge.conditions[0].reason, mesh.endpoints, edge.owned) == ("TargetNotFound", [], ())
    mesh.cloud.create_resource(SERVER)
    await mesh.later(hours=2)
    assert (await mesh.edge(edge.key)).state == "Active"
    assert len(mesh.endpoints) == 1


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_edges_that_need_the_same_endpoint_share_it_and_the_last_takes_it_away(seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    first, second = await mesh.granted(), await mesh.granted()
    await mesh.until_quiet()
    assert len(mesh.endpoints) == 1
    await mesh.desk.revoke(ANNE, first.key, "done")
    await mesh.until_quiet()
    assert (await mesh.edge(first.key)).state == "Revoked"
    assert ((await mesh.edge(second.key)).state, len(mesh.endpoints)) == ("Active", 1)
    await mesh.desk.revoke(ANNE, second.key, "done")
    await mesh.until_quiet()
    assert ((await mesh.edge(second.key)).state, mesh.endpoints) == ("Revoked", [])


async def test_one_that_is_taken_away_while_another_is_approved_is_there_in_the_end() -> None:
    mesh = await EdgeMesh(operation_seconds=20).start()
    first = await mesh.active()
    await mesh.desk.revoke(ANNE, first.key, "done")
    for _ in range(2):
        await mesh.step()
    second = await mesh.granted()
    await mesh.until_quiet()
    assert (await mesh.edge(first.key)).state == "Revoked"
    assert ((await mesh.edge(second.key)).state, len(mesh.endpoints)) == ("Active", 1)


@pytest.mark.parametrize("steps", range(1, 7))
async def test_an_edge_revoked_while_it_is_being_made_ends_with_nothing(steps: int) -> None:
    mesh = await EdgeMesh(operation_seconds=20).start()
    edge = await mesh.granted()
    for _ in range(steps):
        await mesh.step()
    await mesh.desk.revoke(ANNE, edge.key, "a mistake")
    await mesh.until_quiet()
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])
    assert mesh.states(edge.key)[-2:] == ["Revoking", "Revoked"]


async def test_what_was_never_approved_is_revoked_without_a_write() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await mesh.desk.revoke(ANNE, edge.key, "never mind")
    await mesh.until_quiet()
    assert ((await mesh.edge(edge.key)).state, mesh.writes()) == ("Revoked", [])


# --- approval on the target


async def test_where_the_target_is_not_ours_to_approve_its_owner_is_told_what_to_click() -> None:
    mesh = await EdgeMesh().start()
    no = Denied("LinkedAuthorizationFailed", "no rights on the target")
    mesh.arm.inject("put_private_endpoint", no)
    mesh.arm.inject("approve_connection", Denied("AuthorizationFailed", "no"), times=3)
    edge = await mesh.granted()
    for _ in range(3):
        await mesh.step()
    edge = await mesh.edge(edge.key)
    assert edge.route
    assert (edge.state, edge.route.manual, edge.conditions[0].reason) == (
        "Provisioning",
        True,
        "AwaitingOwner",
    )
    assert "Approve" in edge.conditions[0].message
    assert SERVER in edge.conditions[0].message
    mesh.cloud.answer_connection(mesh.endpoints[0], "Approved")
    await mesh.later(minutes=6)
    assert (await mesh.edge(edge.key)).state == "Active"


async def test_a_pending_connection_is_approved_on_the_providers_side() -> None:
    mesh = await EdgeMesh(operation_seconds=5).start()
    mesh.arm.inject("put_private_endpoint", Denied("LinkedAuthorizationFailed", "no"))
    edge = await mesh.active()
    assert "approve_connection" in mesh.arm.calls
    assert [e.state for e in mesh.cloud.endpoints.values()] == ["Approved"]
    assert edge.state == "Active"


async def test_an_owner_who_rejects_the_connection_has_the_edge_revoked() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    mesh.cloud.answer_connection(mesh.endpoints[0], "Rejected")
    await mesh.later(hours=2)
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])
    assert any("rejected on" in c for e in mesh.history.entries for c in e.changes)


# --- service endpoints


async def test_a_service_endpoint_and_a_rule_come_and_go_without_touching_those_of_others() -> None:
    mesh = await EdgeMesh(operation_seconds=5).start()
    found = mesh.cloud.subnet_of(mesh.subnet())
    assert found
    found.service_endpoints.append("Microsoft.KeyVault")
    theirs = mesh.subnet("private-endpoints")
    mesh.cloud.admit(ACCOUNT, theirs)
    edge = await mesh.active(RULE)
    assert mesh.services() == ["Microsoft.KeyVault", "Microsoft.Storage"]
    assert mesh.rules_of(ACCOUNT) == sorted([normal_id(theirs), normal_id(mesh.subnet())])
    await mesh.desk.revoke(ANNE, edge.key, "done")
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Revoked"
    assert (mesh.services(), mesh.rules_of(ACCOUNT)) == (["Microsoft.KeyVault"], [normal_id(theirs)])


async def test_what_was_there_before_the_edge_stays_after_it() -> None:
    mesh = await EdgeMesh().start()
    found = mesh.cloud.subnet_of(mesh.subnet())
    assert found
    found.service_endpoints.append("Microsoft.Storage")
    mesh.cloud.admit(ACCOUNT, mesh.subnet())
    edge = await mesh.active(RULE)
    assert (edge.owned, mesh.writes()) == ((), [])
    await mesh.desk.revoke(ANNE, edge.key, "done")
    await mesh.until_quiet()
    assert (mesh.services(), mesh.rules_of(ACCOUNT)) == (["Microsoft.Storage"], [normal_id(mesh.subnet())])


async def test_a_service_endpoint_goes_with_the_last_edge_that_needs_it() -> None:
    mesh = await EdgeMesh().start()
    first, second = await mesh.active(RULE), await mesh.active(OTHER_RULE)
    shared = service_endpoint_id(mesh.subnet(), "Microsoft.Storage")
    assert any(same_id(a, shared) for a in first.owned)
    assert any(same_id(a, shared) for a in second.owned)
    await mesh.desk.revoke(ANNE, first.key, "done")
    await mesh.until_quiet()
    assert (mesh.services(), mesh.rules_of(ACCOUNT)) == (["Microsoft.Storage"], [])
    assert mesh.rules_of(OTHER_ACCOUNT) == [normal_id(mesh.subnet())]
    await mesh.desk.revoke(ANNE, second.key, "done")
    await mesh.until_quiet()
    assert (mesh.services(), mesh.rules_of(OTHER_ACCOUNT)) == ([], [])


async def test_a_rule_that_somebody_removed_comes_back() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active(RULE)
    mesh.cloud.firewall_of(ACCOUNT).subnets.clear()
    await mesh.later(hours=2)
    assert mesh.rules_of(ACCOUNT) == [normal_id(mesh.subnet())]
    assert any(same_id(a, rule_id(ACCOUNT, mesh.subnet())) for a in edge.owned)


# --- through networks


async def test_an_edge_through_the_hub_makes_nothing_and_waits_until_both_ends_are_connected() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted(THROUGH_HUB)
    for _ in range(4):
        await mesh.step()
    assert (await mesh.edge(edge.key)).conditions[0].reason == "NotConnectedYet"
    attach(mesh)
    await mesh.intake.node_changed(CONSUMER, "attached")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.owned, mesh.writes()) == ("Active", (), [])


async def test_an_edge_waits_for_its_nodes_for_as_long_as_they_take_and_looks_less_and_less_often() -> None:
    mesh = await EdgeMesh().start()
    key = (await mesh.granted(THROUGH_HUB)).key
    gaps = []
    for _ in range(2 * mesh.timing.waits):
        if not await mesh.step():
            await mesh.later(hours=2)
        edge = await mesh.edge(key)
        assert edge.next_due is not None
        gaps.append((edge.next_due - mesh.clock.now()).total_seconds())
    assert (edge.state, edge.conditions[0].reason, edge.waits) == ("Provisioning", "NotConnectedYet", 0)
    assert mesh.dead_letters.letters == {}
    assert gaps == sorted(gaps)
    assert gaps[0] <= 5 < 0.9 * mesh.timing.resync <= gaps[-1] <= 1.1 * mesh.timing.resync
    attach(mesh)
    await mesh.intake.node_changed(CONSUMER, "attached")
    await mesh.until_quiet()
    assert (await mesh.edge(key)).state == "Active"


@pytest.mark.parametrize("seconds", [0.0, 10.0])
async def test_a_peering_of_an_edge_has_both_sides_and_goes_with_it(seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    edge = await mesh.active(JOINED)
    networks = [mesh.cloud.networks[normal_id(network_of(k))] for k in (CONSUMER, PROVIDER)]
    assert [[s.state for s in n.sides.values()] for n in networks] == [["Connected"], ["Connected"]]
    assert len(edge.owned) == 2
    await mesh.desk.revoke(ANNE, edge.key, "done")
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Revoked"
    assert [n.sides for n in networks] == [{}, {}]


async def test_one_side_of_an_edges_peering_that_somebody_deleted_is_healed() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active(JOINED)
    mesh.cloud.delete_peering(edge.owned[0])
    await mesh.later(hours=2)
    networks = [mesh.cloud.networks[normal_id(network_of(k))] for k in (CONSUMER, PROVIDER)]
    assert [[s.state for s in n.sides.values()] for n in networks] == [["Connected"], ["Connected"]]
    assert (await mesh.edge(edge.key)).state == "Active"


# --- nodes that change


@pytest.mark.parametrize("key", [CONSUMER, PROVIDER])
@pytest.mark.parametrize("state", ["Offboarding", "Offboarded"])
async def test_the_edges_of_a_node_that_leaves_are_revoked(key: object, state: str) -> None:
    from shared.domain.ids import NodeKey

    assert isinstance(key, NodeKey)
    mesh = await EdgeMesh(operation_seconds=5).start()
    active = await mesh.active()
    asked = await mesh.desk.request(ANNE, STORAGE)
    await mesh.change_node(key, state=state)
    await mesh.until_quiet()
    assert [(await mesh.edge(e.key)).state for e in (active, asked)] == ["Revoked", "Revoked"]
    assert mesh.endpoints == []


@pytest.mark.parametrize("seconds", [0.0, 10.0])
async def test_an_edge_of_a_node_that_changes_its_option_is_led_another_way_before_the_old_one_goes(
    seconds: float,
) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    vault = f"{PROVIDER.group_id}/providers/Microsoft.KeyVault/vaults/v"
    mesh.cloud.create_resource(vault)
    request = msgspec.structs.replace(REQUEST, interface="resource", target=vault, exposure=None)
    edge = await mesh.active(msgspec.structs.replace(request, exposure="peering"))
    stored = await mesh.edge(edge.key)
    await mesh.edges.save(msgspec.structs.replace(stored, request=request))
    old = edge.owned
    seen: list[tuple[int, int]] = []
    await mesh.change_node(CONSUMER, network="sandbox")
    while await mesh.step():
        sides = len(mesh.cloud.networks[normal_id(network_of(CONSUMER))].sides)
        ready = [e for e in mesh.cloud.endpoints.values() if e.zones and e.provisioning == "Succeeded"]
        seen.append((sides, len(ready)))
    edge = await mesh.edge(edge.key)
    assert edge.route
    assert (edge.state, edge.route.exposure) == ("Active", "private-endpoint")
    assert (0, 0) not in seen
    assert seen[-1] == (0, 1)
    assert not set(old) & set(edge.owned)


async def test_an_edge_for_which_no_way_is_left_fails_and_says_what_would_help() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active(JOINED)
    await mesh.change_node(PROVIDER, network="endpoints")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.conditions[0].reason, edge.owned) == ("Failed", "OptionForbids", ())
    assert "change its tag" in edge.conditions[0].message
    await mesh.change_node(PROVIDER, network="hub")
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Active"


# --- trouble


async def test_what_passes_is_waited_for_and_what_azure_asks_for_is_heeded() -> None:
    mesh = await EdgeMesh().start()
    mesh.arm.inject("put_private_endpoint", Waiting("TooManyRequests", "slow down", retry_after=100))
    edge = await mesh.granted()
    await mesh.step()
    mesh.arm.calls.clear()
    stored = await mesh.edge(edge.key)
    assert stored.not_before == mesh.clock.now() + timedelta(seconds=100)
    await mesh.intake.bump(edge.key, "somebody asks")
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Active"


async def test_a_write_that_is_refused_fails_the_edge_until_it_is_put_right() -> None:
    mesh = await EdgeMesh().start()
    mesh.arm.inject("put_zone_group", Terminal("RequestDisallowedByPolicy", "policy says no"), times=2)
    edge = await mesh.granted()
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.conditions[0].reason) == ("Failed", "RequestDisallowedByPolicy")
    assert len(mesh.endpoints) == 1
    mesh.arm.calm_down()
    await mesh.later(hours=2)
    assert (await mesh.edge(edge.key)).state == "Active"


async def test_an_edge_that_keeps_failing_is_given_up_with_a_dead_letter_that_goes_when_it_is_well() -> None:
    mesh = await EdgeMesh().start()
    mesh.arm.inject("put_private_endpoint", Transient("InternalServerError", "oops"), times=50)
    edge = await mesh.granted()
    await mesh.until_quiet()
    stored = await mesh.edge(edge.key)
    assert (stored.state, stored.conditions[0].reason) == ("Failed", "RetriesExhausted")
    assert list(mesh.dead_letters.letters) == [f"key-edge-{edge.key.id}"]
    mesh.arm.calm_down()
    await mesh.intake.bump(edge.key, "replayed")
    await mesh.until_quiet()
    assert ((await mesh.edge(edge.key)).state, mesh.dead_letters.letters) == ("Active", {})


async def test_an_active_edge_stays_so_while_azure_cannot_be_read() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active()
    mesh.arm.inject("*", Transient("InternalServerError", "oops"), times=3)
    await mesh.later(hours=2)
    assert (await mesh.edge(edge.key)).state == "Active"
    assert len(mesh.endpoints) == 1
    assert "Provisioning" not in mesh.states(edge.key)[3:]


async def test_events_wait_in_the_record_while_the_stream_is_down() -> None:
    mesh = await EdgeMesh().start()
    mesh.events.fault = Transient("StreamDown", "try again")
    edge = await mesh.granted()
    await mesh.step()
    edge = await mesh.edge(edge.key)
    assert [e.data["state"] for e in edge.outbox] == ["PendingApproval", "Approved", "Provisioning", "Active"]
    mesh.events.fault = None
    await mesh.later(minutes=15)
    assert (await mesh.edge(edge.key)).outbox == ()
    states = [e.data["state"] for e in mesh.events.events]
    assert states == ["PendingApproval", "Approved", "Provisioning", "Active"]


async def test_the_poison_queue_turns_an_edge_into_a_condition_and_a_dead_letter() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.granted()
    await mesh.engine.give_up(edge.key, "five times in vain")
    stored = await mesh.edge(edge.key)
    assert (stored.state, stored.conditions[0].reason, stored.letter) == ("Failed", "RetriesExhausted", True)
