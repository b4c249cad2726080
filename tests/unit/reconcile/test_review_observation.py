"""What a look makes of resources that cannot be read, of strange settings, and of a lease that runs out meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

import msgspec
import pytest

from shared.domain.diagnostics import Category, DiagnosticSetting, Selection
from shared.domain.errors import Denied, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import NodeKey
from shared.ports import Resource, WorkItem
from shared.reconcile.claim import Claim, LeaseLost
from shared.reconcile.observation import CategoryCache
from tests.support.mesh import HUB_NETWORK, TAGS, WORKSPACE, InMemoryMesh, vault_of
from tests.support.trouble import Trouble


def node_of_vaults(mesh: InMemoryMesh, name: str, count: int) -> NodeKey:
    """A tagged group with so many vaults and no network."""
    key = mesh.group(name)
    mesh.cloud.create_group(key, TAGS)
    for number in range(count):
        mesh.cloud.create_resource(vault_of(key, str(number)))
    return key


def ours(mesh: InMemoryMesh) -> list[str]:
    """The resources that exist and carry our setting."""
    return [r for r, found in mesh.cloud.settings.items() if "meshplane" in found and mesh.cloud.exists(r)]


def refuse(mesh: InMemoryMesh, method: str, resources: Sequence[str], error: MeshError) -> None:
    """Reading these resources fails, after a moment in which others have begun to."""
    real = getattr(mesh.arm, method)

    async def read(resource: str) -> object:
        if resource in resources:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise error
        return await real(resource)

    setattr(mesh.arm, method, read)


# --- categories


def vault(mesh: InMemoryMesh, key: NodeKey, name: str) -> Resource:
    return mesh.cloud.resources[vault_of(key, name).lower()]


async def test_an_error_of_one_resource_is_no_error_of_others_of_its_type() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 3)
    refuse(mesh, "list_diagnostic_categories", [vault_of(key, "0")], Denied("AuthorizationFailed", "no"))
    cache = CategoryCache(mesh.arm, mesh.clock)
    found = await asyncio.gather(
        *(cache.of(vault(mesh, key, str(n))) for n in range(3)), return_exceptions=True
    )
    assert [isinstance(f, Denied) for f in found] == [True, False, False]
    assert found[1] == found[2] != ()


async def test_one_node_does_not_show_the_error_of_another() -> None:
    mesh = InMemoryMesh()
    one, two = node_of_vaults(mesh, "one", 1), node_of_vaults(mesh, "two", 3)
    refuse(mesh, "list_diagnostic_categories", [vault_of(one, "0")], Denied("AuthorizationFailed", "no"))
    for key in (one, two):
        await mesh.event(key.group_id)
    mesh.clock.advance(3)
    await asyncio.gather(mesh.engine.reconcile(one), mesh.engine.reconcile(two))
    await mesh.until_quiet()
    assert [(await mesh.record(key)).state for key in (one, two)] == ["NotReady", "Ready"]


@pytest.mark.parametrize(("seconds", "reads"), [(3599, 1), (3600, 2)])
async def test_categories_are_shared_by_those_who_ask_at_once_and_kept_for_an_hour(
    seconds: float, reads: int
) -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 8)
    cache = CategoryCache(mesh.arm, mesh.clock)
    offered: list[tuple[Category, ...]] = await asyncio.gather(
        *(cache.of(vault(mesh, key, str(n))) for n in range(8))
    )
    mesh.clock.advance(seconds)
    await cache.of(vault(mesh, key, "0"))
    assert len(set(offered)) == 1
    assert mesh.arm.calls.count("list_diagnostic_categories") == reads


async def test_a_resource_that_is_gone_is_not_remembered_as_what_its_type_offers() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 2)
    gone = vault(mesh, key, "0")
    mesh.cloud.delete_resource(gone.id)
    cache = CategoryCache(mesh.arm, mesh.clock)
    with pytest.raises(NotFound):
        await cache.of(gone)
    assert await cache.of(vault(mesh, key, "1"))


# --- resources that are listed and cannot be read


@pytest.mark.parametrize("method", ["list_diagnostic_categories", "list_diagnostic_settings"])
async def test_a_node_is_not_offboarded_while_a_resource_that_was_ours_is_not_found(method: str) -> None:
    """Azure's lists and its answers differ for a while: nothing that we made may stay behind."""
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 4)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.restart()
    mesh.cloud.tag(key, {})
    mesh.arm.inject(method, NotFound("ResourceNotFound", "x"), times=6)
    await mesh.event(key.group_id)
    await mesh.step()
    record = await mesh.record(key)
    assert (record.state, record.conditions[0].reason) == ("Offboarding", "NotFoundYet")
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, ours(mesh)) == ("Offboarded", [])


