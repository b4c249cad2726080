"""DeadLetters, in memory and on tables."""

import asyncio
import random
from typing import Any

import msgspec
import pytest

from shared.adapters.tables.dead_letters import BODY_LIMIT, TableDeadLetters
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Terminal
from shared.ports import DeadLetters
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import letter
from tests.fakes import InMemoryDeadLetters


@pytest.fixture(params=[FAKE, AZURITE])
def letters(request: pytest.FixtureRequest) -> DeadLetters:
    if request.param == FAKE:
        return InMemoryDeadLetters()
    return TableDeadLetters(request.getfixturevalue("table_storage"))


async def test_a_letter_comes_back_with_its_body(letters: DeadLetters) -> None:
    kept = letter(1, body=b'{"a": "\xff"}')
    await letters.add(kept)
    assert await letters.get(kept.id) == kept
    assert await letters.get("nothing") is None


async def test_one_id_is_kept_once_and_as_it_last_came(letters: DeadLetters) -> None:
    first = letter(1)
    again = msgspec.structs.replace(first, at=letter(9).at, reason="again", body=b"more")
    await asyncio.gather(*(letters.add(first) for _ in range(5)))
    await letters.add(again)
    await letters.add(first)
    assert await letters.get(first.id) == again
    assert (await letters.list()).items == (msgspec.structs.replace(again, body=b""),)
    await letters.remove(first.id)
    assert (await letters.list()).items == ()


@pytest.mark.parametrize(
    "letter_id",
    ["i" * 500, "/" * 600, "\ud7ff" * 700, "x" * 100_000, "\ud800", "a/b\\c#?%'~|\x00\x85 \u0301"],
)
async def test_an_id_of_any_length_and_characters_leads_to_its_letter(
    letters: DeadLetters, letter_id: str
) -> None:
    kept = msgspec.structs.replace(letter(1), id=letter_id)
    await letters.add(letter(2))
    await letters.add(kept)
    [shown] = [found.id for found in (await letters.list()).items if found.at == kept.at]
    for name in (shown, letter_id):
        found = await letters.get(name)
        assert found is not None
        assert found.body == kept.body
    await letters.remove(shown)
    assert (await letters.list()).items == (letter(2, body=b""),)


async def test_long_texts_are_cut(letters: DeadLetters) -> None:
    await letters.add(msgspec.structs.replace(letter(1), reason="r" * 100_000, source="s" * 100_000))
    found = await letters.get(letter(1).id)
    assert found is not None
    assert (found.reason, found.source) == ("r" * 1000, "s" * 1000)


async def test_the_newest_comes_first_without_bodies_and_page_by_page(letters: DeadLetters) -> None:
    for number in (3, 1, 2):
        await letters.add(letter(number))
    first = await letters.list(size=2)
    rest = await letters.list(size=2, continuation=first.continuation)
    assert first.items + rest.items == tuple(letter(number, body=b"") for number in (3, 2, 1))


async def test_a_list_may_be_of_one_kind(letters: DeadLetters) -> None:
    await letters.add(letter(1))
    await letters.add(letter(2, kind="key"))
    assert [found.id for found in (await letters.list(kind="key")).items] == ["key/2"]
    assert (await letters.list(kind="telemetry")).items == ()


async def test_a_list_may_be_of_one_node_and_of_a_time(letters: DeadLetters) -> None:
    nodes = {1: "node/s/a", 2: "node/s/b", 3: "node/s/a", 4: "node/s/a"}
    for number, node in nodes.items():
        await letters.add(msgspec.structs.replace(letter(number), node=node))
    await letters.add(msgspec.structs.replace(letter(5), key="node/s/a"))

    async def listed(**wanted: Any) -> list[str]:
        return [found.id[6] for found in (await letters.list(**wanted)).items]

    assert await listed(node="node/s/a") == ["5", "4", "3", "1"]
    assert await listed(since=letter(2).at, until=letter(4).at) == ["4", "3", "2"]
    assert await listed(node="node/s/a", since=letter(2).at, until=letter(4).at) == ["4", "3"]
    assert await listed(until=letter(1).at) == ["1"]
    assert await listed(since=letter(9).at) == []
    page = await letters.list(node="node/s/a", until=letter(4).at, size=2)
    rest = await letters.list(node="node/s/a", until=letter(4).at, continuation=page.continuation)
    assert [found.id[6] for found in rest.items] == ["1"]
    with pytest.raises(Terminal):
        await letters.list(node="node/s/a", until=letter(5).at, continuation=page.continuation)


async def test_a_letter_of_telemetry_says_where_its_event_is_read_again(letters: DeadLetters) -> None:
    kept = msgspec.structs.replace(
        letter(1), partition="3", offset="101:0/4", sequence=2**40, index=7, rules=("r",), pieces=9, read=8
    )
    await letters.add(kept)
    assert await letters.get(kept.id) == kept


async def test_a_removed_letter_is_gone_and_may_come_again(letters: DeadLetters) -> None:
    await letters.remove("nothing")
    await letters.add(letter(1))
    await letters.remove(letter(1).id)
    await letters.remove(letter(1).id)
    assert await letters.get(letter(1).id) is None
    assert (await letters.list()).items == ()
    await letters.add(letter(1))
    assert await letters.get(letter(1).id) == letter(1)


async def test_a_body_of_a_whole_batch_comes_back(letters: DeadLetters) -> None:
    body = random.Random(1).randbytes(700_000)
    await letters.add(letter(1, body=body))
    found = await letters.get(letter(1).id)
    assert found is not None
    assert found.body == body


async def test_a_token_of_another_list_is_refused(letters: DeadLetters) -> None:
    for number in range(3):
        await letters.add(letter(number))
    page = await letters.list(size=1)
    with pytest.raises(Terminal) as refused:
        await letters.list(kind="key", continuation=page.continuation)
    assert refused.value.reason == "InvalidContinuation"


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_a_body_that_no_row_holds_is_cut_and_says_so(table_storage: TableStorage) -> None:
    letters = TableDeadLetters(table_storage)
    body = random.Random(1).randbytes(1_000_000)
    await letters.add(letter(1, body=body))
    found = await letters.get(letter(1).id)
    assert found is not None
    assert found.body == body[:BODY_LIMIT]
    assert found.reason == "broken (the body was cut to the first 720000 of its 1000000 bytes)"
