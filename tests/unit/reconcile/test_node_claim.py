"""Holding a node: what others write meanwhile counts, and what a late write may leave is not forgotten."""

import msgspec
import pytest

from shared.domain.errors import Waiting
from shared.domain.ids import NodeKey
from shared.domain.mesh import Timing
from shared.domain.node import NodeRecord
from shared.reconcile.claim import Claim
from tests.fakes import FakeClock, InMemoryNodeStore
from tests.support.mesh import SUBSCRIPTION

KEY = NodeKey.of(SUBSCRIPTION, "sales")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def nodes() -> InMemoryNodeStore:
    return InMemoryNodeStore()


def claim(nodes: InMemoryNodeStore, clock: FakeClock, run: str) -> Claim:
    return Claim(nodes, clock, Timing(), run)


async def stored(nodes: InMemoryNodeStore) -> NodeRecord:
    record = await nodes.get(KEY)
    assert record is not None
    return record


async def test_where_somebody_moves_a_node_during_its_run_the_run_does_not_undo_that(
    nodes: InMemoryNodeStore, clock: FakeClock
) -> None:
    mine = claim(nodes, clock, "mine")
    record = await mine.take(await nodes.save(NodeRecord(key=KEY)))
    await nodes.save(msgspec.structs.replace(record, wanted_hub="hub-b"))
    await mine.finish(msgspec.structs.replace(record, state="Ready"))
    assert ((await stored(nodes)).wanted_hub, (await stored(nodes)).state) == ("hub-b", "Ready")


@pytest.mark.parametrize("field", ["owned", "zone_links", "made"])
@pytest.mark.parametrize("over", [True, False], ids=["after the other run", "during the other run"])
async def test_what_a_run_was_about_to_make_when_it_lost_its_lease_is_looked_for_again(
    nodes: InMemoryNodeStore, clock: FakeClock, field: str, over: bool
) -> None:
    late, other = claim(nodes, clock, "late"), claim(nodes, clock, "other")
    record = await late.take(await nodes.save(NodeRecord(key=KEY)))
    about_to = msgspec.structs.replace(record, hub="hub-a", **{field: ("/late",)})
    about_to = await late.save(about_to)
    clock.advance(Timing().lease + 1)
    taken = await other.take(await stored(nodes))
    seen = await other.save(msgspec.structs.replace(taken, hub="", **{field: ("/other",)}))
    if over:
        await other.finish(seen)
    with pytest.raises(Waiting):
        await late.save(about_to)
    assert await late.cede(KEY)
    if not over:
        await other.finish(seen)
    after = await stored(nodes)
    assert set(getattr(after, field)) == {"/late", "/other"}
    assert after.hub == "hub-a", "nobody looks on a hub that is not known"
    assert after.generation > after.observed_generation