async def test_one_that_is_deleted_between_list_and_look_leaves_no_other_behind() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 4)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.restart()
    mesh.cloud.tag(key, {})
    delete_after_the_list(mesh, key)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, ours(mesh)) == ("Offboarded", [])


async def test_one_that_is_deleted_between_list_and_look_does_not_make_a_node_ready_without_settings() -> (
    None
):
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 6)
    began = mesh.clock.now()
    delete_after_the_list(mesh, key)
    await mesh.event(key.group_id)
    await mesh.step()
    record = await mesh.record(key)
    assert (record.state, record.conditions[0].reason) == ("Pending", "NotFoundYet")
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert (record.state, {c.status for c in record.coverage}, len(ours(mesh))) == ("Ready", {"covered"}, 5)
    assert (mesh.clock.now() - began).total_seconds() < 10


def delete_after_the_list(mesh: InMemoryMesh, key: NodeKey) -> None:
    """The first list of resources still shows vault 0, which is gone by the time it is looked at."""
    real = mesh.arm.list_resources

    async def listed(key: NodeKey) -> Sequence[Resource]:
        found = await real(key)
        mesh.cloud.delete_resource(vault_of(key, "0"))
        return found

    mesh.arm.list_resources = listed  # type: ignore[method-assign]


async def test_one_that_stays_missing_is_given_up_visibly_after_the_usual_attempts() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 3)
    refuse(mesh, "list_diagnostic_settings", [vault_of(key, "0")], NotFound("ResourceNotFound", "x"))
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert (record.state, record.conditions[0].reason) == ("NotReady", "RetriesExhausted")
    assert "ResourceNotFound" in record.conditions[0].message
    assert len(ours(mesh)) == 2
    assert mesh.arm.calls.count("get_group") == mesh.timing.retries


@pytest.mark.parametrize("error", [Denied("AuthorizationFailed", "no"), Terminal("BadRequest", "no")])
async def test_one_that_may_not_be_read_is_named_and_everything_else_goes_on(error: MeshError) -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    broken = vault_of(key, "a")
    refuse(mesh, "list_diagnostic_settings", [broken], error)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    observed = next(c for c in record.conditions if c.type == "Observed")
    assert (record.state, observed.status, observed.reason) == ("NotReady", "False", error.reason)
    assert broken in observed.message
    assert {c.type: c.status for c in record.conditions}["Connected"] == "True"
    assert [c.status for c in record.coverage if c.id == broken] == ["blocked"]
    assert len(ours(mesh)) == 2


async def test_one_that_may_be_read_again_is_observed_at_the_next_look() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 2)
    mesh.arm.inject("list_diagnostic_settings", Denied("AuthorizationFailed", "no"))
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "NotReady"
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, len(ours(mesh))) == ("Ready", 2)


async def test_a_node_leaves_but_for_the_resource_that_may_not_be_read() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    broken, read = vault_of(key, "a"), mesh.arm.list_diagnostic_settings
    refuse(mesh, "list_diagnostic_settings", [broken], Denied("AuthorizationFailed", "no"))
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert (record.state, record.conditions[0].reason) == ("Offboarding", "AuthorizationFailed")
    assert (ours(mesh), [c.id for c in record.coverage]) == ([broken.lower()], [broken])
    assert not mesh.cloud.networks[HUB_NETWORK.lower()].sides
    assert record.next_due is not None
    mesh.arm.list_diagnostic_settings = read  # type: ignore[method-assign]
    await mesh.resync_all()
    assert ((await mesh.record(key)).state, ours(mesh)) == ("Offboarded", [])


async def test_one_that_was_never_ours_and_may_not_be_read_keeps_nobody_from_leaving() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 2)
    refuse(mesh, "list_diagnostic_settings", [vault_of(key, "0")], Denied("AuthorizationFailed", "no"))
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, ours(mesh)) == ("Offboarded", [])


async def test_an_error_that_passes_is_shown_and_the_rest_is_observed_meanwhile() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 3)
    mesh.arm.inject("list_diagnostic_settings", Transient("InternalServerError", "x"))
    await mesh.event(key.group_id)
    await mesh.step()
    record = await mesh.record(key)
    assert (record.state, record.conditions[0].reason) == ("Pending", "InternalServerError")
    assert len(ours(mesh)) == 2
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, len(ours(mesh))) == ("Ready", 3)


