"""The mesh of the benchmark of lists: tables in order answer what Azurite answers that was given their rows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks import azurite_file
from benchmarks.ordered import OrderedStorage
from benchmarks.population import NOW, POOL, FixedClock, Population, artefact, populated
from local import azurite
from shared.adapters.storage import StorageConnection
from shared.adapters.tables.addresses import TableAddressBook
from shared.adapters.tables.edges import TableEdgeStore
from shared.adapters.tables.nodes import TableNodeStore
from shared.adapters.tables.table import TableStorage

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("azurite")]
MESH = Population(nodes=100, edges=200)


@pytest.fixture
async def ordered() -> OrderedStorage:
    return await populated(MESH)


@pytest.fixture
async def loaded(ordered: OrderedStorage, tmp_path: Path) -> AsyncIterator[TableStorage]:
    """An Azurite that was started with the rows."""
    azurite_file.write(tmp_path, {name: list(table) for name, table in ordered.tables.items()})
    with azurite.running(tmp_path) as running:
        storage = TableStorage(StorageConnection(running.connection_string))
        yield storage
        await storage.close()


async def test_both_answer_the_same(ordered: OrderedStorage, loaded: TableStorage) -> None:
    assert await answers(ordered) == await answers(loaded)


async def answers(storage: TableStorage) -> list[object]:
    """Of each call, both pages where it is one that comes in pages; ETags are each storage's own."""
    nodes, edges = TableNodeStore(storage), TableEdgeStore(storage)
    book, consumer = TableAddressBook(storage, FixedClock()), MESH.consumer(150)
    found: list[object] = []
    for state, size in (("", 60), ("NotReady", 30)):
        one = await nodes.list(state=state, size=size)
        two = await nodes.list(state=state, size=size, continuation=one.continuation)
        assert two.items
        assert not two.continuation
        found += [one.items, two.items]
    for consumed, provided in ((None, None), (consumer, None), (None, MESH.provider(0))):
        first = await edges.list(consumer=consumed, provider=provided, size=70)
        second = await edges.list(
            consumer=consumed, provider=provided, size=200, continuation=first.continuation
        )
        assert second.items
        assert not second.continuation
        found += [first.items, second.items]
    found.append((await edges.list(state="PendingApproval")).items)
    found.append((await book.list(POOL, size=100)).items)
    found.append(sorted(e.key for e in await edges.of_node(consumer)))
    found.append(sorted(e.key for e in await edges.sharing(artefact(MESH, 0))))
    found.append([key async for key in nodes.due(NOW)])
    found.append([key async for key in edges.due(NOW)])
    assert all(found)
    return found
