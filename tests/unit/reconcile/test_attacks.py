"""Attempts to make the engine retry for ever, write on each pass, lose a key, delete what is not its own, or lie."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from shared.domain.diagnostics import DiagnosticSetting
from shared.domain.errors import (
    Denied,
    MeshError,
    NotFound,
    Terminal,
    Transient,
    Waiting,
)
from shared.domain.node import NodeRecord
from tests.support.mesh import HUB_NETWORK, TAGS, WORKSPACE, InMemoryMesh, network_of, vault_of
from tests.support.people import SELECTIONS
from tests.support.trouble import Trouble
from tests.unit.reconcile.one_node import KEY, ready, settled, writes

# --- retrying for ever


async def test_an_operation_that_is_accepted_and_fails_each_time_is_given_up_with_a_dead_letter() -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    mesh.create_node()
    await mesh.event(KEY.group_id)
    for _ in range(100):
        mesh.arm.fail_next_operation("InternalServerError")
        if not await mesh.step():
            break
    assert ready(await mesh.record(KEY)) == ("False", "RetriesExhausted")
    assert len(mesh.dead_letters.letters) == 1
    assert mesh.arm.calls.count("put_peering") <= mesh.timing.retries


async def test_an_operation_that_fails_later_is_shown_and_tried_again() -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    mesh.create_node()
    mesh.arm.fail_next_operation("InternalServerError", "It broke.")
    await mesh.event(KEY.group_id)
    await mesh.step()
    await mesh.step()
    assert ready(await mesh.record(KEY)) == ("False", "InternalServerError")
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"


async def test_an_operation_that_azure_forgot_is_followed_by_a_look() -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.step()
    mesh.arm.forget_operations()
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"


@pytest.mark.parametrize("error", [Denied("AuthorizationFailed", "no"), Terminal("Odd", "no")])
async def test_an_operation_that_may_not_be_polled_is_not_polled_again_and_again(error: MeshError) -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    mesh.create_node()
    mesh.arm.inject("get_operation", error, times=1000)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    assert mesh.arm.calls.count("get_operation") <= 4


async def test_an_operation_is_never_polled_before_azure_said() -> None:
    mesh = InMemoryMesh(operation_seconds=60)
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.step()
    operation = (await mesh.record(KEY)).operation
    assert operation is not None
    for _ in range(5):
        await mesh.event(KEY.group_id)
        await mesh.step()
        mesh.clock.advance(5)
    assert mesh.clock.now() < operation.poll_at
    assert "get_operation" not in mesh.arm.calls


@pytest.mark.parametrize("call", ["get_group", "put_peering", "put_diagnostic_setting"])
async def test_what_policy_denies_is_tried_once_and_again_only_at_the_next_resync(call: str) -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    mesh.arm.inject(call, Denied("RequestDisallowedByPolicy", "no"), times=1000)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    record = await mesh.record(KEY)
    assert (record.state, ready(record)) == ("NotReady", ("False", "RequestDisallowedByPolicy"))
    tried = mesh.arm.calls.count(call)
    assert tried <= 3
    mesh.clock.advance(60)
    await mesh.resync.discover()
    await mesh.resync.enqueue_due()
    await mesh.until_quiet()
    assert mesh.arm.calls.count(call) == tried


async def test_a_denied_deletion_is_not_repeated_by_every_discovery() -> None:
    mesh = await settled()
    mesh.cloud.tag(KEY, {})
    mesh.arm.inject("delete_peering", Terminal("ScopeLocked", "locked"), times=1000)
    for _ in range(5):
        await mesh.resync.discover()
        await mesh.until_quiet()
        mesh.clock.advance(60)
    assert (await mesh.record(KEY)).state == "Offboarding"
    assert mesh.arm.calls.count("delete_peering") == 1


@pytest.mark.parametrize(
    ("error", "tries"), [(Transient("InternalServerError", "x"), 8), (Waiting("Busy", "x"), 100)]
)
async def test_what_may_pass_is_tried_a_bounded_number_of_times_and_then_seen(
    error: MeshError, tries: int
) -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    mesh.arm.inject("put_peering", error, times=1000)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert mesh.arm.calls.count("put_peering") == tries
    assert ready(await mesh.record(KEY)) == ("False", "RetriesExhausted")
    assert [letter.key for letter in mesh.dead_letters.letters.values()] == [str(KEY)]


async def test_a_node_whose_hub_was_taken_out_of_the_configuration_says_so_and_rests() -> None:
    mesh = await settled()
    hub = mesh.mesh.hubs[0]
    mesh.mesh = msgspec.structs.replace(mesh.mesh, hubs=(msgspec.structs.replace(hub, id="other"),))
    mesh.restart()
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    record = await mesh.record(KEY)
    assert (ready(record), record.hub, len(record.owned)) == (("False", "HubUnknown"), "hub", 2)
    mesh.cloud.tag(KEY, {})
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    record = await mesh.record(KEY)
    assert (record.state, len(record.owned), set(writes(mesh))) == (
        "Offboarding",
        2,
        {"delete_diagnostic_setting"},
    )


@pytest.mark.parametrize("operation_seconds", [0.0, 5.0])
async def test_somebody_who_undoes_each_write_is_not_fought_for_ever(operation_seconds: float) -> None:
    mesh = await settled(operation_seconds=operation_seconds)
    trouble = Trouble(mesh.clock)

    async def undone(name: str, body: Callable[[], Awaitable[object]]) -> object:
        if name == "arm.get_network":
            for side in list(mesh.cloud.networks[HUB_NETWORK.lower()].sides.values()):
                mesh.cloud.delete_peering(side.id)
        return await body()

    trouble.call = undone  # type: ignore[method-assign, assignment]
    mesh.engine = mesh.new_engine(trouble)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert ready(await mesh.record(KEY)) == ("False", "RetriesExhausted")
    assert len(writes(mesh)) <= 6 * mesh.timing.waits


# --- losing a key, or lying


@pytest.mark.parametrize("call", range(1, 30))
@pytest.mark.parametrize("moment", ["die before", "die after"])
async def test_a_worker_that_dies_at_any_call_of_an_onboarding_delays_it_and_no_more(
    moment: str, call: int
) -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    trouble = Trouble(mesh.clock)
    trouble.arm("die before" if moment == "die before" else "die after", call, lambda name: None)
    mesh.engine = mesh.new_engine(trouble)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    assert (mesh.clock.now() - (await mesh.record(KEY)).first_seen).total_seconds() < 70  # type: ignore[operator]


async def test_a_lease_held_by_a_dead_instance_is_taken_over_when_it_runs_out_and_not_before() -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    trouble = Trouble(mesh.clock)
    trouble.arm("die after", 4, lambda name: None)
    mesh.engine = mesh.new_engine(trouble)
    await mesh.event(KEY.group_id)
    await mesh.step()
    held = await mesh.record(KEY)
    assert held.lease is not None
    mesh.clock.advance(10)
    result = await mesh.engine.reconcile(KEY)
    assert 20 <= (result.requeue_after or 0) <= 21
    mesh.clock.advance(20)
    await mesh.engine.reconcile(KEY)
    assert (await mesh.record(KEY)).state == "Ready"


async def test_a_run_that_lost_its_lease_writes_nothing_more_and_has_the_key_looked_at_again() -> None:
    """It sleeps in its first write; meanwhile another run untags everything; the write lands afterwards."""
    mesh = InMemoryMesh()
    mesh.create_node()
    slow = Trouble(mesh.clock)
    await mesh.event(KEY.group_id)
    mesh.clock.advance(3)

    async def stall_in_put(name: str, body: Callable[[], Awaitable[object]]) -> object:
        if name == "arm.put_peering":
            await slow.stall()
        return await body()

    slow.call = stall_in_put  # type: ignore[method-assign, assignment]
    run = asyncio.create_task(mesh.new_engine(slow).reconcile(KEY))
    await slow.reached.wait()
    mesh.cloud.tag(KEY, {})
    mesh.clock.advance(31)
    await mesh.engine.reconcile(KEY)
    assert (await mesh.record(KEY)).state == "Offboarded"
    slow.wake()
    result = await run
    assert mesh.cloud.networks[HUB_NETWORK.lower()].sides
    assert result.requeue_after == mesh.timing.event_delay
    mesh.clock.advance(3)
    await mesh.engine.reconcile(KEY)
    assert not mesh.cloud.networks[HUB_NETWORK.lower()].sides
    assert (await mesh.record(KEY)).state == "Offboarded"


async def test_two_runs_never_hold_a_key_at_once() -> None:
    """Each pass of a run saves its record: none of them may give the lease away."""
    mesh = InMemoryMesh()
    mesh.create_node()
    await mesh.event(KEY.group_id)
    mesh.clock.advance(3)
    holders: list[str | None] = []
    trouble = Trouble(mesh.clock)

    async def watched(name: str, body: Callable[[], Awaitable[object]]) -> object:
        answer = await body()
        if name == "nodes.save" and isinstance(answer, NodeRecord):
            holders.append(answer.lease.owner if answer.lease else None)
        return answer

    trouble.call = watched  # type: ignore[method-assign, assignment]
    await asyncio.gather(*(mesh.new_engine(trouble).reconcile(KEY) for _ in range(3)))
    given_back = holders.index(None)
    assert set(holders[given_back:]) == {None}
    assert len(set(holders[:given_back])) == 1
    assert mesh.arm.calls.count("put_peering") == 2


async def test_a_step_that_fails_after_an_operation_is_shown_at_once() -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.step()
    mesh.arm.inject("put_peering", Terminal("RemoteVnetHasNoGateways", "no gateway"))
    await mesh.step()
    record = await mesh.record(KEY)
    connected = next(c for c in record.conditions if c.type == "Connected")
    assert ready(record) == ("False", "RemoteVnetHasNoGateways")
    assert connected.reason == "RemoteVnetHasNoGateways"
    assert record.state == "NotReady"


async def test_while_azure_works_on_a_peering_the_node_is_not_connected() -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.step()
    record = await mesh.record(KEY)
    assert record.state == "Pending"
    assert {c.type: c.status for c in record.conditions}["Connected"] == "Unknown"


async def test_what_a_wrong_tag_leaves_undecided_is_unknown_and_what_events_named_is_kept_for_later() -> None:
    mesh = await settled()
    mesh.cloud.tag(KEY, {"mesh-node": "<script>"})
    mesh.cloud.delete_setting(vault_of(KEY, "a"), "meshplane")
    await mesh.event(vault_of(KEY, "a"), "delete")
    await mesh.until_quiet()
    record = await mesh.record(KEY)
    assert {c.type: c.status for c in record.conditions} == {
        "Ready": "False",
        "TagsValid": "False",
        "Connected": "Unknown",
        "Observed": "Unknown",
    }
    mesh.cloud.tag(KEY, TAGS)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert writes(mesh) == ["put_diagnostic_setting"]


async def test_a_resource_that_is_not_found_when_asked_does_not_pass_for_observed() -> None:
    """It is deleted between the list and the look, or Azure's list and its answers differ for a moment."""
    mesh = InMemoryMesh()
    mesh.create_node()
    mesh.arm.inject("list_diagnostic_settings", NotFound("ResourceNotFound", "x"), times=6)
    await mesh.event(KEY.group_id)
    await mesh.step()
    observed = next(c for c in (await mesh.record(KEY)).conditions if c.type == "Observed")
    assert (observed.status, observed.reason) == ("Unknown", "NotFoundYet")


