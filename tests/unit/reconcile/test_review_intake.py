"""What a reviewer broke around intake, timers, dead letters and mesh events."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
import pytest

from shared.domain.diagnostics import DiagnosticSetting
from shared.domain.errors import Denied, MeshError, NotFound, Transient, Waiting
from shared.domain.ids import AlertKey, NodeKey
from shared.domain.network import Hub, PeeringFlags
from shared.domain.node import MeshEvent, NodeRecord
from shared.domain.plan import Accepted
from shared.ports import DeadLetter
from shared.reconcile.backoff import resync_delay
from shared.reconcile.edges.intake import EdgeIntake
from shared.reconcile.hubs.intake import HubIntake
from shared.reconcile.intake import Intake, ResourceEvent, Taken
from shared.reconcile.outbox import OUTBOX_SECONDS
from shared.reconcile.replay import Replay
from tests.fakes import FakeResourceManager, InMemoryDeadLetters, InMemoryEventStream
from tests.fakes.hubs import InMemoryHubStore
from tests.support.mesh import HUB_NETWORK, SUBSCRIPTION, TAGS, WORKSPACE, InMemoryMesh, network_of, vault_of
from tests.support.trouble import WorkerDied

KEY = NodeKey.of(SUBSCRIPTION, "sales")
ELSEWHERE = "11111111-1111-1111-1111-111111111111"


async def ready() -> InMemoryMesh:
    """A mesh whose one node is Ready."""
    mesh = InMemoryMesh()
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    mesh.arm.calls.clear()
    return mesh


async def test_a_day_without_a_reconciler_leaves_a_handful_of_messages_on_the_queue() -> None:
    mesh = await ready()
    for _ in range(24 * 60):
        mesh.clock.advance(60)
        await mesh.resync.enqueue_due()
    assert 1 <= len(mesh.queue.items) <= 5


async def test_an_event_of_a_subscription_that_is_not_governed_makes_no_node() -> None:
    mesh = InMemoryMesh()
    theirs = NodeKey.of(ELSEWHERE, "theirs")
    mesh.cloud.create_group(theirs, TAGS)
    assert await mesh.intake.touch(theirs.group_id, "tags/write") == Taken()
    assert (mesh.nodes.records, mesh.queue.items) == ({}, ())


async def test_asking_for_a_group_of_a_subscription_that_is_not_governed_leaves_no_row() -> None:
    mesh = InMemoryMesh()
    with pytest.raises(NotFound) as refused:
        await mesh.intake.bump(NodeKey.of(ELSEWHERE, "theirs"), "asked for over HTTP")
    assert refused.value.reason == "SubscriptionNotGoverned"
    assert (mesh.nodes.records, mesh.queue.items) == ({}, ())


async def test_a_subscription_is_governed_however_it_is_spelt() -> None:
    mesh = InMemoryMesh()
    upper = msgspec.structs.replace(mesh.mesh, subscriptions=("ABCDEF00-0000-0000-0000-000000000001",))
    intake = Intake(upper, mesh.nodes, mesh.queue, mesh.clock, mesh.timing)
    assert await intake.bump(NodeKey.of("abcdef00-0000-0000-0000-000000000001", "sales"), "event")


async def test_a_hub_of_another_subscription_still_concerns_the_nodes_behind_it() -> None:
    mesh = InMemoryMesh()
    network = HUB_NETWORK.replace(SUBSCRIPTION, ELSEWHERE)
    mesh.cloud.create_network(network, "10.250.0.0/16")
    mesh.mesh = msgspec.structs.replace(mesh.mesh, hubs=(Hub("hub", network, WORKSPACE),))
    mesh.intake = Intake(mesh.mesh, mesh.nodes, mesh.queue, mesh.clock, mesh.timing)
    mesh.restart()
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    side = mesh.cloud.networks[network.lower()].side_to(network_of(KEY))
    assert side is not None
    assert await mesh.intake.touch(side.id, "delete") == Taken((KEY,))


async def test_a_write_on_the_hub_looks_only_at_nodes_that_lack_something_of_the_hub() -> None:
    mesh = InMemoryMesh()
    mesh.create_node("overlaps", "10.0.1.0/24")
    bare = mesh.group("bare")
    mesh.cloud.create_group(bare, TAGS)
    mesh.create_node("odd", "10.3.0.0/16", tags={**TAGS, "mesh-network": "no such value"})
    for name in ("overlaps", "bare", "odd"):
        await mesh.event(mesh.group(name).group_id)
    await mesh.until_quiet()
    taken = await mesh.intake.touch(HUB_NETWORK, "Microsoft.Network/virtualNetworks/write")
    assert set(taken.keys) == {NodeKey.of(SUBSCRIPTION, "hub"), mesh.group("overlaps")}


async def test_long_causes_are_cut_and_half_characters_replaced() -> None:
    mesh = InMemoryMesh()
    await mesh.event(KEY.group_id, "\ud800" + "x" * 100_000)
    cause = (await mesh.record(KEY)).cause
    assert (len(cause), cause[:2]) == (200, "?x")
    assert msgspec.json.decode(msgspec.json.encode(await mesh.record(KEY)), type=NodeRecord).cause == cause


@pytest.mark.parametrize(
    "named", ["jane.doe@example.com", f"{KEY.group_id}/providers/A/b/" + "x" * 3000, f"{KEY.group_id}/\ud800"]
)
async def test_what_an_event_names_is_refused_without_being_repeated(named: str) -> None:
    mesh = InMemoryMesh()
    with pytest.raises(ValueError) as refused:
        await mesh.intake.accept(ResourceEvent(named, "write"))
    assert named[:8] not in str(refused.value)
    assert len(str(refused.value)) < 100
    assert mesh.nodes.records == {}


async def test_replaying_a_letter_of_a_subscription_that_is_not_governed_keeps_it() -> None:
    mesh = InMemoryMesh()
    key = str(NodeKey.of(ELSEWHERE, "theirs"))
    letter = DeadLetter(id="x", kind="key", at=mesh.clock.now(), reason="spent", source=key, key=key)
    await mesh.dead_letters.add(letter)
    edges = EdgeIntake(mesh.edges, mesh.queue, mesh.clock, mesh.timing)
    hubs = HubIntake(mesh.mesh, InMemoryHubStore(), mesh.queue, mesh.clock, mesh.timing)
    with pytest.raises(NotFound):
        await Replay(mesh.intake, edges, hubs, mesh.dead_letters, _no_alert, _no_telemetry).replay(letter)
    assert await mesh.dead_letters.get("x") == letter


async def test_a_key_that_fails_for_days_has_one_dead_letter_that_tells_of_the_last_time() -> None:
    mesh = await ready()
    mesh.arm.inject("list_resources", Transient("InternalServerError", "x"), times=10**6)
    for _ in range(3):
        await mesh.resync_all()
    [letter] = mesh.dead_letters.letters.values()
    record = await mesh.record(KEY)
    assert (letter.key, record.letter) == (str(KEY), True)
    assert (mesh.clock.now() - letter.at).total_seconds() < mesh.timing.audit


@pytest.mark.parametrize("tags", [TAGS, {}])
async def test_the_dead_letter_of_a_key_is_gone_once_the_key_is_where_it_should_be(
    tags: dict[str, str],
) -> None:
    mesh = await ready()
    mesh.arm.inject("list_resources", Transient("InternalServerError", "x"), times=10**6)
    await mesh.resync_all()
    assert len(mesh.dead_letters.letters) == 1
    mesh.arm.calm_down()
    mesh.cloud.tag(KEY, tags)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    record = await mesh.record(KEY)
    assert (record.state, record.letter) == ("Ready" if tags else "Offboarded", False)
    assert mesh.dead_letters.letters == {}


async def test_a_group_that_never_was_a_node_takes_its_dead_letter_along() -> None:
    mesh = InMemoryMesh()
    mesh.cloud.create_group(KEY)
    await mesh.event(KEY.group_id)
    await mesh.engine.give_up(KEY, "it failed on every try")
    assert len(mesh.dead_letters.letters) == 1
    await mesh.until_quiet()
    assert (mesh.nodes.records, mesh.dead_letters.letters) == ({}, {})


async def test_only_a_record_with_a_letter_asks_the_store_to_remove_one() -> None:
    mesh = InMemoryMesh()
    removed: list[str] = []

    class Watched(InMemoryDeadLetters):
        async def remove(self, letter_id: str) -> None:
            removed.append(letter_id)

    mesh.dead_letters = Watched()
    mesh.restart()
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert ((await mesh.record(KEY)).state, removed) == ("Ready", [])


DENIED = Denied("AuthorizationFailed", "x")
FAILING = Transient("InternalServerError", "x")


@pytest.mark.parametrize(("error", "most"), [(DENIED, 30), (FAILING, 30 * 8)])
@pytest.mark.parametrize("tags", [{}, TAGS])
async def test_discovery_does_not_override_stop_or_backoff(
    error: MeshError, most: int, tags: dict[str, str]
) -> None:
    """A day of discoveries every five minutes: as many tries as the hourly resyncs make."""
    mesh = await ready()
    mesh.cloud.tag(KEY, tags)
    mesh.arm.inject("list_resources", error, times=10**6)
    await _a_day_of_timers(mesh)
    assert 1 <= mesh.arm.calls.count("list_resources") <= most
    assert len(mesh.dead_letters.letters) <= 1


async def test_a_group_that_is_no_node_and_cannot_be_read_is_left_to_the_resync() -> None:
    mesh = InMemoryMesh()
    mesh.cloud.create_group(KEY)
    mesh.arm.inject("get_group", DENIED, times=10**6)
    await mesh.event(KEY.group_id)
    await _a_day_of_timers(mesh)
    assert mesh.arm.calls.count("get_group") <= 30


async def test_an_untag_that_no_event_told_of_is_found_by_the_resync_where_discovery_leaves_it() -> None:
    mesh = await ready()
    mesh.arm.inject("list_resources", FAILING, times=10**6)
    await mesh.resync_all()
    assert (await mesh.record(KEY)).letter
    mesh.arm.calm_down()
    mesh.cloud.tag(KEY, {})
    assert await mesh.resync.discover() == 0
    mesh.clock.advance(mesh.timing.resync * 1.1 + 10)
    await mesh.resync.enqueue_due()
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Offboarded"


async def _a_day_of_timers(mesh: InMemoryMesh) -> None:
    end = mesh.clock.now() + timedelta(days=1)
    while mesh.clock.now() < end:
        await mesh.resync.discover()
        await mesh.resync.enqueue_due()
        await mesh.until_quiet()
        mesh.clock.advance(300)


class SlowStream(InMemoryEventStream):
    """A stream during whose publishing something happens."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def publish(self, events: Sequence[MeshEvent]) -> None:
        await self._meanwhile()
        await super().publish(events)


