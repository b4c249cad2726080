"""The real things that the suites run on: one Azurite for all of them."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from local.azurite import Azurite
from shared.adapters.storage import StorageConnection
from shared.adapters.tables.table import TableStorage
from tests.support.azurite import running_azurite

FAKE = "fake"
AZURITE = pytest.param("azurite", marks=[pytest.mark.stack, pytest.mark.xdist_group("azurite")])


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture
async def table_storage(request: pytest.FixtureRequest) -> AsyncIterator[TableStorage]:
    """Tables in Azurite that no other test sees."""
    running: Azurite = request.getfixturevalue("azurite")
    connection = StorageConnection(running.connection_string)
    storage = TableStorage(connection, prefix=f"t{uuid4().hex[:12]}")
    yield storage
    await storage.close()