# --- what is not ours


async def test_only_what_is_ours_goes_when_a_node_leaves() -> None:
    mesh = await settled()
    theirs = DiagnosticSetting("theirs", SELECTIONS[0], WORKSPACE + "2")
    mesh.cloud.add_setting(vault_of(KEY, "a"), theirs)
    mesh.cloud.tag(KEY, {})
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert mesh.cloud.settings[vault_of(KEY, "a").lower()] == {"theirs": theirs}
    assert (await mesh.record(KEY)).state == "Offboarded"


async def test_a_node_is_not_offboarded_while_one_deletion_fails() -> None:
    mesh = await settled()
    mesh.cloud.tag(KEY, {})
    mesh.arm.inject("delete_diagnostic_setting", Transient("InternalServerError", "x"), times=3)
    states: list[str] = []
    await mesh.event(KEY.group_id)
    while await mesh.step():
        states.append((await mesh.record(KEY)).state)
    assert states[0] == "Offboarding"
    assert states[-1] == "Offboarded"
    assert not any("meshplane" in s for s in mesh.cloud.settings.values())


async def test_a_setting_that_came_back_with_its_resource_unnoticed_goes_when_the_node_leaves() -> None:
    mesh = await settled()
    vault = vault_of(KEY, "a")
    mesh.cloud.delete_resource(vault)
    await mesh.event(vault, "delete")
    await mesh.until_quiet()
    mesh.cloud.create_resource(vault)
    assert mesh.cloud.settings[vault.lower()]
    mesh.cloud.tag(KEY, {})
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Offboarded"
    assert not mesh.cloud.settings[vault.lower()]


