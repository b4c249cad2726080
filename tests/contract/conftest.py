"""The things that the suites run on: fakes, one Azurite for all, a Resource Manager per test, a live subscription."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from local.arm.operations import OperationsMode
from local.azurite import Azurite
from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.adapters.arm.sdk import SdkClients
from shared.adapters.credentials import LazyCredential
from shared.adapters.storage import StorageConnection
from shared.adapters.tables.edges import TableEdgeStore
from shared.adapters.tables.nodes import TableNodeStore
from shared.adapters.tables.table import TableStorage
from tests.contract.azure import Azure, FakeAzure, RealAzure
from tests.contract.landscape import Landscape, landscape
from tests.fakes import Cloud, FakeClock, FakeResourceManager
from tests.support.azurite import running_azurite
from tests.support.local_arm import AT_ONCE
from tests.support.rights import CREDENTIAL, guarded_arm

FAKE = "fake"
LOCAL = "local"
LIVE = pytest.param("live", marks=[pytest.mark.live, pytest.mark.timeout(1800)])
LIVE_SUBSCRIPTION = os.environ.get("MESHPLANE_LIVE_SUBSCRIPTION", "")
AZURES = [FAKE, LOCAL, LIVE] if LIVE_SUBSCRIPTION else [FAKE, LOCAL]
PUBLIC = "https://management.azure.com"
SCOPE = f"{PUBLIC}/.default"
AZURITE = pytest.param("azurite", marks=[pytest.mark.stack, pytest.mark.xdist_group("azurite")])
TABLE, INDEXED = (pytest.param(name, marks=AZURITE.marks) for name in ("table", "indexed"))


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


@pytest.fixture
async def indexed_storage(table_storage: TableStorage) -> TableStorage:
    """Those whose nodes and edges are found by index rows."""
    assert [await TableNodeStore(table_storage).index(), await TableEdgeStore(table_storage).index()] == [
        0,
        0,
    ]
    return table_storage


@pytest.fixture(params=AZURES)
async def azure(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Azure]:
    """An Azure to reconcile against: in memory, local over HTTPS, or (`-m live`) a real subscription."""
    match request.param:
        case "local":
            async with local_azure(tmp_path) as found:
                yield found
        case "live":
            async with live_azure() as found:
                yield found
        case _:
            yield fake_azure()


def fake_azure(operation_seconds: float = 0.0) -> FakeAzure:
    cloud, clock = Cloud(), FakeClock()
    return FakeAzure(FakeResourceManager(cloud, clock, operation_seconds), cloud, clock)


@asynccontextmanager
async def local_azure(folder: Path, reads: int = 0) -> AsyncIterator[RealAzure]:
    """The product has its roles and nothing else.

    `reads` is how often an operation has to be asked for before it ends; 0 ends it with its answer.
    """
    operations = OperationsMode(advance="after-reads", amount=reads, retry_after=0.01) if reads else AT_ONCE
    async with guarded_arm(folder, operations) as arm:
        ca_file, subscription = str(arm.ca_file), arm.manager.configuration.subscriptions[0]
        port = ArmResourceManager(arm.url, CREDENTIAL, SCOPE, ca_file=ca_file)
        sdk = SdkClients(arm.url, arm.credential, SCOPE, ca_file)
        try:
            yield RealAzure(arm.url, port, sdk, subscription, polling_interval=0.01)
        finally:
            await port.close()
            await sdk.close()


@asynccontextmanager
async def live_azure() -> AsyncIterator[RealAzure]:
    credential = LazyCredential()
    port = ArmResourceManager(PUBLIC, credential, SCOPE)
    sdk = SdkClients(PUBLIC, credential, SCOPE, "")
    azure = RealAzure(PUBLIC, port, sdk, LIVE_SUBSCRIPTION, polling_interval=5)
    try:
        yield azure
        await azure.remove_everything()
    finally:
        await port.close()
        await sdk.close()
        await credential.close()


@pytest.fixture
async def land(azure: Azure) -> Landscape:
    """An empty group to build networks and services in."""
    return await landscape(azure)
