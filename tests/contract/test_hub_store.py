"""HubStore, in memory and on tables."""

import asyncio

import msgspec
import pytest

from shared.adapters.tables.hubs import TableHubStore
from shared.domain.conditions import READY, Condition
from shared.domain.errors import Conflict
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey
from shared.domain.network import PeeringFlags
from shared.domain.node import Lease, PeeringStatus
from shared.domain.plan import Operation, Plan, PutPeering
from shared.ports.mesh import HubStore
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import NOW, after
from tests.fakes.hubs import InMemoryHubStore

NETWORK = "/subscriptions/s/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/hub"


@pytest.fixture(params=[FAKE, AZURITE])
def store(request: pytest.FixtureRequest) -> HubStore:
    if request.param == FAKE:
        return InMemoryHubStore()
    return TableHubStore(request.getfixturevalue("table_storage"))


def full_record(name: str = "weu #1/a") -> HubRecord:
    """A record with every kind of field set."""
    step = PutPeering(f"{NETWORK}/virtualNetworkPeerings/p", NETWORK, PeeringFlags(), "missing", "weu")
    return HubRecord(
        key=HubKey(name),
        state="NotReady",
        network=NETWORK,
        address_prefixes=("10.0.0.0/16",),
        used=3,
        capacity=500,
        pairs=(PeeringStatus(step.id, "Connected", "FullyInSync", "Succeeded", True),),
        conditions=(Condition(READY, "False", "HubMissing", "événement ✓", "error", NOW),),
        generation=3,
        observed_generation=2,
        next_due=after(60),
        lease=Lease("run", after(30)),
        queued=True,
        plan=Plan(network=(step,), made_at=NOW),
        operation=Operation("https://management.test/o/1", step.id, NOW, after(10), "weu"),
    )


async def test_a_record_comes_back_as_it_was_saved(store: HubStore) -> None:
    saved = await store.save(full_record())
    assert saved.etag
    assert await store.get(saved.key) == saved
    assert msgspec.structs.replace(saved, etag=None) == full_record()


async def test_what_was_never_saved_is_none_and_a_list_of_nothing_is_empty(store: HubStore) -> None:
    assert await store.get(HubKey("nothing")) is None
    assert list(await store.list()) == []


async def test_only_the_version_that_was_read_can_be_replaced(store: HubStore) -> None:
    first = await store.save(full_record())
    with pytest.raises(Conflict):
        await store.save(full_record())
    second = await store.save(msgspec.structs.replace(first, generation=8))
    with pytest.raises(Conflict):
        await store.save(msgspec.structs.replace(first, generation=9))
    assert await store.get(first.key) == second


async def test_of_many_writers_at_once_one_wins(store: HubStore) -> None:
    saved = await store.save(full_record())
    tries = [store.save(msgspec.structs.replace(saved, generation=n)) for n in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(r, Conflict) for r in results) == 9
    assert sum(isinstance(r, HubRecord) for r in results) == 1


async def test_a_list_is_whole_and_in_the_order_of_ids(store: HubStore) -> None:
    for name in ("weu", "neu", "eus/2"):
        await store.save(full_record(name))
    assert list(await store.list()) == [full_record(name) for name in ("eus/2", "neu", "weu")]
