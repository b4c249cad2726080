"""Each kind of key goes to its own engine, from the queue and from a dead letter."""

from datetime import UTC, datetime

import pytest

from functions.reconciler import give_up, reconcile
from shared.domain.ids import HubKey, parse_key
from shared.ports import DeadLetter
from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import ASK, Api, api

NODE = f"node/{SUBSCRIPTION}/sales"


async def edge_of(on: Api) -> str:
    return f"edge/{(await on.ask('request_edge', ASK)).body['id']}"


async def test_an_edge_a_hub_and_a_node_are_each_looked_at() -> None:
    """Every one of them has a last run afterwards."""
    on = api()
    on.mesh.create_node("sales")
    edge = await edge_of(on)
    await on.app.hub_intake.bump(HubKey("hub"), "test")
    await on.app.intake.bump(on.mesh.group("sales"), "test")
    on.mesh.clock.advance(60)
    for key in (edge, "hub/hub", NODE):
        await reconcile(on.app, parse_key(key))
    hub = await on.app.hubs.get(HubKey("hub"))
    node = await on.app.nodes.get(on.mesh.group("sales"))
    assert all(record.last_run for record in on.edges.records.values())
    assert hub
    assert hub.last_run
    assert node
    assert node.last_run


async def test_what_is_given_up_becomes_a_dead_letter_that_can_be_replayed() -> None:
    """One a key; a replay enqueues that very key and takes the letter away."""
    on = api()
    edge = await edge_of(on)
    await on.app.hub_intake.bump(HubKey("hub"), "test")
    keys = {edge, "hub/hub", NODE}
    for key in keys:
        await give_up(on.app, parse_key(key), "it failed on every try")
    letters = (await on.ask("list_dead_letters")).body["items"]
    assert {letter["key"] for letter in letters} == keys
    while on.mesh.queue.next_visible():
        on.mesh.clock.advance(60)
        on.mesh.queue.pop_visible()
    for letter in letters:
        assert (await on.ask("replay_dead_letter", path={"id": letter["id"]})).status == 200
    assert {item.key for item in on.mesh.queue.items} == keys
    assert (await on.ask("list_dead_letters")).body["items"] == []


@pytest.mark.parametrize("key", ["edge/" + "0" * 32, "nothing", "edge/a/b", f"node/{SUBSCRIPTION}"])
async def test_a_letter_that_leads_nowhere_is_kept(key: str) -> None:
    """A problem says why, and the letter stays."""
    on = api()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    await on.app.dead_letters.add(DeadLetter(id="one", kind="key", at=at, reason="r", source=key, key=key))
    said = await on.ask("replay_dead_letter", path={"id": "one"})
    assert said.status in (404, 422)
    assert len((await on.ask("list_dead_letters")).body["items"]) == 1