def publishing(mesh: InMemoryMesh, meanwhile: Callable[[], Awaitable[object]]) -> SlowStream:
    """The mesh's new stream."""
    stream = mesh.events = SlowStream(meanwhile)
    mesh.restart()
    mesh.create_node()
    return stream


async def test_the_lease_is_given_back_and_the_events_are_kept_before_they_are_sent() -> None:
    mesh = InMemoryMesh()
    seen: list[NodeRecord] = []

    async def look() -> None:
        seen.append(await mesh.record(KEY))

    publishing(mesh, look)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    [during] = seen
    after = await mesh.record(KEY)
    assert (during.lease, len(during.outbox), during.state) == (None, 1, "Ready")
    assert after.outbox == ()
    assert after.next_due == mesh.clock.now() + timedelta(seconds=resync_delay(KEY, mesh.timing))


async def test_a_stream_that_takes_longer_than_a_lease_starts_no_other_run() -> None:
    mesh = InMemoryMesh()

    async def timers() -> None:
        for _ in range(62):
            mesh.clock.advance(1)
            await mesh.resync.enqueue_due()
        raise Transient("Timeout", "x")

    publishing(mesh, timers)
    await mesh.event(KEY.group_id)
    await mesh.step()
    record = await mesh.record(KEY)
    assert (record.state, record.generation, len(record.outbox)) == ("Ready", 1, 1)
    assert (len(mesh.history.entries), mesh.queue.items[:-1]) == (1, ())


