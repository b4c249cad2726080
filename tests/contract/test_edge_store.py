"""EdgeStore, in memory and on tables."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.adapters.tables.edges import TableEdgeStore
from shared.adapters.tables.table import TableStorage
from shared.domain.conditions import READY, Condition
from shared.domain.edge import EdgeRecord, EdgeRequest, EdgeState, EdgeSummary, Route, Verdict
from shared.domain.errors import Conflict, Terminal
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import HistoryEntry, Lease, MeshEvent
from shared.domain.plan import Operation, Plan
from shared.domain.steps import AddNetworkRule, PutPrivateEndpoint
from shared.ports.mesh import EdgeStore
from tests.contract.conftest import FAKE, INDEXED, TABLE
from tests.contract.samples import NOW, after, key
from tests.fakes.edges import InMemoryEdgeStore

SALES, REPORTS, OTHER = key("sales"), key("reports-(eu)"), key("other")
ENDPOINT = f"{REPORTS.group_id}/providers/Microsoft.Network/privateEndpoints/p"
ZONE = f"{OTHER.group_id}/providers/Microsoft.Network/privateDnsZones/privatelink.database.windows.net"
SERVER = f"{SALES.group_id}/providers/Microsoft.Sql/servers/s"


@pytest.fixture(params=[FAKE, TABLE, INDEXED])
def store(request: pytest.FixtureRequest) -> EdgeStore:
    """In memory; on tables that nobody has indexed yet; and on tables as they are a moment later."""
    if request.param == FAKE:
        return InMemoryEdgeStore()
    return TableEdgeStore(request.getfixturevalue(f"{request.param}_storage"))


def edge(
    name: str,
    consumer: NodeKey = REPORTS,
    provider: NodeKey = SALES,
    state: EdgeState = "Active",
    artefact: str = "",
    **more: Any,
) -> EdgeRecord:
    route = Route(exposure="private-endpoint", why="", artefact=artefact) if artefact else None
    request = EdgeRequest(consumer=consumer, provider=provider, interface="sql", target=SERVER, purpose="p")
    return EdgeRecord(
        key=EdgeKey(name),
        request=request,
        state=state,
        requested_by="anne",
        requested_at=NOW,
        route=route,
        **more,
    )


def full_edge() -> EdgeRecord:
    """A record with every kind of field set, and text that a table could stumble over."""
    return edge(
        "full",
        artefact=ENDPOINT,
        verdict=Verdict(by="bert", at=NOW, reason="naïve ✓ 'quotes' \x00"),
        expires_at=after(90),
        warned_at=after(80),
        active_at=after(1),
        addresses=("10.0.0.4",),
        names=("s.database.windows.net",),
        owned=(ENDPOINT, f"{SERVER}#admits=/x/subnets/y"),
        conditions=(Condition(READY, "True", "Converged", since=NOW),),
        next_due=after(60),
        lease=Lease("run", after(30)),
        plan=Plan(
            network=(
                PutPrivateEndpoint(ENDPOINT, "westeurope", "/subnet", SERVER, "sqlServer", "missing"),
                AddNetworkRule(SERVER, "/subnet", "missing"),
            ),
            made_at=NOW,
        ),
        operation=Operation("https://management.test/o", ENDPOINT, NOW, after(5)),
        outbox=(MeshEvent(type="EdgeChanged", key="edge/full", at=NOW, data={"a": "b"}),),
        journal=(HistoryEntry(at=NOW, key="edge/full", cause="approve by bert", outcome="Approved"),),
    )


async def all_of(store: EdgeStore, size: int, **filters: Any) -> list[EdgeSummary]:
    found: list[EdgeSummary] = []
    token = ""
    while True:
        page = await store.list(size=size, continuation=token, **filters)
        assert len(page.items) <= size
        found += page.items
        token = page.continuation
        if not token:
            return found


async def test_a_record_comes_back_as_it_was_saved(store: EdgeStore) -> None:
    saved = await store.save(full_edge())
    assert saved.etag
    assert await store.get(saved.key) == saved
    assert msgspec.structs.replace(saved, etag=None) == full_edge()
    assert await store.get(EdgeKey("nothing")) is None


async def test_only_the_version_that_was_read_can_be_replaced(store: EdgeStore) -> None:
    first = await store.save(edge("a"))
    with pytest.raises(Conflict):
        await store.save(edge("a"))
    second = await store.save(msgspec.structs.replace(first, generation=8))
    with pytest.raises(Conflict):
        await store.save(msgspec.structs.replace(first, generation=9))
    assert await store.get(first.key) == second


async def test_of_many_writers_at_once_one_wins(store: EdgeStore) -> None:
    saved = await store.save(edge("a"))
    tries = [store.save(msgspec.structs.replace(saved, generation=n)) for n in range(8)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(r, Conflict) for r in results) == 7


async def test_lists_are_filtered_by_consumer_provider_and_state_and_paged(store: EdgeStore) -> None:
    for number in range(7):
        consumer, provider = (REPORTS, SALES) if number % 2 else (OTHER, SALES)
        await store.save(edge(f"e{number}", consumer, provider, "Active" if number < 4 else "Revoked"))
    await store.save(edge("back", SALES, REPORTS, "Active"))
    assert [e.id for e in await all_of(store, 3)] == ["back", *(f"e{n}" for n in range(7))]
    assert [e.id for e in await all_of(store, 2, consumer=REPORTS)] == ["e1", "e3", "e5"]
    assert [e.id for e in await all_of(store, 2, provider=SALES)] == [f"e{n}" for n in range(7)]
    assert [e.id for e in await all_of(store, 2, provider=SALES, consumer=OTHER)] == ["e0", "e2", "e4", "e6"]
    assert [e.id for e in await all_of(store, 2, provider=SALES, state="Revoked")] == ["e4", "e5", "e6"]
    assert [e.id for e in await all_of(store, 2, state="Active")] == ["back", "e0", "e1", "e2", "e3"]
    assert await all_of(store, 2, consumer=key("nobody")) == []


async def test_a_list_shows_what_a_list_needs(store: EdgeStore) -> None:
    await store.save(full_edge())
    for filters in ({}, {"consumer": REPORTS}):
        [row] = await all_of(store, 5, **filters)
        assert row == EdgeSummary(
            id="full",
            consumer=REPORTS,
            provider=SALES,
            interface="sql",
            target=SERVER,
            state="Active",
            exposure="private-endpoint",
            expires_at=after(90),
            requested_at=NOW,
            reason="Converged",
        )


@pytest.mark.parametrize("token", ["x", "é", "bm90IG91cnM="])
async def test_a_foreign_token_is_refused_by_name(store: EdgeStore, token: str) -> None:
    with pytest.raises(Terminal) as refused:
        await store.list(continuation=token)
    assert refused.value.reason == "InvalidContinuation"


async def test_the_token_of_one_list_is_not_taken_by_another(store: EdgeStore) -> None:
    for number in range(3):
        await store.save(edge(f"e{number}"))
    page = await store.list(consumer=REPORTS, size=1)
    with pytest.raises(Terminal):
        await store.list(provider=SALES, size=1, continuation=page.continuation)


async def test_a_nodes_live_edges_are_those_that_it_consumes_or_provides(store: EdgeStore) -> None:
    consumed = await store.save(edge("consumed", SALES, REPORTS))
    provided = await store.save(edge("provided", REPORTS, SALES, "PendingApproval"))
    await store.save(edge("others", REPORTS, OTHER))
    await store.save(edge("over", REPORTS, SALES, "Revoked"))
    assert [e.key.id for e in await store.of_node(SALES)] == ["consumed", "provided"]
    await store.save(msgspec.structs.replace(consumed, state="Revoked"))
    assert [e.key for e in await store.of_node(SALES)] == [provided.key]


async def test_an_edge_that_comes_back_is_found_again(store: EdgeStore) -> None:
    saved = await store.save(edge("back", artefact=ENDPOINT))
    saved = await store.save(msgspec.structs.replace(saved, state="Revoked"))
    assert not await store.of_node(SALES)
    assert not await store.sharing(ENDPOINT)
    await store.save(msgspec.structs.replace(saved, state="Revoking"))
    assert [e.key.id for e in await store.of_node(REPORTS)] == ["back"]
    assert [e.key.id for e in await store.sharing(ENDPOINT)] == ["back"]


async def test_edges_that_share_an_artefact_are_found_in_any_spelling_of_it(store: EdgeStore) -> None:
    first = await store.save(edge("first", artefact=ENDPOINT))
    await store.save(edge("second", artefact=ENDPOINT.upper()))
    await store.save(edge("other", artefact=f"{ENDPOINT}2"))
    await store.save(edge("none"))
    assert [e.key.id for e in await store.sharing(ENDPOINT)] == ["first", "second"]
    moved = Route(exposure="private-endpoint", why="", artefact=f"{ENDPOINT}2")
    await store.save(msgspec.structs.replace(first, route=moved))
    assert [e.key.id for e in await store.sharing(ENDPOINT)] == ["second"]
    assert [e.key.id for e in await store.sharing(f"{ENDPOINT}2")] == ["first", "other"]


async def test_who_keeps_a_name_in_a_zone_is_found_by_zone_and_target(store: EdgeStore) -> None:
    def naming(*zones: str) -> Route:
        return Route(exposure="private-endpoint", why="", zones=zones)

    first = await store.save(msgspec.structs.replace(edge("first"), route=naming(ZONE)))
    database = msgspec.structs.replace(first.request, target=f"{SERVER.upper()}/databases/d")
    await store.save(
        msgspec.structs.replace(edge("second", state="Failed"), request=database, route=naming(ZONE.upper()))
    )
    await store.save(msgspec.structs.replace(edge("elsewhere"), route=naming(f"{ZONE}.eu")))
    other = msgspec.structs.replace(first.request, target=f"{SERVER}2")
    await store.save(msgspec.structs.replace(edge("other"), request=other, route=naming(ZONE)))
    await store.save(msgspec.structs.replace(edge("over", state="Revoked"), route=naming(ZONE)))
    assert [e.key.id for e in await store.naming(ZONE, SERVER)] == ["first", "second"]
    moved = await store.save(msgspec.structs.replace(first, route=naming(f"{ZONE}.own")))
    assert [e.key.id for e in await store.naming(ZONE, SERVER)] == ["second"]
    await store.save(msgspec.structs.replace(moved, state="Revoked"))
    assert not await store.naming(f"{ZONE}.own", SERVER)


async def test_due_are_those_whose_time_lies_before(store: EdgeStore) -> None:
    for name, due in (("early", after(-1)), ("now", NOW), ("late", after(1)), ("never", None)):
        await store.save(edge(name, next_due=due))
    assert [k.id async for k in store.due(NOW)] == ["early"]
    assert {k.id async for k in store.due(after(0.5))} == {"early", "now"}


async def test_a_store_nobody_wrote_to_is_empty(store: EdgeStore) -> None:
    assert [k async for k in store.due(NOW)] == []
    assert (await store.list()).items == ()
    assert (await store.list(consumer=SALES)).items == ()
    assert not await store.of_node(SALES)


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_a_writer_that_dies_between_two_rows_hides_no_edge(table_storage: TableStorage) -> None:
    """Of every sequence of row writes, each prefix is tried: lists and of_node agree with the edges' own rows."""
    for dies_after in range(14):
        store = TableEdgeStore(table_storage)
        record = edge(f"e{dies_after:02d}", artefact=f"{ENDPOINT}{dies_after}")
        writes = _Dying(store, dies_after)
        try:
            saved = await writes.save(record)
            saved = await writes.save(msgspec.structs.replace(saved, state="Revoked"))
            await writes.save(msgspec.structs.replace(saved, state="Revoking"))
        except _DiedError:
            pass
        stored = await store.get(record.key)
        listed = {e.id: e.state for e in await all_of(store, 5, consumer=REPORTS)}
        assert listed.get(record.key.id) == (stored.state if stored else None)
        live = {e.key.id for e in await store.of_node(SALES)}
        assert (record.key.id in live) == (stored is not None and stored.state != "Revoked")
    assert stored
    assert stored.state == "Revoking"


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_few_among_many_are_found_in_few_requests(
    table_storage: TableStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is the index read row by row for the last of a page, nor all of it for one page."""
    monkeypatch.setattr("shared.adapters.tables.edges.MOST_READ", 110)
    store = TableEdgeStore(table_storage)
    states: list[EdgeState] = ["Failed" if number in (3, 60, 61, 119) else "Active" for number in range(120)]
    await asyncio.gather(*(store.save(edge(f"e{n:03d}", state=s)) for n, s in enumerate(states)))
    pages = _counting(store._table, "page")
    first = await store.list(consumer=REPORTS, state="Failed", size=2)
    assert ([e.id for e in first.items], len(pages)) == (["e003", "e060"], 3)
    second = await store.list(consumer=REPORTS, state="Failed", size=2, continuation=first.continuation)
    assert [e.id for e in second.items] == ["e061", "e119"]
    pages.clear()
    none = await store.list(consumer=REPORTS, state="Rejected", size=1)
    assert (none.items, len(pages)) == ((), 3)
    assert [e.id for e in await all_of(store, 1, consumer=REPORTS, state="Failed")] == [
        "e003",
        "e060",
        "e061",
        "e119",
    ]


def _counting(table: Any, name: str) -> list[str]:
    """A list that grows with every call of a table's method."""
    calls: list[str] = []
    real = getattr(table, name)

    async def counted(*args: Any, **more: Any) -> Any:
        calls.append(name)
        return await real(*args, **more)

    setattr(table, name, counted)
    return calls


class _DiedError(Exception):
    """The process was killed."""


class _Dying:
    """A store whose process dies before its n-th write of a row."""

    def __init__(self, store: TableEdgeStore, writes: int) -> None:
        self._store = store
        self._left = writes
        table = store._table
        for name in ("insert", "replace", "transact"):
            setattr(table, name, self._counted(getattr(table, name)))

    async def save(self, record: EdgeRecord) -> EdgeRecord:
        return await self._store.save(record)

    def _counted(self, write: Any) -> Any:
        async def counted(*args: Any, **more: Any) -> Any:
            if self._left <= 0:
                raise _DiedError
            self._left -= 1
            return await write(*args, **more)

        return counted
