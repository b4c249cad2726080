"""Probes answer with a sentence, or raise our error within seconds."""

from pathlib import Path
from uuid import uuid4

import pytest

from local.azurite import ACCOUNT, ACCOUNT_KEY, Azurite
from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.adapters.probes import QueueProbe, ResourceManagerProbe, TablesProbe
from shared.adapters.queue import StorageWorkQueue
from shared.adapters.storage import StorageConnection
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Denied, Terminal, Transient
from shared.ports import WorkItem
from tests.contract.conftest import SCOPE
from tests.support.local_arm import StaticCredential
from tests.support.rights import CREDENTIAL, guarded_arm


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_tables_answer_before_anything_was_stored(table_storage: TableStorage) -> None:
    assert await TablesProbe(table_storage).check() == "Table Storage answers."


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_the_queue_says_how_much_waits(azurite: Azurite) -> None:
    queue = StorageWorkQueue(StorageConnection(azurite.connection_string), f"work-{uuid4().hex}")
    assert await QueueProbe(queue).check() == "Queue Storage answers; nothing was queued yet."
    await queue.enqueue(WorkItem("node/s/g"))
    assert await QueueProbe(queue).check() == "About 1 messages wait."
    await queue.close()


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
# Azurite answers with XML, which the tables SDK reads in a way that Python deprecates.
@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")
async def test_a_wrong_key_is_denied(azurite: Azurite) -> None:
    wrong = azurite.connection_string.replace(ACCOUNT_KEY, "d3Jvbmc=")
    storage = TableStorage(StorageConnection(wrong))
    queue = StorageWorkQueue(StorageConnection(wrong), "work")
    with pytest.raises(Denied):
        await TablesProbe(storage).check()
    with pytest.raises(Denied):
        await QueueProbe(queue).check()
    await storage.close()
    await queue.close()


async def test_storage_that_does_not_answer_is_our_error(unused_tcp_port: int) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port}/{ACCOUNT}"
    connection = StorageConnection(
        f"AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};TableEndpoint={nowhere};QueueEndpoint={nowhere};"
    )
    storage = TableStorage(connection)
    queue = StorageWorkQueue(connection, "work")
    with pytest.raises(Transient):
        await TablesProbe(storage).check()
    with pytest.raises(Transient):
        await QueueProbe(queue).check()
    await storage.close()
    await queue.close()


async def test_the_subscription_is_enabled_or_unknown(tmp_path: Path) -> None:
    async with guarded_arm(tmp_path) as arm:
        port = ArmResourceManager(arm.url, CREDENTIAL, SCOPE, ca_file=str(arm.ca_file))
        own, other = arm.manager.configuration.subscriptions[0], "99999999-9999-9999-9999-999999999999"
        assert await ResourceManagerProbe(port, own).check() == f"Subscription {own} is Enabled."
        with pytest.raises(Terminal) as unknown:
            await ResourceManagerProbe(port, other).check()
        assert unknown.value.reason == "SubscriptionNotFound"
        await port.close()


async def test_a_server_that_nobody_vouches_for_is_not_talked_to(tmp_path: Path) -> None:
    async with guarded_arm(tmp_path) as arm:
        port = ArmResourceManager(arm.url, CREDENTIAL, SCOPE)
        with pytest.raises(Transient):
            await ResourceManagerProbe(port, arm.manager.configuration.subscriptions[0]).check()
        await port.close()


async def test_resource_manager_that_does_not_answer_is_our_error(unused_tcp_port: int) -> None:
    port = ArmResourceManager(f"https://127.0.0.1:{unused_tcp_port}", StaticCredential(), SCOPE)
    with pytest.raises(Transient):
        await ResourceManagerProbe(port, "99999999-9999-9999-9999-999999999999").check()
    await port.close()