async def test_an_event_that_comes_while_the_mesh_event_is_sent_is_not_lost_and_the_other_sent_twice() -> (
    None
):
    mesh = InMemoryMesh()
    came: list[bool] = []

    async def event() -> None:
        if not came:
            came.append(await mesh.intake.bump(KEY, "event"))

    stream = publishing(mesh, event)
    await mesh.event(KEY.group_id)
    await mesh.step()
    between = await mesh.record(KEY)
    assert (between.generation, between.observed_generation, len(between.outbox)) == (2, 1, 1)
    await mesh.until_quiet()
    after = await mesh.record(KEY)
    assert (after.generation, after.observed_generation, after.outbox) == (2, 2, ())
    assert [e.data["state"] for e in stream.events] == ["Ready", "Ready"]


@pytest.mark.parametrize("tags", [TAGS, {}])
async def test_a_worker_that_dies_while_it_sends_loses_no_event(tags: dict[str, str]) -> None:
    """An offboarded node too, which is never due otherwise."""
    mesh = await ready()
    mesh.events.events.clear()
    died: list[str] = []

    async def die() -> None:
        if not died:
            died.append("here")
            raise WorkerDied("events.publish")

    mesh.cloud.tag(KEY, tags or {})
    mesh.cloud.delete_resource(network_of(KEY))
    stream = mesh.events = SlowStream(die)
    mesh.restart()
    await mesh.event(network_of(KEY), "delete")
    item = mesh.queue.items[0]
    mesh.clock.advance(3)
    with pytest.raises(WorkerDied):
        await mesh.engine.reconcile(NodeKey.parse(item.key))
    assert stream.events == []
    while mesh.queue.pop_visible():
        pass
    mesh.clock.advance(OUTBOX_SECONDS + 10)
    await mesh.resync.enqueue_due()
    await mesh.until_quiet()
    assert len(stream.events) >= 1
    assert (await mesh.record(KEY)).outbox == ()