async def test_once_azure_throttles_nothing_more_is_asked_before_it_said() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 100)
    mesh.arm.inject("list_diagnostic_settings", Waiting("TooManyRequests", "x", retry_after=17), times=8)
    await mesh.event(key.group_id)
    await mesh.step()
    asked = mesh.arm.calls.count("list_diagnostic_settings")
    record = await mesh.record(key)
    assert asked == 8
    assert record.next_due is not None
    assert (record.next_due - mesh.clock.now()).total_seconds() >= 17
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, len(ours(mesh))) == ("Ready", 100)


async def test_a_run_that_was_throttled_does_not_read_its_peerings_back_at_once() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    mesh.arm.inject("list_diagnostic_settings", Waiting("TooManyRequests", "x", retry_after=17))
    await mesh.event(key.group_id)
    await mesh.step()
    assert (mesh.arm.calls.count("put_peering"), mesh.arm.calls.count("get_group")) == (2, 1)
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Ready"


async def test_a_thousand_resources_that_may_not_be_read_make_one_short_message() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 1000)
    mesh.arm.inject("list_diagnostic_settings", Denied("AuthorizationFailed", "no" * 500), times=1000)
    await mesh.event(key.group_id)
    await mesh.step()
    record = await mesh.record(key)
    observed = next(c for c in record.conditions if c.type == "Observed")
    assert "997 more" in observed.message
    assert len(observed.message) < 5000
    assert max(len(c.reason) for c in record.coverage) <= 200


# --- a lease that runs out while resources are read


async def test_slow_reads_keep_their_lease() -> None:
    """Each eight resources take 20 of the lease's 30 seconds, and somebody else keeps trying to take the key."""
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 60)
    real = mesh.arm.list_diagnostic_settings
    rivals: list[float | None] = []

    async def slow(resource: str) -> Sequence[DiagnosticSetting]:
        mesh.clock.advance(2.5)
        rivals.append((await mesh.engine.reconcile(key)).requeue_after)
        return await real(resource)

    mesh.arm.list_diagnostic_settings = slow  # type: ignore[method-assign]
    await mesh.event(key.group_id)
    await mesh.step()
    assert (len(rivals), None in rivals) == (60, False)
    assert ((await mesh.record(key)).state, len(ours(mesh))) == ("Ready", 60)


async def test_quick_reads_do_not_save_the_record_again_and_again() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 1000)
    saves: list[str] = []
    trouble = Trouble(mesh.clock)

    async def watched(name: str, body: Callable[[], Awaitable[object]]) -> object:
        saves.extend([name] if name == "nodes.save" else [])
        return await body()

    trouble.call = watched  # type: ignore[method-assign, assignment]
    mesh.engine = mesh.new_engine(trouble)
    await mesh.event(key.group_id)
    await mesh.step()
    assert len(ours(mesh)) == 1000
    assert len(saves) < 8


async def test_reads_that_outlast_the_lease_whoever_holds_it_end_visibly() -> None:
    """Every look takes longer than a lease, and a second message always takes the key over in the middle."""
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 16)
    real, running = mesh.arm.list_diagnostic_settings, list[asyncio.Task[None]]()

    def begin() -> None:
        while item := mesh.queue.pop_visible():
            running.append(asyncio.create_task(mesh.handle(item)))

    async def slow(resource: str) -> Sequence[DiagnosticSetting]:
        mesh.clock.advance(6)
        begin()
        await asyncio.sleep(0)
        return await real(resource)

    mesh.arm.list_diagnostic_settings = slow  # type: ignore[method-assign]
    for _ in range(3):
        await mesh.queue.enqueue(WorkItem(str(key), "x"), delay=3)
    await mesh.event(key.group_id)
    while running or mesh.queue.items:
        if not running:
            mesh.clock.advance(3)
            begin()
        await asyncio.gather(*running)
        running = [task for task in running if not task.done()]
    record = await mesh.record(key)
    assert mesh.arm.calls.count("list_diagnostic_settings") < 1000
    assert record.conditions[0].reason in ("RetriesExhausted", "Converged")


async def test_a_run_that_is_the_ninth_to_lose_its_lease_says_so_and_whoever_holds_the_key_may_still_end_well() -> (
    None
):
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    mesh.clock.advance(3)
    await mesh.nodes.save(msgspec.structs.replace(await mesh.record(key), lost=mesh.timing.retries))
    troubles = [Trouble(mesh.clock), Trouble(mesh.clock)]
    runs = []
    for trouble in troubles:
        trouble.arm("stall", 5, lambda name: None)
        runs.append(asyncio.create_task(mesh.new_engine(trouble).reconcile(key)))
        await trouble.reached.wait()
        mesh.clock.advance(31)
    troubles[0].wake()
    await runs[0]
    assert (await mesh.record(key)).conditions[0].reason == "RetriesExhausted"
    assert len(mesh.dead_letters.letters) == 1
    troubles[1].wake()
    await runs[1]
    record = await mesh.record(key)
    assert (record.state, record.lost) == ("Ready", 0)
    assert not mesh.dead_letters.letters


