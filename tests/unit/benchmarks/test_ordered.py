"""The tables in order that lists are measured on: what they answer, and which reads they count."""

import pytest

from benchmarks.ordered import Cost, OrderedStorage, OrderedTable
from shared.domain.errors import Conflict, NotFound

ALL = "PartitionKey eq @partition"
ROWS = 10


@pytest.fixture
def storage() -> OrderedStorage:
    return OrderedStorage()


@pytest.fixture
async def table(storage: OrderedStorage) -> OrderedTable:
    """Ten rows in each of three partitions, one of ten rare."""
    table = storage.table("things")
    for partition in ("c", "a", "b"):
        for number in reversed(range(ROWS)):
            row = {"PartitionKey": partition, "RowKey": f"{number:02}", "rare": number == 7}
            await table.transact([("upsert", row)])
    storage.cost = Cost()
    return table


async def test_rows_come_in_the_order_of_their_keys(table: OrderedTable) -> None:
    keys = [(str(row["PartitionKey"]), str(row["RowKey"])) for row in table]
    assert keys == sorted(keys)
    assert len(keys) == len(table) == 3 * ROWS


async def test_a_page_of_a_partition_reads_no_more_rows_than_it_shows(
    storage: OrderedStorage, table: OrderedTable
) -> None:
    first, place = await table.page(ALL, {"partition": "b"}, size=4, after=None)
    rest, end = await table.page(ALL, {"partition": "b"}, size=100, after=place)
    assert [row["RowKey"] for row in (*first, *rest)] == [f"{n:02}" for n in range(ROWS)]
    assert end is None
    assert storage.cost == Cost(queries=2, rows=ROWS)


async def test_a_range_of_row_keys_reads_that_range(storage: OrderedStorage, table: OrderedTable) -> None:
    query = f"{ALL} and RowKey ge @first and RowKey le @last"
    values = {"partition": "b", "first": "03", "last": "05"}
    assert [row async for row in table.query(query, values, ["RowKey"])] == [
        {"RowKey": "03"},
        {"RowKey": "04"},
        {"RowKey": "05"},
    ]
    assert storage.cost == Cost(queries=1, rows=3)


async def test_a_filter_reads_what_it_leaves_out(storage: OrderedStorage, table: OrderedTable) -> None:
    rows, _ = await table.page(
        f"{ALL} and rare eq @rare", {"partition": "b", "rare": True}, size=1, after=None
    )
    assert [row["RowKey"] for row in rows] == ["07"]
    rows, _ = await table.page("rare eq @rare", {"rare": True}, size=9, after=None)
    assert [row["PartitionKey"] for row in rows] == ["a", "b", "c"]
    assert storage.cost.rows == 8 + 3 * ROWS


async def test_a_point_read_reads_one_row(storage: OrderedStorage, table: OrderedTable) -> None:
    found = await table.get("b", "07", ["rare"])
    assert found
    assert found[0] == {"rare": True}
    assert await table.get("b", "99") is None
    assert storage.cost == Cost(points=2, rows=2)


async def test_only_the_version_that_was_read_is_replaced(table: OrderedTable) -> None:
    row = {"PartitionKey": "b", "RowKey": "07"}
    found = await table.get("b", "07")
    assert found
    await table.replace(row, found[1])
    with pytest.raises(Conflict):
        await table.replace(row, found[1])
    with pytest.raises(Conflict):
        await table.insert(row)
    with pytest.raises(NotFound):
        await table.transact(
            [("upsert", {"PartitionKey": "b", "RowKey": "new"}), ("delete", {**row, "RowKey": "x"})]
        )
    assert await table.get("b", "new") is None