async def test_discovery_leaves_an_offboarded_key_alone_whose_events_wait() -> None:
    mesh = await ready()
    mesh.cloud.tag(KEY, {})
    mesh.events.fault = Transient("StreamDown", "x")
    await mesh.event(KEY.group_id)
    await mesh.step()
    assert (await mesh.record(KEY)).state == "Offboarded"
    assert await mesh.resync.discover() == 0


class EchoingResourceManager(FakeResourceManager):
    """Raises an event for every write that Azure took, at once or when `deliver` is called; a refused one raises none,
    since events of failures are not heard."""

    def __init__(self, mesh: InMemoryMesh, *, at_once: bool) -> None:
        super().__init__(mesh.cloud, mesh.clock, operation_seconds=7.0)
        self._mesh = mesh
        self._at_once = at_once
        self._written: list[str] = []

    async def deliver(self) -> None:
        written, self._written = self._written, []
        for resource in written:
            await self._mesh.event(resource, "write")

    async def put_peering(
        self, peering_id: str, remote_network: str, flags: PeeringFlags, *, sync: bool
    ) -> Accepted:
        accepted = await super().put_peering(peering_id, remote_network, flags, sync=sync)
        await self._wrote(peering_id)
        return accepted

    async def delete_peering(self, peering_id: str) -> Accepted:
        accepted = await super().delete_peering(peering_id)
        await self._wrote(peering_id)
        return accepted

    async def put_diagnostic_setting(self, resource: str, setting: DiagnosticSetting) -> DiagnosticSetting:
        stored = await super().put_diagnostic_setting(resource, setting)
        await self._wrote(f"{resource}/providers/Microsoft.Insights/diagnosticSettings/{setting.name}")
        return stored

    async def delete_diagnostic_setting(self, resource: str, name: str) -> None:
        await super().delete_diagnostic_setting(resource, name)
        await self._wrote(f"{resource}/providers/Microsoft.Insights/diagnosticSettings/{name}")

    async def _wrote(self, resource: str) -> None:
        self._written.append(resource)
        if self._at_once:
            await self.deliver()