async def test_lost_leases_are_counted_across_the_runs_that_take_the_key_from_each_other() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    claims = [Claim(mesh.nodes, mesh.clock, mesh.timing, f"run-{n}") for n in range(mesh.timing.retries + 2)]
    held = await claims[0].take(await mesh.record(key))
    ceded: list[bool] = []
    for loser, winner in pairwise(claims):
        mesh.clock.advance(31)
        taken = await winner.take(await mesh.record(key))
        with pytest.raises(LeaseLost):
            await loser.save(held)
        ceded.append(await loser.cede(key))
        held = await winner.save(taken)
    assert ceded == [True] * mesh.timing.retries + [False]
    assert (await claims[-1].finish(held)).lost == 0


# --- settings that merely carry our name

AUDIT_EVENT = Selection(logs=frozenset({"AuditEvent"}))
FOREIGN = (
    DiagnosticSetting("meshplane", AUDIT_EVENT, storage_account="/s"),
    DiagnosticSetting("Meshplane", AUDIT_EVENT, event_hub_rule="/rule", event_hub="hub"),
    DiagnosticSetting("meshplane", AUDIT_EVENT, WORKSPACE, storage_account="/s"),
    DiagnosticSetting("meshplane", AUDIT_EVENT, WORKSPACE + "2"),
)


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_a_foreign_setting_under_our_name_is_neither_replaced_nor_deleted(
    foreign: DiagnosticSetting,
) -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    theirs = vault_of(key, "a")
    mesh.cloud.add_setting(theirs, foreign)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    observed = next(c for c in record.conditions if c.type == "Observed")
    assert (observed.reason, record.state) == ("SettingNameTaken", "NotReady")
    assert all(word in observed.message for word in (theirs, repr(foreign.name), "another name"))
    assert {c.id: (c.status, c.owned) for c in record.coverage}[theirs] == ("blocked", False)
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Offboarded"
    assert list(mesh.cloud.settings[theirs.lower()].values()) == [foreign]


async def test_once_the_foreign_setting_has_another_name_the_node_becomes_ready() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    mesh.cloud.add_setting(vault_of(key, "a"), FOREIGN[0])
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.cloud.delete_setting(vault_of(key, "a"), "meshplane")
    mesh.cloud.add_setting(vault_of(key, "a"), msgspec.structs.replace(FOREIGN[0], name="theirs"))
    await mesh.resync_all()
    assert (await mesh.record(key)).state == "Ready"
    assert set(mesh.cloud.settings[vault_of(key, "a").lower()]) == {"meshplane", "theirs"}


@pytest.mark.parametrize("foreign", [FOREIGN[0], DiagnosticSetting("meshplane", AUDIT_EVENT)])
async def test_a_foreign_setting_survives_a_node_that_leaves_after_its_hub_left_the_settings(
    foreign: DiagnosticSetting,
) -> None:
    """The mesh knows no workspace then, and neither does a setting that sends to storage or to a partner only."""
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    theirs = f"{key.group_id}/providers/Microsoft.KeyVault/vaults/theirs"
    mesh.cloud.create_resource(theirs)
    mesh.cloud.add_setting(theirs, foreign)
    mesh.mesh = msgspec.structs.replace(
        mesh.mesh, hubs=(msgspec.structs.replace(mesh.mesh.hubs[0], id="other"),)
    )
    mesh.restart()
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert ours(mesh) == [theirs.lower()]


async def test_our_setting_to_which_somebody_added_a_sink_goes_with_the_node() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.cloud.add_setting(vault_of(key, "a"), FOREIGN[2])
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, ours(mesh)) == ("Offboarded", [])


# --- the hub's workspace


async def test_another_workspace_in_the_hubs_settings_is_noticed_at_the_next_look_and_once() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    other = f"{WORKSPACE}2"
    mesh.cloud.create_resource(other)
    mesh.mesh = msgspec.structs.replace(
        mesh.mesh, hubs=(msgspec.structs.replace(mesh.mesh.hubs[0], workspace=other),)
    )
    mesh.restart()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Ready"
    assert {s["meshplane"].workspace for s in mesh.cloud.settings.values()} == {other}
    mesh.arm.calls.clear()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert sorted(mesh.arm.calls) == ["get_group", "get_network", "list_networks", "list_resources"]
