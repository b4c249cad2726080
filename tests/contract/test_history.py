"""History, in memory and on tables."""

import asyncio

import msgspec
import pytest

from shared.adapters.tables.history import TableHistory
from shared.domain.errors import Terminal
from shared.ports import History
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import entry, key
from tests.fakes import InMemoryHistory


@pytest.fixture(params=[FAKE, AZURITE])
def history(request: pytest.FixtureRequest) -> History:
    if request.param == FAKE:
        return InMemoryHistory()
    return TableHistory(request.getfixturevalue("table_storage"))


async def test_the_newest_comes_first_whatever_the_order_of_arrival(history: History) -> None:
    for seconds in (5, 0.000001, 86_400, 0):
        await history.append(entry(seconds))
    page = await history.recent(str(key("sales")))
    assert page.items == tuple(entry(seconds) for seconds in (86_400, 5, 0.000001, 0))
    assert page.continuation == ""


async def test_only_the_keys_own_entries_are_shown(history: History) -> None:
    await history.append(entry(1, "sales"))
    await history.append(entry(2, "sales-2"))
    assert (await history.recent(str(key("sales")))).items == (entry(1, "sales"),)
    assert (await history.recent(str(key("nobody")))).items == ()


async def test_two_entries_of_one_moment_are_both_kept(history: History) -> None:
    entries = [msgspec.structs.replace(entry(1), cause=f"cause {number}") for number in range(5)]
    await asyncio.gather(*map(history.append, entries))
    found = (await history.recent(str(key("sales")))).items
    assert sorted(e.cause for e in found) == [e.cause for e in entries]


async def test_an_entry_that_is_told_again_is_there_once(history: History) -> None:
    await asyncio.gather(*(history.append(entry(1)) for _ in range(5)))
    await history.append(entry(1))
    assert (await history.recent(str(key("sales")))).items == (entry(1),)


async def test_pages_follow_one_another(history: History) -> None:
    for seconds in range(7):
        await history.append(entry(seconds))
    first = await history.recent(str(key("sales")), size=3)
    second = await history.recent(str(key("sales")), size=3, continuation=first.continuation)
    third = await history.recent(str(key("sales")), size=3, continuation=second.continuation)
    shown = first.items + second.items + third.items
    assert shown == tuple(entry(seconds) for seconds in (6, 5, 4, 3, 2, 1, 0))


async def test_a_token_of_another_keys_list_is_refused(history: History) -> None:
    for seconds in range(3):
        await history.append(entry(seconds))
    page = await history.recent(str(key("sales")), size=1)
    with pytest.raises(Terminal) as refused:
        await history.recent(str(key("other")), continuation=page.continuation)
    assert refused.value.reason == "InvalidContinuation"
