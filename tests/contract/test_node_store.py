"""NodeStore, in memory and on tables."""

import asyncio

import msgspec
import pytest

from shared.adapters.tables.nodes import TableNodeStore
from shared.domain.coverage import counted
from shared.domain.errors import Conflict, Terminal
from shared.domain.node import Coverage, NodeRecord
from shared.ports import NodeStore
from tests.contract.conftest import FAKE, INDEXED, TABLE
from tests.contract.samples import NOW, OTHER_SUBSCRIPTION, after, full_record, key
from tests.fakes import InMemoryNodeStore


@pytest.fixture(params=[FAKE, TABLE, INDEXED])
def store(request: pytest.FixtureRequest) -> NodeStore:
    """In memory; on tables that nobody has indexed yet; and on tables as they are a moment later."""
    if request.param == FAKE:
        return InMemoryNodeStore()
    return TableNodeStore(request.getfixturevalue(f"{request.param}_storage"))


async def test_a_record_comes_back_as_it_was_saved(store: NodeStore) -> None:
    saved = await store.save(full_record())
    assert saved.etag
    assert await store.get(saved.key) == saved
    assert msgspec.structs.replace(saved, etag=None) == full_record()


async def test_what_was_never_saved_is_none(store: NodeStore) -> None:
    assert await store.get(key("nothing")) is None


async def test_a_second_insert_is_a_conflict(store: NodeStore) -> None:
    await store.save(full_record())
    with pytest.raises(Conflict):
        await store.save(full_record())


async def test_only_the_version_that_was_read_can_be_replaced(store: NodeStore) -> None:
    first = await store.save(full_record())
    second = await store.save(msgspec.structs.replace(first, generation=8))
    with pytest.raises(Conflict):
        await store.save(msgspec.structs.replace(first, generation=9))
    assert await store.get(first.key) == second


async def test_of_many_writers_at_once_one_wins(store: NodeStore) -> None:
    saved = await store.save(full_record())
    tries = [store.save(msgspec.structs.replace(saved, generation=n)) for n in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(r, Conflict) for r in results) == 9
    assert sum(isinstance(r, NodeRecord) for r in results) == 1


async def test_saving_what_was_removed_is_a_conflict(store: NodeStore) -> None:
    saved = await store.save(full_record())
    await store.delete(saved)
    with pytest.raises(Conflict):
        await store.save(saved)


async def test_a_version_that_changed_is_not_removed(store: NodeStore) -> None:
    first = await store.save(full_record())
    second = await store.save(msgspec.structs.replace(first, generation=8))
    with pytest.raises(Conflict):
        await store.delete(first)
    await store.delete(second)
    assert await store.get(first.key) is None
    await store.delete(second)  # removing twice is the same as once


async def test_due_are_those_whose_time_lies_before(store: NodeStore) -> None:
    for name, due in (("early", after(-1)), ("now", NOW), ("late", after(1)), ("never", None)):
        await store.save(NodeRecord(key=key(name), next_due=due))
    assert [k.group async for k in store.due(NOW)] == ["early"]
    assert {k.group async for k in store.due(after(0.5))} == {"early", "now"}


async def test_due_of_a_store_nobody_wrote_to_is_empty(store: NodeStore) -> None:
    assert [k async for k in store.due(NOW)] == []
    assert (await store.list()).items == ()


async def test_a_node_that_is_no_longer_due_is_not_found(store: NodeStore) -> None:
    saved = await store.save(NodeRecord(key=key("a"), next_due=after(-1)))
    await store.save(msgspec.structs.replace(saved, next_due=None))
    assert [k async for k in store.due(NOW)] == []


async def test_lists_go_page_by_page_in_the_order_of_keys(store: NodeStore) -> None:
    keys = [key(f"g{n}") for n in range(5)] + [key("a", OTHER_SUBSCRIPTION)]
    for one in reversed(keys):
        await store.save(NodeRecord(key=one, state="Pending"))
    found, token = [], ""
    while True:
        page = await store.list(size=4, continuation=token)
        found += [row.key for row in page.items]
        token = page.continuation
        assert len(page.items) <= 4
        if not token:
            break
    assert found == keys


async def test_a_list_may_be_of_one_state_and_shows_the_summary(store: NodeStore) -> None:
    record = await store.save(full_record())
    for number in range(3):
        await store.save(NodeRecord(key=key(f"pending{number}"), state="Pending"))
    [row] = (await store.list(state="Ready", size=1)).items
    assert (row.key, row.state, row.product, row.domain) == (record.key, "Ready", "sales", "commerce")
    assert (row.environment, row.network, row.reason, row.generation) == ("prod", "hub", "Converged", 7)
    assert (row.ready_at, row.next_due) == (record.ready_at, record.next_due)
    assert len((await store.list(state="Pending")).items) == 3


async def test_a_group_that_was_only_seen_is_listed_when_asked_for(store: NodeStore) -> None:
    await store.save(NodeRecord(key=key("seen")))
    await store.save(NodeRecord(key=key("node"), state="Ready"))
    assert [row.key.group for row in (await store.list()).items] == ["node"]
    assert [row.key.group for row in (await store.list(state="Seen")).items] == ["seen"]


async def test_a_list_of_thousands_comes_whole(store: NodeStore) -> None:
    names = [f"n{number:04d}" for number in range(1100)]
    for start in range(0, len(names), 100):
        await asyncio.gather(
            *(
                store.save(NodeRecord(key=key(n), state="Pending", next_due=NOW))
                for n in names[start : start + 100]
            )
        )
    page = await store.list(size=1050)
    assert len(page.items) == 1050
    assert [row.key.group for row in page.items] == names[:1050]
    rest = await store.list(size=1050, continuation=page.continuation)
    assert [row.key.group for row in rest.items] == names[1050:]
    assert [k.group async for k in store.due(after(1))] == names


@pytest.mark.parametrize("token", ["x", "%%%", "é", "bm90IG91cnM=", "WyJ4IixbImEiLCJiIl1d", "a" * 5000])
async def test_a_foreign_token_is_refused_by_name(store: NodeStore, token: str) -> None:
    with pytest.raises(Terminal) as refused:
        await store.list(continuation=token)
    assert refused.value.reason == "InvalidContinuation"


async def test_a_record_of_thousands_of_resources_comes_back(store: NodeStore) -> None:
    group = key("big").group_id
    coverage = tuple(
        Coverage(
            f"{group}/providers/Microsoft.Storage/storageAccounts/a{hash((n, 'salt'))}", "missing", after(n)
        )
        for n in range(4000)
    )
    saved = await store.save(NodeRecord(key=key("big"), coverage=coverage))
    assert await store.get(saved.key) == saved


async def test_coverage_is_counted_beside_the_record_and_listed_page_by_page(store: NodeStore) -> None:
    """Nodes alone: not what was only seen, nor what has left."""
    row = Coverage(
        "/v", "blocked", after(1), wanted=("workspace", "storage"), covers=("workspace",), code="Full"
    )
    for name, state in (("a", "Ready"), ("b", "NotReady"), ("c", "Seen"), ("d", "Offboarded")):
        record = NodeRecord(key=key(name), state=state, domain="retail", coverage=(row,) * 2)  # type: ignore[arg-type]
        await store.save(record)
    first = await store.coverage(size=1)
    second = await store.coverage(size=1, continuation=first.continuation)
    assert [n.key.group for n in (*first.items, *second.items)] == ["a", "b"]
    counts = second.items[0].counts
    assert counts == counted([row, row])
    assert (second.items[0].state, second.items[0].domain) == ("NotReady", "retail")
    with pytest.raises(Terminal):
        await store.coverage(continuation="x")
