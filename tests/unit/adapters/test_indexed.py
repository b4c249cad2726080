"""Tables whose rows are found by state and time: any history of writers, also of a former version, hides no row."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ordered import Cost, OrderedStorage, OrderedTable
from shared.adapters.tables.indexed import IndexedTable
from shared.adapters.tables.table import Entity, Step
from shared.domain.errors import Conflict, MeshError, NotFound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOWN = ["state", "reason", "next_due"]
PARTITIONS, NAMES, STATES = ("p", "q"), ("a", "b", "c|d"), ("Ready", "NotReady")

type Verb = Literal["save", "held", "former", "delete", "lose"]
type Act = tuple[Verb, str, str, str, int | None]
ACTS = st.tuples(
    st.sampled_from(["save", "held", "former", "delete", "lose"]),
    st.sampled_from(PARTITIONS),
    st.sampled_from(NAMES),
    st.sampled_from(STATES),
    st.none() | st.integers(-90, 90),
)


def entity(partition: str, name: str, state: str = "Ready", due: int | None = 0) -> Entity:
    """A row that is due so many minutes from now."""
    row: dict[str, object] = {
        "PartitionKey": partition,
        "RowKey": name,
        "state": state,
        "reason": f"{state}{due}",
    }
    return row if due is None else row | {"next_due": NOW + timedelta(minutes=due)}


class World:
    """A table, what wrote to it last by name, and what a reader finds who looks at everything."""

    def __init__(self, storage: OrderedStorage | None = None) -> None:
        self.storage = storage or OrderedStorage()
        self.raw: OrderedTable = self.storage.table("things")
        self.table = IndexedTable(self.raw, SHOWN)

    async def do(self, act: Act) -> None:
        verb, partition, name, state, due = act
        found = await self.table.get(partition, name)
        row = entity(partition, name, state, due)
        if verb == "delete" and found:
            await self.table.delete(partition, name, found[1])
        elif verb == "former":
            await self.raw.transact([("upsert", row)])  # it knows of no columns but its own
        elif verb == "lose" and found:
            lost = [
                r["RowKey"] for r in self.raw if r["PartitionKey"] == partition and "!" in str(r["RowKey"])
            ]
            await self.raw.transact([("delete", {"PartitionKey": partition, "RowKey": r}) for r in lost[:1]])
        elif verb in ("save", "held"):
            await self.table.save(row, found[1] if found else None, held=verb == "held")

    def rows(self, which: Callable[[Entity], bool]) -> list[tuple[object, object]]:
        own = (r for r in self.raw if not str(r["RowKey"]).startswith("!"))
        return [(r["PartitionKey"], r["RowKey"]) for r in own if which(r)]

    async def listed(self, state: str, size: int = 2) -> list[tuple[object, object]]:
        found, token = list[Entity](), ""
        while True:
            rows, token = await self.table.listed(f"things {state}", size, token, state=state, but=["Seen"])
            assert len(rows) <= size
            found += rows
            if not token:
                return [(r["PartitionKey"], r["RowKey"]) for r in found]

    async def due(self) -> list[tuple[object, object]]:
        return sorted([(r["PartitionKey"], r["RowKey"]) async for r in self.table.due(NOW)], key=str)

    async def agrees(self) -> None:
        for state in STATES:
            assert await self.listed(state) == self.rows(partial(_is_in, state))
        assert await self.listed("") == self.rows(lambda _: True)
        assert await self.due() == sorted(self.rows(_is_due), key=str)


def _is_in(state: str, row: Entity) -> bool:
    return row["state"] == state


def _is_due(row: Entity) -> bool:
    at = row.get("next_due")
    return isinstance(at, datetime) and at < NOW


@given(acts=st.lists(ACTS, max_size=14), indexed=st.booleans())
def test_what_is_found_is_what_is_there_after_any_history_of_this_version(
    acts: list[Act], indexed: bool
) -> None:
    async def history() -> None:
        world = World()
        if indexed:
            await world.table.index()
        for act in acts:
            if act[0] in ("save", "held", "delete"):
                await world.do(act)
        await world.agrees()

    asyncio.run(history())


@given(before=st.lists(ACTS, max_size=10), after=st.lists(ACTS, max_size=10))
def test_once_indexed_everything_is_found_whatever_a_former_version_wrote(
    before: list[Act], after: list[Act]
) -> None:
    """Before the first time all is read; later writes of a former version are found with the next."""

    async def history() -> None:
        world = World()
        for act in before:
            if act[0] != "lose":
                await world.do(act)
        await world.agrees()
        await world.table.index()
        await world.agrees()
        for act in after:
            await world.do(act)
        await world.table.index()
        assert await world.table.index() == 0
        await world.due()
        await world.agrees()

    asyncio.run(history())


async def test_a_save_is_one_request_and_keeps_a_running_row_where_it_is_filed() -> None:
    world = World()
    await world.table.index()
    version = await world.table.save(entity("p", "a", due=-5), None)
    filed = [str(r["RowKey"]) for r in world.raw]
    for minutes in (1, 2):
        version = await world.table.save(entity("p", "a", due=minutes), version, held=True)
    assert [str(r["RowKey"]) for r in world.raw] == filed
    assert await world.due() == []
    await world.table.save(entity("p", "a", due=-1), version, held=True)
    assert await world.due() == [("p", "a")]


async def test_a_row_that_is_to_be_due_sooner_is_found_sooner() -> None:
    world = World()
    await world.table.index()
    version = await world.table.save(entity("p", "a", due=60), None)
    await world.table.save(entity("p", "a", due=-1), version, held=True)
    assert await world.due() == [("p", "a")]


async def test_only_the_version_that_was_read_is_replaced_or_removed() -> None:
    world = World()
    first = await world.table.save(entity("p", "a"), None)
    await world.table.save(entity("p", "a", "NotReady"), first)
    for state in STATES:
        with pytest.raises(Conflict):
            await world.table.save(entity("p", "a", state), first)
    with pytest.raises(Conflict):
        await world.table.delete("p", "a", first)
    with pytest.raises(Conflict):
        await world.table.save(entity("p", "a"), None)
    assert await world.listed("NotReady") == [("p", "a")]


async def test_a_row_that_was_removed_is_not_brought_back_by_whoever_read_it() -> None:
    world = World()
    version = await world.table.save(entity("p", "a"), None)
    await world.table.delete("p", "a", version)
    for state in STATES:
        with pytest.raises(NotFound):
            await world.table.save(entity("p", "a", state, 3), version)
    assert world.rows(lambda _: True) == []


async def test_rows_that_are_written_while_the_table_is_indexed_are_found() -> None:
    """Each of the requests that indexing makes may be followed by another writer's."""
    for moment in range(12):
        world = World()
        other = World(world.storage)
        await world.do(("former", "p", "a", "Ready", -1))
        _between(world.raw, moment, partial(other.do, ("save", "p", "a", "NotReady", -2)))
        try:
            await world.table.index()
        except MeshError:
            pytest.fail("a writer in between is nobody's error")
        await world.table.index()
        await world.agrees()


async def test_what_is_found_by_state_or_time_costs_what_is_found() -> None:
    world = World()
    await world.table.index()
    for number in range(200):
        state, due = ("NotReady", -1) if number % 100 == 0 else ("Ready", 60)
        await world.table.save(entity("p", f"n{number:03}", state, due), None)
    world.storage.cost = Cost()
    assert len(await world.listed("NotReady", 10)) == 2
    assert world.storage.cost.rows <= 5
    world.storage.cost = Cost()
    assert len(await world.due()) == 2
    assert world.storage.cost.rows <= 7


def _between(table: OrderedTable, moment: int, act: Callable[[], Awaitable[None]]) -> None:
    """Has something happen before the n-th transaction."""
    real, left = table.transact, [moment]

    async def transact(steps: Sequence[Step], *, again: bool = False) -> list[str]:
        left[0] -= 1
        if left[0] == -1:
            table.transact = real  # type: ignore[method-assign]
            await act()
        return await real(steps, again=again)

    table.transact = transact  # type: ignore[method-assign]
