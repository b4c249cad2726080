"""What the benchmark of lists holds against its targets, on meshes small enough for every run of the tests."""

from itertools import count

from benchmarks.lists import CALLS, Mesh, measure
from benchmarks.population import Population, populated


async def test_a_page_costs_the_same_in_a_mesh_of_four_times_the_size() -> None:
    """Rows, gets and queries; what filters by a state or a time reads all, and shows that reads are counted."""
    small, full = [Mesh(p, await populated(p)) for p in (Population(100, 200), Population(400, 800))]
    ticks = count()
    found = await measure(small, full, CALLS, 1, lambda: next(ticks))
    assert {c.what for c, (few, many) in found.items() if few.costs == many.costs} == {
        c.what for c in CALLS if c.independent
    }
    assert {c.what for c, (few, many) in found.items() if many.rows >= 2 * few.rows} == {
        c.what for c in CALLS if not c.independent
    }
