"""The page of named queries: what each takes, and what it answers about a small mesh of our samples."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.records import peering_deleted, sample_records
from local.logs.mapping import Json, Row, event_row, row_of
from local.logs.store import Answer, LogStore, Scope
from shared.ports.telemetry import LogTable
from shared.telemetry.log_queries import LogQueries
from shared.telemetry.queries import NamedQuery

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"
NODE = f"node/{SUBSCRIPTION}/sales"
VAULT = "Microsoft.KeyVault/vaults/secrets"
FACTORY = "Microsoft.DataFactory/factories/loader"
LAKE = "Microsoft.Storage/storageAccounts/lake"
DATABASE = "Microsoft.Sql/servers/orders/databases/orders"
_MARKDOWN = str.maketrans({"|": "\\|", "<": "\\<"})
NETWORK = "Microsoft.Network/virtualNetworks/net"


class _NoStore:
    """The page needs the queries alone."""

    async def query(self, kql: str, *, hours: float) -> LogTable:
        raise NotImplementedError(kql, hours)


def queries() -> str:
    """A section for each query."""
    store = LogStore()
    store.add(_rows())
    try:
        named = LogQueries(_NoStore(), ROOT / "infra" / "queries").all()
        return "\n".join(_section(query, store) for query in named.values())
    finally:
        store.close()


def _section(query: NamedQuery, store: LogStore) -> str:
    scope = Scope(NOW - timedelta(hours=query.hours({})), NOW)
    answer = store.query(query.filled({}), scope, now=NOW)
    lines = [
        f"## {query.name}",
        query.about,
        "",
        *_table(
            ["parameter", "", "default"],
            [
                [f"`{p.name}`", _cell(p.about), f"`{p.default}`" if p.default else ""]
                for p in query.parameters
            ],
        ),
        "",
        *_table([name for name, _ in answer.columns], _shown(answer)),
        "",
    ]
    return "\n".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"


def _shown(answer: Answer) -> list[list[str]]:
    return [[_cell(value) for value in row] for row in answer.rows]


def _cell(value: object) -> str:
    text = (
        f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else "" if value is None else str(value)
    )
    group = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/sales/providers/"
    return text.replace(NODE, "node/…/sales").replace(group, "…/").translate(_MARKDOWN)


def _rows() -> Iterator[Row]:
    """A morning of one node: a denied caller, a failed pipeline, a busy account, a slow query, a peering, an alert."""
    for record in _records():
        if row := row_of(record, NOW):
            yield row
    for event in _alert():
        if row := event_row(event, NOW):
            yield row


def _records() -> Iterator[Json]:
    for resource in (VAULT, FACTORY, LAKE, DATABASE):
        yield from sample_records(_id(resource))
    [write] = [r for r in sample_records(_id(LAKE)) if r["category"] == "StorageWrite"]
    yield {**write, "statusCode": 503, "statusText": "ServerBusy"}
    [error] = [r for r in sample_records(_id(DATABASE)) if r.get("category") == "Errors"]
    figures = {"duration": 9_600_000, "max_duration": 4_100_000, "count_executions": 3}
    slow = {**figures, "query_hash": "0xBD7BB7487C569456", "DatabaseName": "orders"}
    yield {
        **{k: v for k, v in error.items() if k != "level"},
        "category": "QueryStoreRuntimeStatistics",
        "operationName": "QueryStoreRuntimeStatisticsEvent",
        "properties": slow,
    }
    yield from json.loads(peering_deleted(_id(NETWORK)))["records"]


def _alert() -> Iterator[Json]:
    known = {"rule": "key-vault-denied", "severity": "error", "node": NODE, "resource": _id(VAULT).lower()}
    for minute, transition in ((16, "fired"), (40, "acknowledged"), (55, "resolved")):
        said = {
            **known,
            "transition": transition,
            "notice": f"1-{transition}",
            "title": "SecretGet was denied",
        }
        at = f"2026-01-05T08:{minute}:00Z"
        yield {"type": "AlertChanged", "key": "alert/4f1a", "at": at, "data": said}


def _id(resource: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sales/providers/{resource}"
