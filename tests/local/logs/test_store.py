"""The tables in DuckDB."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from local.logs.mapping import row_of
from local.logs.store import LogStore, QueryTimeout, Scope, shape

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
GROUP = "/subscriptions/b0000000-0000-4000-8000-000000000001/resourcegroups/sales"


@pytest.fixture
def store() -> Iterator[LogStore]:
    made = LogStore()
    yield made
    made.close()


def put(store: LogStore, name: str = "v", *, ago: float = 0.0, **properties: object) -> None:
    """A log of a key vault, some hours ago."""
    time = (NOW - timedelta(hours=ago)).isoformat()
    resource = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}"
    row = row_of({"resourceId": resource, "category": "c", "time": time, "properties": properties}, NOW)
    assert row is not None
    store.add([row])


def count(store: LogStore, scope: Scope) -> object:
    return shape(store.query("AzureDiagnostics | count", scope))[0]["Count"]


def test_columns_come_as_records_bring_them_and_texts_are_never_null(store: LogStore) -> None:
    put(store, colour="red")
    put(store, size=3)
    rows = shape(store.query("AzureDiagnostics | project colour_s, size_d | order by size_d asc"))
    assert [dict(row) for row in rows] == [
        {"colour_s": "red", "size_d": None},
        {"colour_s": "", "size_d": 3.0},
    ]
    assert len(store.query("AzureDiagnostics | where colour_s != 'blue'").rows) == 2


def test_two_spellings_of_a_column_are_one(store: LogStore) -> None:
    """DuckDB folds case: the spelling that came first stays."""
    put(store, Colour="red")
    put(store, colour="blue")
    rows = shape(store.query("AzureDiagnostics | project Colour_s | order by Colour_s asc"))
    assert [row["Colour_s"] for row in rows] == ["blue", "red"]


def test_a_query_sees_its_time_and_its_resource_only(store: LogStore) -> None:
    put(store, "v", ago=0)
    put(store, "v", ago=5)
    put(store, "vault", ago=0)
    assert count(store, Scope()) == 3
    assert count(store, Scope(NOW - timedelta(hours=1), NOW)) == 2
    assert count(store, Scope(end=NOW - timedelta(hours=1))) == 1
    assert count(store, Scope(resource=f"{GROUP}/providers/Microsoft.KeyVault/vaults/V")) == 2
    assert count(store, Scope(resource=f"{GROUP}/")) == 3
    assert count(store, Scope(resource="/subscriptions/other' OR 'a'='a")) == 0
    assert count(store, Scope()) == 3


def test_the_moment_now_may_be_chosen(store: LogStore) -> None:
    put(store, ago=0.5)
    asked = "AzureDiagnostics | where TimeGenerated > ago(1h) | project Age = now() - TimeGenerated"
    assert store.query(asked, now=NOW).rows == [(timedelta(minutes=30),)]
    assert store.query(asked, now=NOW + timedelta(hours=1)).rows == []


def test_types_are_kustos(store: LogStore) -> None:
    asked = (
        "print a='x', b=1, c=2.5, d=true, e=now(), f=1h, g=toguid('5f1c9a52-3f0e-4a55-9f4d-2d1f4f7f5a10'),"
        " h=dynamic([1]), i=toint(3)"
    )
    kinds = [kind for _, kind in store.query(asked).columns]
    assert kinds == ["string", "long", "real", "bool", "datetime", "timespan", "guid", "dynamic", "int"]


def test_an_answer_is_cut_where_it_is_too_long_and_says_so() -> None:
    store = LogStore(most_answered=2)
    for _ in range(3):
        put(store)
    answer = store.query("AzureDiagnostics")
    assert (len(answer.rows), answer.cut) == (2, True)
    assert store.query("AzureDiagnostics | take 2").cut is False
    store.close()


def test_a_table_forgets_its_oldest_rows() -> None:
    store = LogStore(most_rows=10)
    for hours in range(25):
        put(store, ago=hours)
    [row] = shape(store.query("AzureDiagnostics | summarize n = count(), oldest = min(TimeGenerated)"))
    assert int(str(row["n"])) <= 11
    assert str(row["oldest"]) >= "2026-01-03"
    store.close()


def test_a_query_that_takes_too_long_is_ended(store: LogStore) -> None:
    endless = (
        "range a from 1 to 100000 step 1 | extend k = 1 "
        "| join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k "
        "| summarize sum(a * b % 7)"
    )
    with pytest.raises(QueryTimeout):
        store.query(endless, seconds=0.5)
    assert store.query("print 1").rows == [(1,)]


def test_nothing_on_this_machine_is_read_by_a_query(store: LogStore) -> None:
    with pytest.raises(Exception, match=r"externaldata|external access|not implemented"):
        store.query("externaldata(a: string)['/etc/hosts']")