async def test_a_setting_that_applies_again_to_a_recreated_resource_is_removed_when_an_event_names_it() -> (
    None
):
    mesh = await settled()
    vault = vault_of(KEY, "a")
    mesh.cloud.delete_resource(vault)
    mesh.cloud.tag(KEY, {})
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    mesh.cloud.create_resource(vault)
    assert mesh.cloud.settings[vault.lower()]
    await mesh.event(vault, "write")
    await mesh.until_quiet()
    assert not mesh.cloud.settings[vault.lower()]
    assert (await mesh.record(KEY)).state == "Offboarded"


# --- the rest of what may happen


@pytest.mark.parametrize("steps", range(1, 5))
@pytest.mark.parametrize("operation_seconds", [0.0, 5.0])
async def test_a_group_deleted_while_it_is_being_attached_ends_offboarded(
    steps: int, operation_seconds: float
) -> None:
    mesh = InMemoryMesh(operation_seconds=operation_seconds)
    mesh.create_node()
    await mesh.event(KEY.group_id)
    for _ in range(steps):
        await mesh.step()
    mesh.cloud.begin_deleting_group(KEY)
    await mesh.event(KEY.group_id, "delete")
    await mesh.step()
    await mesh.step()
    mesh.cloud.delete_group(KEY)
    await mesh.event(KEY.group_id, "delete")
    await mesh.until_quiet()
    record = await mesh.record(KEY)
    assert (record.state, mesh.cloud.networks[HUB_NETWORK.lower()].sides) == ("Offboarded", {})


