"""Whatever an event holds, the log store goes on."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.logs.feed import records_in
from local.logs.mapping import event_row, row_of
from local.logs.store import LogStore, shape

NOW = datetime(2026, 1, 5, tzinfo=UTC)
RESOURCE = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/blobServices/default"
)
GOOD = {
    "resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/good",
    "category": "good",
}

texts = st.text(max_size=20)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.sampled_from([10**400, 2**63])
    | st.sampled_from(["2026-01-05T08:00:00Z", "9" * 400, "\x00"])
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
KNOWN = (
    "time category operationName level properties durationMs statusCode identity id resultType metricName total"
    " count type at data _ResourceId Type"
)
names = st.sampled_from(KNOWN.split())
records = st.dictionaries(names | texts, values, max_size=6).map(
    lambda record: {"resourceId": RESOURCE, **record}
)


STORES: list[LogStore] = []
"""The one that is open: what Hypothesis is given it keeps until the process ends, which DuckDB complains of."""


@pytest.fixture(scope="module", autouse=True)
def opened() -> Iterator[None]:
    STORES.append(LogStore())
    yield
    STORES.pop().close()


@settings(deadline=None, max_examples=60)
@given(record=records)
def test_a_good_record_beside_any_other_is_kept(record: dict[str, object]) -> None:
    """Strange types, names and numbers are kept as they are or left out; nothing raises."""
    [store] = STORES
    before = _good(store)
    body = json.dumps({"records": [record, GOOD]}).encode()
    store.add(row for read in records_in(body) if (row := row_of(read, NOW)))
    store.add(row for read in records_in(body) if (row := event_row(read, NOW)))
    assert _good(store) == before + 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"null", b'"text"', b"[1, null]", b'{"records": 5}', b"[" * 100_000]
)
def test_what_is_no_record_is_left_out(body: bytes) -> None:
    assert [record for record in records_in(body) if row_of(record, NOW)] == []


def _good(store: LogStore) -> int:
    [row] = shape(store.query("AzureDiagnostics | where Category == 'good' | count"))
    return int(str(row["Count"]))
