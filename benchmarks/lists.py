"""Lists with 10,000 nodes and 20,000 edges in the tables beside a small mesh: a page has to take as long in both.

What the service and its queries cost is measured on tables that are in order, as Table Storage's are: rows read there,
and CPU time. What Azurite takes is shown beside; it looks at every row of a table for every query.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks import azurite_file
from benchmarks.ordered import Cost, OrderedStorage
from benchmarks.population import EDGES_A_NODE, NOW, POOL, RARE, FixedClock, Population, artefact, populated
from benchmarks.target import Target
from local import azurite
from shared.adapters.storage import StorageConnection
from shared.adapters.tables.addresses import TableAddressBook
from shared.adapters.tables.edges import TableEdgeStore
from shared.adapters.tables.nodes import TableNodeStore
from shared.adapters.tables.table import TableStorage
from shared.domain.addresses import Allocation
from shared.domain.edge import EdgeSummary
from shared.domain.ids import NodeKey
from shared.domain.node import NodeSummary
from shared.ports import Page

SMALL, FULL = Population(500, 1_000), Population(10_000, 20_000)
SIZE = 20
EMPTY_POOL = "172.16.0.0/16"
ROUNDS = {"ordered": 15, "azurite": 7}
"""Each with the first, the middle and the last page."""
TIMES_THE_SMALL = 1.5

type Whole = Callable[["Mesh"], Awaitable[int]]
type Shown = Page[NodeSummary] | Page[EdgeSummary] | Page[Allocation]
type Paged = Callable[["Mesh", int, str], Awaitable[Shown]]


@dataclass(frozen=True, slots=True)
class Call:
    """What is measured: a list, of which there are `length` items, or something that is read as a whole."""

    what: str
    table: str
    page: Paged | None = None
    whole: Whole | None = None
    length: Callable[[Population], int] = lambda _: 0


class Mesh:
    """The stores on one storage, and where the first, middle and last page of each list begin."""

    def __init__(self, population: Population, storage: TableStorage) -> None:
        self.population, self.storage = population, storage
        self.nodes, self.edges = TableNodeStore(storage), TableEdgeStore(storage)
        self.addresses = TableAddressBook(storage, FixedClock())
        self.places: dict[str, Sequence[str]] = {}

    @property
    def consumer(self) -> NodeKey:
        return self.population.consumer(self.population.edges // 2)

    @property
    def provider(self) -> NodeKey:
        return self.population.provider(self.population.edges // 2)

    async def find_places(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self.places[call.what] = await self._places(call) if call.page else [""]

    async def _places(self, call: Call) -> Sequence[str]:
        """By two long pages, as tokens say where to go on and not how long a page was."""
        assert call.page is not None
        length = call.length(self.population)
        middle = (await call.page(self, length // 2, "")).continuation
        last = (await call.page(self, length - length // 2 - SIZE, middle)).continuation
        return ["", middle, last]


@dataclass(slots=True)
class Measured:
    """Of one call and storage: the seconds of each time, and what it cost where tables are in order."""

    seconds: list[float] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """What the worst page had the service read."""
        return max(cost.rows for cost in self.costs)

    @property
    def milliseconds(self) -> float:
        return median(self.seconds) * 1000


type Pair = tuple[Measured, Measured]
"""Of the small mesh, and of the full one."""


async def _count(keys: AsyncIterator[object]) -> int:
    return len([key async for key in keys])


async def _shown(page: Awaitable[Shown]) -> int:
    return len((await page).items)


async def _found(records: Awaitable[Sequence[object]]) -> int:
    return len(await records)


CALLS = (
    Call(
        "nodes",
        "nodes",
        lambda m, size, token: m.nodes.list(size=size, continuation=token),
        length=lambda p: p.nodes,
    ),
    Call(
        "nodes NotReady",
        "nodes",
        lambda m, size, token: m.nodes.list(state="NotReady", size=size, continuation=token),
        length=lambda _: RARE,
    ),
    Call(
        "edges",
        "edges",
        lambda m, size, token: m.edges.list(size=size, continuation=token),
        length=lambda p: p.edges,
    ),
    Call(
        "edges of a consumer",
        "edges",
        lambda m, size, token: m.edges.list(consumer=m.consumer, size=size, continuation=token),
        length=lambda _: EDGES_A_NODE,
    ),
    Call(
        "edges of a provider",
        "edges",
        lambda m, size, token: m.edges.list(provider=m.provider, size=size, continuation=token),
        length=lambda _: EDGES_A_NODE,
    ),
    Call(
        "edges to approve",
        "edges",
        lambda m, size, token: m.edges.list(state="PendingApproval", size=size, continuation=token),
        length=lambda _: RARE,
    ),
    Call(
        "addresses of a pool",
        "addresses",
        lambda m, size, token: m.addresses.list(POOL, size=size, continuation=token),
        length=lambda p: p.nodes,
    ),
    Call(
        f"a node's {EDGES_A_NODE} edges",
        "edges",
        whole=lambda m: _found(m.edges.of_node(m.consumer)),
    ),
    Call(
        "edges of an endpoint",
        "edges",
        whole=lambda m: _found(m.edges.sharing(artefact(m.population, 0))),
    ),
    Call("nodes that are due", "nodes", whole=lambda m: _count(m.nodes.due(NOW))),
    Call("edges that are due", "edges", whole=lambda m: _count(m.edges.due(NOW))),
)
SCANS: Mapping[str, Call] = {
    "nodes": Call("", "nodes", whole=lambda m: _shown(m.nodes.list(state="None"))),
    "edges": Call("", "edges", whole=lambda m: _found(m.edges.sharing("/none"))),
    "addresses": Call("", "addresses", whole=lambda m: _shown(m.addresses.list(EMPTY_POOL))),
}
"""One query that finds nothing, by table: what Azurite takes to look at every row."""


def run(console: Console) -> list[Target]:
    """Small and full in turn, page by page, so that a busy machine disturbs both alike."""
    ordered, azure = asyncio.run(_measured())
    _show(console, ordered, azure)
    return _targets(ordered)


async def _measured() -> tuple[Mapping[Call, Pair], Mapping[Call, Pair]]:
    storages = [await populated(population) for population in (SMALL, FULL)]
    ordered = await measure(*_meshes(storages), CALLS, ROUNDS["ordered"], time.process_time)
    with TemporaryDirectory() as folder:
        tables = {
            f"{prefix}{name}": list(table)
            for prefix, storage in zip(("small", "full"), storages, strict=True)
            for name, table in storage.tables.items()
        }
        azurite_file.write(Path(folder), tables)
        with azurite.running(Path(folder)) as running:
            connection = StorageConnection(running.connection_string)
            live = [TableStorage(connection, prefix=prefix) for prefix in ("small", "full")]
            try:
                azure = await measure(
                    *_meshes(live), (*CALLS, *SCANS.values()), ROUNDS["azurite"], time.perf_counter
                )
            finally:
                for storage in live:
                    await storage.close()
    return ordered, azure


def _meshes(storages: Sequence[TableStorage]) -> tuple[Mesh, Mesh]:
    small, full = storages
    return Mesh(SMALL, small), Mesh(FULL, full)


async def measure(
    small: Mesh, full: Mesh, calls: Sequence[Call], rounds: int, clock: Callable[[], float]
) -> Mapping[Call, Pair]:
    """Each place of each list so many times, the small mesh and the full one in turn."""
    for mesh in (small, full):
        await mesh.find_places(calls)
    found: dict[Call, Pair] = {call: (Measured(), Measured()) for call in calls}
    for _ in range(rounds):
        for call in calls:
            for place in range(len(small.places[call.what])):
                await _time(call, small, place, clock, found[call][0])
                await _time(call, full, place, clock, found[call][1])
    return found


async def _time(call: Call, mesh: Mesh, place: int, clock: Callable[[], float], into: Measured) -> None:
    if isinstance(mesh.storage, OrderedStorage):
        mesh.storage.cost = Cost()
        into.costs.append(mesh.storage.cost)
    token = mesh.places[call.what][place]
    started = clock()
    if call.page:
        assert len((await call.page(mesh, SIZE, token)).items)
    elif call.whole:
        await call.whole(mesh)
    into.seconds.append(clock() - started)


def _targets(ordered: Mapping[Call, Pair]) -> list[Target]:
    """None may grow with the mesh."""
    rows = max(full.rows / small.rows for small, full in ordered.values())
    return [
        Target("rows read, times those in a small mesh, at worst", rows, TIMES_THE_SMALL),
        *(
            Target(f"{call.what}: time, times that in a small mesh", _times(*pair), TIMES_THE_SMALL)
            for call, pair in ordered.items()
        ),
    ]


def _times(small: Measured, full: Measured) -> float:
    return full.milliseconds / small.milliseconds


def _show(console: Console, ordered: Mapping[Call, Pair], azure: Mapping[Call, Pair]) -> None:
    console.print(
        f"{SMALL.nodes:,} nodes and {SMALL.edges:,} edges beside {FULL.nodes:,} and {FULL.edges:,}; {SIZE} items "
        f"a page, medians of {3 * ROUNDS['ordered']} and {3 * ROUNDS['azurite']} pages: first, middle, last."
    )
    console.print(_in_order(ordered))
    console.print(_in_azurite(ordered, azure))
    console.print("Azurite looks at every row of a table for every query, which is what grows there.")


def _in_order(found: Mapping[Call, Pair]) -> Table:
    table = _table(
        "On tables in order, as Table Storage's are", "gets", "queries", "rows read", "CPU ms", "times"
    )
    for call, (small, full) in found.items():
        cost = full.costs[-1]
        table.add_row(
            call.what,
            str(cost.points),
            str(cost.queries),
            f"{small.rows:,} / {full.rows:,}",
            f"{small.milliseconds:.2f} / {full.milliseconds:.2f}",
            f"{_times(small, full):.2f}",
        )
    return table


def _in_azurite(ordered: Mapping[Call, Pair], found: Mapping[Call, Pair]) -> Table:
    table = _table("In Azurite, through the SDK", "ms", "times", "ms more", "as its scans grow")
    for call, pair in ordered.items():
        (small, full), scans = found[call], found[SCANS[call.table]]
        scan = scans[1].milliseconds - scans[0].milliseconds
        table.add_row(
            call.what,
            f"{small.milliseconds:.0f} / {full.milliseconds:.0f}",
            f"{_times(small, full):.1f}",
            f"{full.milliseconds - small.milliseconds:.0f}",
            f"{pair[1].costs[-1].queries * scan:.0f}",
        )
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table("", title=title)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