async def test_discovery_finds_a_tag_and_an_untag_that_no_event_told_of() -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    assert await mesh.resync.discover() == 1
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    assert await mesh.resync.discover() == 0
    mesh.cloud.tag(KEY, {})
    assert await mesh.resync.discover() == 1
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Offboarded"
    assert await mesh.resync.discover() == 0


async def test_mesh_events_wait_in_the_record_while_the_stream_is_down_and_are_sent_in_order() -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    mesh.events.fault = Transient("StreamDown", "x")
    await mesh.event(KEY.group_id)
    await mesh.step()
    record = await mesh.record(KEY)
    assert (record.state, len(record.outbox), mesh.events.events) == ("Ready", 1, [])
    mesh.cloud.tag(KEY, {})
    await mesh.event(KEY.group_id)
    mesh.clock.advance(3)
    mesh.events.fault = None
    await mesh.until_quiet()
    assert [e.data["state"] for e in mesh.events.events] == ["Ready", "Offboarded"]
    assert (await mesh.record(KEY)).outbox == ()


async def test_two_nodes_that_overlap_are_attached_one_and_refused_one_until_the_first_leaves() -> None:
    mesh = InMemoryMesh()
    keys = [mesh.create_node(name, "10.1.0.0/16") for name in ("sales", "stock")]
    for key in keys:
        await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert sorted([(await mesh.record(k)).state for k in keys]) == ["NotReady", "Ready"]
    first = keys[0] if (await mesh.record(keys[0])).state == "Ready" else keys[1]
    mesh.cloud.delete_group(first)
    await mesh.event(first.group_id, "delete")
    await mesh.until_quiet()
    await mesh.resync_all()
    assert sorted([(await mesh.record(k)).state for k in keys]) == ["Offboarded", "Ready"]


async def test_twenty_nodes_attached_at_once_all_become_ready_without_a_dead_letter() -> None:
    mesh = InMemoryMesh(operation_seconds=10)
    keys = [mesh.create_node(f"n{i}", f"10.{i + 1}.0.0/16") for i in range(20)]
    for key in keys:
        await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert {(await mesh.record(k)).state for k in keys} == {"Ready"}
    assert not mesh.dead_letters.letters


async def test_a_poisoned_key_becomes_a_condition_and_a_dead_letter_even_where_no_row_is() -> None:
    mesh = await settled()
    await mesh.engine.give_up(KEY, "it failed five times")
    await mesh.engine.give_up(mesh.group("unknown"), "it failed five times")
    assert ready(await mesh.record(KEY)) == ("False", "RetriesExhausted")
    assert len(mesh.dead_letters.letters) == 2
    await mesh.resync_all()
    assert (await mesh.record(KEY)).state == "Ready"


async def test_a_network_replaced_by_one_that_overlaps_frees_the_old_addresses_on_the_hub() -> None:
    mesh = await settled()
    mesh.cloud.delete_resource(network_of(KEY))
    mesh.cloud.create_network(network_of(KEY), "10.0.128.0/20")
    await mesh.event(network_of(KEY), "write")
    await mesh.until_quiet()
    assert not mesh.cloud.networks[HUB_NETWORK.lower()].sides
    assert ready(await mesh.record(KEY)) == ("False", "AddressSpaceOverlap")
