"""Trouble while one function goes on with those in line at a hub: dead workers, bugs, long queues, events."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import pytest

from shared.domain.errors import MeshError, Transient, Waiting
from shared.domain.ids import NodeKey
from shared.domain.node import HistoryEntry
from shared.ports import WorkItem
from shared.reconcile.turns import LONGEST, MOST
from tests.fakes import InMemoryHistory
from tests.support.mesh import VISIBILITY_SECONDS, InMemoryMesh
from tests.support.trouble import Kind, Trouble, WorkerDied
from tests.unit.reconcile.test_turns import SOMEBODY, in_line, states

READY_WITHIN = 100.0  # seconds: a dead worker holds its key for 30 and its turn for 60
ONE_RUN = 15.0  # seconds, at most: it waits for 10 in all


@dataclass
class Broken(InMemoryHistory):
    """A history with a bug that one key meets."""

    key: NodeKey

    def __post_init__(self) -> None:
        super().__init__()

    async def append(self, entry: HistoryEntry) -> None:
        if entry.key == str(self.key):
            raise ZeroDivisionError
        await super().append(entry)


async def delivered(mesh: InMemoryMesh, trouble: Trouble, key: NodeKey) -> None:
    """A message for a key, handled by a worker in trouble: it comes back where that dies or a store fails."""
    item = WorkItem(str(key))
    try:
        result = await mesh.new_engine(trouble).reconcile(key)
    except (WorkerDied, MeshError):
        mesh.queue.put_back(item, VISIBILITY_SECONDS)
    else:
        if result.requeue_after is not None:
            await mesh.queue.enqueue(item, delay=result.requeue_after)


async def seconds_until_ready(mesh: InMemoryMesh, keys: list[NodeKey]) -> float:
    started = mesh.clock.now()
    while await states(mesh, keys) != ["Ready"] * len(keys):
        assert await mesh.step(), "nobody looks any more"
    return (mesh.clock.now() - started).total_seconds()


@pytest.mark.parametrize("operation_seconds", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["die before", "die after", "error before", "error after", "oversleep"])
async def test_at_whichever_call_it_happens_all_in_line_are_attached_soon_and_without_a_resync(
    kind: Kind, operation_seconds: float
) -> None:
    """Every fourth call of a function that has three others to go on with: it dies, fails, or sleeps."""
    met, call = True, 1
    while met:
        mesh, keys = await in_line(4, operation_seconds)
        trouble = Trouble(mesh.clock)
        trouble.arm(kind, call, lambda _: Transient("Down", "down"))
        await delivered(mesh, trouble, keys[0])
        met = trouble.kind is None
        assert await seconds_until_ready(mesh, keys) <= READY_WITHIN, call
        await mesh.until_quiet()
        assert not mesh.dead_letters.letters
        call += 4
    assert call > 40


async def test_a_quota_that_is_spent_in_the_middle_holds_back_all_and_loses_none() -> None:
    mesh, keys = await in_line(4)
    trouble, spent = Trouble(mesh.clock), Waiting("TooManyRequests", "slow down", retry_after=40)
    trouble.arm("error before", 5, lambda call: spent if call.startswith("arm.put_peering") else None)
    await delivered(mesh, trouble, keys[0])
    assert trouble.kind is None
    writes = len([c for c in mesh.arm.calls if c.startswith("put_peering")])
    mesh.clock.advance(30)
    while (visible := mesh.queue.next_visible()) and visible <= mesh.clock.now():
        await mesh.step()
    assert len([c for c in mesh.arm.calls if c.startswith("put_peering")]) == writes
    assert await seconds_until_ready(mesh, keys) <= READY_WITHIN


async def test_a_bug_that_one_key_meets_fails_the_message_of_that_key_and_of_no_other() -> None:
    mesh, keys = await in_line(4)
    mesh.history = Broken(keys[2])
    counted: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def measured(key: str) -> Iterator[None]:
        ended = "failed"
        try:
            yield
            ended = "handled"
        finally:
            counted[key, ended] += 1

    engine = mesh.new_engine(Trouble(mesh.clock), measured)
    assert (await engine.reconcile(keys[0])).requeue_after is None
    followed = {str(keys[1]): "handled", str(keys[2]): "failed", str(keys[3]): "handled"}
    assert counted == dict.fromkeys(followed.items(), 1)
    assert await states(mesh, [keys[0], keys[1], keys[3]]) == ["Ready"] * 3
    assert mesh.queue.items[-1].key == str(keys[2])
    mesh.clock.advance(mesh.timing.lease + 1)
    with pytest.raises(ZeroDivisionError):
        await engine.reconcile(keys[2])


async def test_a_function_ends_long_before_the_host_ends_its_process() -> None:
    """Each turn takes more than two seconds, and nobody else takes the queue up."""
    mesh, keys = await in_line(MOST, operation_seconds=1.4)
    started = mesh.clock.now()
    await mesh.engine.reconcile(keys[0])
    assert (mesh.clock.now() - started).total_seconds() < LONGEST + ONE_RUN
    await mesh.until_quiet()
    assert await states(mesh, keys) == ["Ready"] * MOST


async def test_what_the_first_run_has_left_to_do_does_not_wait_until_the_others_are_through() -> None:
    """Azure fails when it reads back what it wrote: it is to look again in two seconds, while others go on for ten."""
    mesh, keys = await in_line(6, operation_seconds=1.0)
    trouble, started = Trouble(mesh.clock), mesh.clock.now()
    down = Transient("Down", "down")
    trouble.arm("error before", 1, lambda call: down if call == "arm.list_networks" else None)
    assert (await mesh.new_engine(trouble).reconcile(keys[0])).requeue_after is None
    assert (mesh.clock.now() - started).total_seconds() > 8
    visible = mesh.queue.next_visible()
    assert visible
    assert (visible - started).total_seconds() < 8
    assert await mesh.step()
    assert await states(mesh, keys[:1]) == ["Ready"]


async def test_what_another_version_noted_of_a_group_is_read_anew() -> None:
    """A deployment changes what the row holds, between a write and its read-back."""
    mesh, keys = await in_line(2)
    record = await mesh.record(keys[0])
    assert record.seen
    await mesh.nodes.save(msgspec.structs.replace(record, seen='{"at": "yesterday", "group": 1}'))
    mesh.restart()
    await mesh.engine.reconcile(keys[0])
    assert await states(mesh, keys) == ["Ready"] * 2


@pytest.mark.parametrize(
    "tags",
    [
        {"mesh-node": "sales", "contact": "jane.doe@example.com"},
        {"mesh-node": "sales", "jane.doe@example.com": "owner"},
        {"mesh-node": "sales", "mesh-owner": "jane.doe@example.com"},
        {"mesh-node": "sales", "mesh-domain": "jane.doe@example.com"},
    ],
)
async def test_the_row_of_a_node_in_line_holds_no_address_of_people(tags: dict[str, str]) -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node(tags=tags)
    assert await mesh.leases.acquire("hub/hub", SOMEBODY, 600)
    await mesh.event(key.group_id)
    assert await mesh.step()
    record = await mesh.record(key)
    assert record.plan
    assert record.plan.queued
    assert "jane" not in msgspec.json.encode(record).decode().lower()


async def test_who_needs_the_hub_no_more_leaves_its_line_and_holds_up_nobody_behind() -> None:
    """Two groups are untagged while they wait, one of them once it was called: those behind need not ask again."""
    mesh, keys = await in_line(5)
    for key in keys[:2]:
        mesh.cloud.tag(key, {})
        await mesh.event(key.group_id)
    mesh.clock.advance(mesh.timing.event_delay)
    await mesh.engine.reconcile(keys[1])
    assert [mesh.leases.turns["hub/hub"].upcoming[0], len(mesh.leases.lines["hub/hub"])] == [str(keys[0]), 4]
    await mesh.engine.reconcile(keys[0])
    assert await states(mesh, keys) == ["Offboarded", "Offboarded", "Ready", "Ready", "Ready"]
    assert mesh.leases.lines["hub/hub"] == []
