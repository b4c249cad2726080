"""Windows, in memory and on tables."""

import msgspec
import pytest

from shared.adapters.tables.windows import TableWindows
from shared.domain.errors import Conflict
from shared.ports.telemetry import Window, Windows
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import after
from tests.fakes.windows import InMemoryWindows

LONG = "node/s/g\n" + "é/#?%" * 500


@pytest.fixture(params=[FAKE, AZURITE])
def windows(request: pytest.FixtureRequest) -> Windows:
    if request.param == FAKE:
        return InMemoryWindows()
    return TableWindows(request.getfixturevalue("table_storage"))


def window(
    group: str = "node/s/g", partition: str = "0", rule: str = "errors@1", due: float = 60, size: int = 9
) -> Window:
    return Window(
        rule=rule,
        group=group,
        partition=partition,
        sequence=2**40,
        enqueued=after(0).timestamp(),
        node="node/s/g",
        resource="/subscriptions/s/x",
        category="Audit",
        operation="Get",
        first_at=after(-9).timestamp(),
        last_at=after(-1).timestamp(),
        buckets=bytes(range(256)) * size,
        judged=5.0,
        due=after(due),
        kept_until=after(9999),
    )


async def test_a_row_comes_back_as_it_was_stored(windows: Windows) -> None:
    assert await windows.get("errors@1", LONG, "0") is None
    assert await windows.of("errors@1", LONG) == []
    saved = await windows.save(window(LONG))
    assert saved.etag
    assert await windows.get("errors@1", LONG, "0") == saved
    assert msgspec.structs.replace(saved, etag=None) == window(LONG)


async def test_rows_of_one_group_are_read_together_and_of_no_other(windows: Windows) -> None:
    saved = [await windows.save(window(partition=p)) for p in ("0", "1", "10")]
    await windows.save(window("node/s/other"))
    await windows.save(window(rule="errors@2"))
    assert sorted(await windows.of("errors@1", "node/s/g"), key=lambda w: w.partition) == saved


async def test_whoever_read_an_older_version_is_told(windows: Windows) -> None:
    first = await windows.save(window())
    second = await windows.save(msgspec.structs.replace(first, sequence=2**41))
    for stale in (first, window()):
        with pytest.raises(Conflict):
            await windows.save(stale)
    with pytest.raises(Conflict):
        await windows.remove(first)
    assert await windows.get("errors@1", "node/s/g", "0") == second


async def test_a_row_that_was_removed_is_a_conflict_for_who_had_read_it(windows: Windows) -> None:
    saved = await windows.save(window())
    await windows.remove(saved)
    await windows.remove(saved)
    with pytest.raises(Conflict):
        await windows.save(saved)
    with pytest.raises(Conflict):
        await windows.remove(window())
    assert await windows.save(window())


async def test_the_rows_of_a_rule_come_group_by_group_without_their_buckets(windows: Windows) -> None:
    for group in ("b", "a"):
        for partition in ("1", "0"):
            await windows.save(window(group, partition))
    for other in ("errors", "errors@11", "errors@1/x", "error@1"):
        await windows.save(window(rule=other))
    found = [row async for row in windows.open("errors@1")]
    assert sorted((r.group, r.partition) for r in found) == [("a", "0"), ("a", "1"), ("b", "0"), ("b", "1")]
    assert len({r.group for r in found[:2]}) == 1
    assert not any(row.buckets for row in found)
    assert all(row.etag for row in found)


async def test_a_group_with_a_row_that_is_due_is_named_once(windows: Windows) -> None:
    for group, partition, due in (("a", "0", 60), ("a", "1", 90), ("b", "0", 120), ("c", "0", 60)):
        await windows.save(window(group, partition, due=due))
    assert sorted([place async for place in windows.due(after(100))]) == [
        ("errors@1", "a"),
        ("errors@1", "c"),
    ]


async def test_a_row_holds_a_quarter_of_a_mebibyte_of_buckets(windows: Windows) -> None:
    saved = await windows.save(window(size=1024))
    assert await windows.get("errors@1", "node/s/g", "0") == saved
