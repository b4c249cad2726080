"""State that a former version wrote is read, migrated once, and closed to versions that do not know its schema.

`states/` holds every kind of row as the named version left it on a local Azure, and the records that its own code read.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import uuid4

import msgspec
import pytest

from local.azurite import Azurite
from local.caller import Json
from shared.adapters.storage import StorageConnection
from shared.adapters.tables.addresses import TableAddressBook
from shared.adapters.tables.alerts import TableAlertStore
from shared.adapters.tables.dead_letters import TableDeadLetters
from shared.adapters.tables.edges import TableEdgeStore
from shared.adapters.tables.history import TableHistory
from shared.adapters.tables.hubs import TableHubStore
from shared.adapters.tables.nodes import TableNodeStore
from shared.adapters.tables.schema import GuardedStorage, SchemaProbe, StateSchema, Step
from shared.adapters.tables.silences import TableSilences
from shared.domain.errors import Terminal, Transient
from shared.domain.ids import EdgeKey, HubKey, NodeKey
from shared.domain.node import NodeRecord
from tests.fakes import FakeClock

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("azurite")]

STATES = Path(__file__).parent / "states"
VERSIONS = sorted(path.stem for path in STATES.glob("*.json"))
SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class State:
    """The rows of a former version in Azurite, and instances of this version beside each other on them."""

    def __init__(self, azurite: Azurite, version: str) -> None:
        self.saved = json.loads((STATES / f"{version}.json").read_text())
        self.clock = FakeClock()
        self._connection = StorageConnection(azurite.connection_string)
        self._prefix = f"t{uuid4().hex[:12]}"
        self.instances: list[GuardedStorage] = []

    def records(self, kind: str) -> list[Json]:
        """What the former version read of its own rows."""
        return cast(list[Json], self.saved["records"][kind])

    def instance(self, version: str = "now") -> GuardedStorage:
        """One more instance of the app, which knows how rows become those of schema 2."""
        made = GuardedStorage(self._connection, None, self.clock, version, prefix=self._prefix)
        nodes, edges = TableNodeStore(made), TableEdgeStore(made)

        async def index() -> int:
            return await nodes.index() + await edges.index()

        made.schema.learn([Step(2, "index rows", index, oldest=2)])
        self.instances.append(made)
        return made

    async def load(self) -> None:
        storage = self.instance()
        for name, rows in self.saved["rows"].items():
            table = storage.table(name)
            for row in rows:
                await table.insert({column: stored(value) for column, value in row.items()})


def stored(value: object) -> object:
    """A value of a row out of the file."""
    if isinstance(value, dict) and "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    if isinstance(value, dict) and "$time" in value:
        return datetime.fromisoformat(value["$time"])
    return value


@pytest.fixture(params=VERSIONS)
async def state(request: pytest.FixtureRequest, azurite: Azurite) -> AsyncIterator[State]:
    made = State(azurite, request.param)
    await made.load()
    yield made
    for each in made.instances:
        await each.close()


def holds(now: object, before: object, at: str = "") -> None:
    """A record of today says all that it said to the version that wrote it; it may say more."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name, value in before.items():
            assert name in now, f"{at}.{name} is lost"
            holds(now[name], value, f"{at}.{name}")
    elif isinstance(before, list):
        assert isinstance(now, list)
        assert len(now) == len(before), at
        for number, (one, other) in enumerate(zip(now, before, strict=True)):
            holds(one, other, f"{at}[{number}]")
    else:
        assert now == before, at


async def all_read(state: State, storage: GuardedStorage) -> None:
    """Every record of every store, with its keys found by lists and timers."""
    nodes, edges, alerts = TableNodeStore(storage), TableEdgeStore(storage), TableAlertStore(storage)
    for record in state.records("nodes"):
        key = NodeKey(**cast(dict[str, str], record["key"]))
        holds(plain(await nodes.get(key)), record)
    for record in state.records("edges"):
        holds(plain(await edges.get(EdgeKey(**cast(dict[str, str], record["key"])))), record)
    for record in state.records("hubs"):
        holds(plain(await TableHubStore(storage).get(HubKey(**cast(dict[str, str], record["key"])))), record)
    for record in state.records("alerts"):
        holds(plain(await alerts.get(str(record["id"]))), record)
    for record in state.records("dead_letters"):
        holds(plain(await TableDeadLetters(storage).get(str(record["id"]))), record)
    holds([plain(s) for s in await TableSilences(storage).list()], state.records("silences"))
    shown = {str(n.key): str(n.state) for n in (await nodes.list(size=1000)).items}
    states = {str(NodeKey(**cast(dict[str, str], r["key"]))): str(r["state"]) for r in state.records("nodes")}
    assert shown == {key: s for key, s in states.items() if s != "Seen"}
    for wanted in set(shown.values()):
        page = await nodes.list(state=wanted, size=1000)
        assert {str(n.key) for n in page.items} == {k for k, s in shown.items() if s == wanted}
    found = {str(key) async for key in nodes.due(FOREVER)}
    assert found == {
        str(NodeKey(**cast(dict[str, str], r["key"]))) for r in state.records("nodes") if r["next_due"]
    }
    assert len((await edges.list(size=1000)).items) == len(state.records("edges"))


