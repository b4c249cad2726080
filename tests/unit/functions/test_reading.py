"""What is read over HTTP of nodes, hubs and address pools."""

import msgspec

from functions.views.addresses import pool_item
from shared.domain.addresses import PoolUsage
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey, NodeKey
from tests.support.mesh import HUB_NETWORK, SUBSCRIPTION
from tests.unit.functions.api import POOL, api

SALES = NodeKey.of(SUBSCRIPTION, "sales")
NODE = {"subscription": SUBSCRIPTION, "group": "Sales"}


async def test_a_node_carries_its_version() -> None:
    """The ETag is that of the record, so that whoever read it can tell whether it changed since."""
    on = api()
    found = await on.ask("get_node", path=NODE)
    assert (found.status, found.body["group"]) == (200, "sales")
    assert found.headers["ETag"] == on.mesh.nodes.records[SALES].etag


async def test_a_hub_tells_how_full_it_is() -> None:
    """Before anybody looked, what the settings say; after, what was found; the settings decide its capacity."""
    on = api()
    before = (await on.ask("list_hubs")).body["items"]
    assert [(h["id"], h["state"], h["used"], h["free"], h["pools"]) for h in before] == [
        ("hub", "Pending", 0, 500, [POOL])
    ]
    seen = HubRecord(key=HubKey("hub"), state="Ready", network=HUB_NETWORK, used=498, capacity=500)
    await on.app.hubs.save(seen)
    found = (await on.ask("get_hub", path={"id": "hub"})).body
    assert (found["state"], found["used"], found["free"]) == ("Ready", 498, 2)
    assert (await on.ask("get_hub", path={"id": "elsewhere"})).body["code"] == "HubNotFound"


async def test_a_hub_is_looked_at_when_somebody_asks() -> None:
    """202 with its key, and one message that names it."""
    on = api()
    said = await on.ask("reconcile_hub", path={"id": "hub"})
    assert (said.status, said.body["key"]) == (202, "hub/hub")
    assert [item.key for item in on.mesh.queue.items] == ["hub/hub"]


async def test_a_pool_tells_what_is_left_of_it() -> None:
    """Size, what is given out to whom, and its largest free blocks, the largest first."""
    on = api()
    for number, size in enumerate((24, 26, 24)):
        network = f"{SALES.group_id}/providers/Microsoft.Network/virtualNetworks/vnet-{number}"
        await on.app.addresses.allocate([POOL], size, network, SALES)
    pool = (await on.ask("list_pools")).body["items"][0]
    assert (pool["pool"], pool["hubs"], pool["addresses"]) == (POOL, ["hub"], 65536)
    assert (pool["allocated"], pool["allocations"]) == (256 + 64 + 256, 3)
    assert pool["free_blocks"][0].endswith("/17")
    assert len(pool["free_blocks"]) == pool["free_block_count"]
    given = (await on.ask("list_allocations", query={"pool": POOL})).body["items"]
    assert {item["node"] for item in given} == {str(SALES)}
    assert len({item["prefix"] for item in given}) == 3


def test_of_a_pool_in_pieces_the_hundred_largest_are_shown_and_all_are_counted() -> None:
    """However scattered a pool is, the answer stays short."""
    small = tuple(f"10.0.{n}.0/28" for n in range(250))
    usage = PoolUsage(POOL, 65536, 1024, 4, (*small, "10.64.0.0/12"), 0.9)
    shown = pool_item(usage, ("hub",))
    assert (len(shown.free_blocks), shown.free_block_count) == (100, 251)
    assert shown.free_blocks[:2] == ("10.64.0.0/12", small[0])


async def test_an_owner_who_is_a_person_is_not_shown_as_an_address() -> None:
    """A node's record holds a digest of it, and not even that leaves the API."""
    on = api()
    record = on.mesh.nodes.records[SALES]
    on.mesh.nodes.records[SALES] = msgspec.structs.replace(record, owner="(an address, not recorded)")
    found = (await on.ask("get_node", path=NODE)).body
    assert "owner_id" not in found
    assert record.owner_id not in str(found)
