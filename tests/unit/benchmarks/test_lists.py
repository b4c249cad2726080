"""What the benchmark of lists holds against its targets, on meshes small enough for every run of the tests."""

from itertools import count

from benchmarks.lists import CALLS, Mesh, measure
from benchmarks.ordered import OrderedStorage
from benchmarks.population import Population, populated


async def test_a_page_costs_the_same_in_a_mesh_of_four_times_the_size() -> None:
    """Rows, gets and queries; and more rows than a query reads that finds nothing, so they are counted."""
    small, full = [Mesh(p, await populated(p)) for p in (Population(100, 200), Population(400, 800))]
    ticks = count()
    found = await measure(small, full, CALLS, 1, lambda: next(ticks))
    assert {c.what for c, (few, many) in found.items() if few.costs != many.costs} == set()
    assert min(many.rows for _, many in found.values()) >= 8


async def test_what_is_left_out_is_read_where_nothing_is_indexed() -> None:
    """The same rows without what tells that they are indexed: the measure knows the difference."""
    small, full = [Mesh(p, await populated(p)) for p in (Population(100, 200), Population(400, 800))]
    for mesh in (small, full):
        for name in ("nodes", "edges"):
            assert isinstance(mesh.storage, OrderedStorage)
            await mesh.storage.table(name).transact(
                [("delete", {"PartitionKey": "!partitions", "RowKey": "!"})]
            )
    calls = [c for c in CALLS if "due" in c.what or c.what == "nodes NotReady"]
    found = await measure(small, full, calls, 1, lambda: 0.0)
    assert all(many.rows >= 3 * few.rows for few, many in found.values())