def plain(record: object) -> Json:
    assert record is not None
    return cast(Json, json.loads(msgspec.json.encode(record)))


async def test_every_row_is_read_before_and_after_the_migration(state: State) -> None:
    """Lists, timers and single reads say what the former version wrote, and other tables what lies in them."""
    storage = state.instance()
    assert "to be migrated to 2" in await SchemaProbe(storage.schema).check()
    await all_read(state, storage)
    changed = await storage.schema.migrate()
    assert changed == len(state.records("nodes")) + len(state.records("edges"))
    assert await SchemaProbe(storage.schema).check() == "Rows are of schema 2."
    await all_read(state, storage)
    key = str(state.saved["rows"]["history"][0]["PartitionKey"]).replace("|", "/")
    assert (await TableHistory(storage).recent(key)).items
    pooled = next(r for r in state.records("nodes") if cast(Json, r["key"])["group"] == "pooled")
    given = await TableAddressBook(storage, state.clock).of(NodeKey(**cast(dict[str, str], pooled["key"])))
    assert given is not None
    assert given.prefix.startswith("10.240.")


async def test_of_several_instances_that_start_at_once_one_migrates(state: State) -> None:
    """The others go on meanwhile, and nothing is done twice."""
    several = [state.instance() for _ in range(4)]
    changed = await asyncio.gather(*(each.schema.migrate() for each in several))
    assert sorted(changed)[:-1] == [0, 0, 0]
    assert await several[0].schema.migrate() == 0
    await all_read(state, several[1])


async def test_what_a_dying_instance_left_is_gone_on_with_when_its_time_is_over(state: State) -> None:
    """Not before: for all that others know it may be at it still."""
    dying, other = state.instance(), state.instance()
    nodes = TableNodeStore(dying)

    async def half() -> int:
        await nodes.index()
        raise Transient("Killed", "in the middle")

    dying.schema.learn([Step(2, "index rows", half, oldest=2)])
    with pytest.raises(Transient):
        await dying.schema.migrate()
    assert await other.schema.migrate() == 0
    assert (await other.schema.standing()).schema == 1
    await all_read(state, other)
    state.clock.advance(301)
    assert await other.schema.migrate() == len(state.records("edges"))
    assert (await other.schema.standing()).schema == 2
    await all_read(state, other)


async def test_a_version_that_does_not_know_the_schema_touches_nothing_and_says_what_to_do(
    state: State,
) -> None:
    """As soon as a newer one began to migrate: reads and writes are refused, and health names both."""
    old, new = state.instance("0.4.0"), state.instance("0.5.0")
    await old.schema.migrate()

    async def nothing() -> int:
        with pytest.raises(Terminal, match="StateTooNew"):
            await old.schema.standing()
        return 0

    new.schema.learn([Step(2, "", nothing), Step(3, "of the future", nothing, oldest=3)])
    await new.schema.migrate()
    state.clock.advance(61)
    nodes, record = TableNodeStore(old), NodeRecord(key=NodeKey.of(SUBSCRIPTION, "new"))
    for touch in (nodes.list, lambda: nodes.save(record), SchemaProbe(old.schema).check):
        with pytest.raises(Terminal, match=r"version 0\.5\.0 migrated .* Deploy version 0\.5\.0") as raised:
            await touch()
        assert raised.value.reason == "StateTooNew"
    assert await SchemaProbe(new.schema).check() == "Rows are of schema 3."


async def test_a_new_account_has_the_schema_at_once(azurite: Azurite) -> None:
    """There is nothing to migrate, and the row says so to whoever comes next."""
    clock = FakeClock()
    storage = GuardedStorage(
        StorageConnection(azurite.connection_string), None, clock, "now", prefix=f"t{uuid4().hex[:12]}"
    )

    async def nothing() -> int:
        return 0

    schema: StateSchema = storage.schema
    schema.learn([Step(2, "nothing is there", nothing)])
    assert await schema.migrate() == 0
    assert (await schema.standing()).schema == 2
    await storage.close()