def echoing(*, at_once: bool) -> tuple[InMemoryMesh, EchoingResourceManager]:
    """A mesh without MESH_PRINCIPAL_ID, which hears its own writes."""
    mesh = InMemoryMesh()
    assert mesh.mesh.principal == ""
    arm = mesh.arm = EchoingResourceManager(mesh, at_once=at_once)
    mesh.restart()
    mesh.create_node()
    return mesh, arm


async def _until_rest(mesh: InMemoryMesh, arm: EchoingResourceManager) -> int:
    """How many messages were handled until nothing was left to do or to hear."""
    for handled in range(200):
        more = await mesh.step()
        await arm.deliver()
        if not more and not mesh.queue.items:
            return handled
    raise AssertionError("the mesh keeps itself busy")


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_mesh_that_hears_its_own_writes_looks_once_more_and_rests(at_once: bool) -> None:
    mesh, arm = echoing(at_once=at_once)
    await mesh.event(KEY.group_id)
    await _until_rest(mesh, arm)
    record = await mesh.record(KEY)
    writes = [c for c in arm.calls if c.startswith(("put", "delete"))]
    assert (record.state, record.generation, len(writes)) == ("Ready", record.observed_generation, 5)
    mesh.cloud.tag(KEY, {})
    await mesh.event(KEY.group_id)
    await _until_rest(mesh, arm)
    assert (await mesh.record(KEY)).state == "Offboarded"


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("call", ["put_peering", "put_diagnostic_setting"])
@pytest.mark.parametrize(("error", "most"), [(DENIED, 12), (FAILING, 60)])
async def test_a_mesh_that_hears_its_own_writes_rests_although_azure_refuses_a_step_each_time(
    error: MeshError, most: int, call: str, at_once: bool
) -> None:
    mesh, arm = echoing(at_once=at_once)
    arm.inject(call, error, times=10**6)
    await mesh.event(KEY.group_id)
    assert await _until_rest(mesh, arm) <= 40
    assert 1 <= arm.calls.count(call) <= most
    assert (await mesh.record(KEY)).state == "NotReady"


async def test_a_node_that_was_mended_and_then_lost_its_tag_without_an_event_is_discovered() -> None:
    """Mending counts towards what ends a fight; it does not make a Ready node one that failed."""
    mesh = InMemoryMesh(operation_seconds=5)
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.cloud.tag(key, {})
    assert await mesh.resync.discover() == 1
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Offboarded"


async def test_an_event_does_not_bring_anybody_back_before_azure_wants_it() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    mesh.arm.inject("list_networks", Waiting("SubscriptionRequestsThrottled", "Too many.", retry_after=60))
    await mesh.event(key.group_id)
    await mesh.step()
    throttled, calls = mesh.clock.now(), len(mesh.arm.calls)
    await mesh.event(vault_of(key, "a"), "Microsoft.KeyVault/vaults/write")
    while len(mesh.arm.calls) == calls:
        assert await mesh.step()
    assert (mesh.clock.now() - throttled).total_seconds() >= 60
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Ready"


async def _no_alert(key: AlertKey, _letter: DeadLetter) -> None:
    raise AssertionError(f"{key} is no node")


async def _no_telemetry(letter: DeadLetter) -> None:
    raise AssertionError(f"{letter.id} is no telemetry")
