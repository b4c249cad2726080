"""The tables in DuckDB: rows go in, KQL is answered."""

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import duckdb
import duckdb_kql
from duckdb_kql import KqlSchemaError

from local.logs.mapping import Row
from local.logs.schema import DUCKDB_TYPES, FILLED, kusto_type, tables

LOG = logging.getLogger("local.logs")
MOST_ROWS_A_TABLE = 100_000
# What the service itself answers at most: "Service limits" of the Log Analytics API.
MOST_ROWS_AN_ANSWER = 500_000
MOST_TRANSLATIONS = 200
# The service's own default: "Timeouts" of the Log Analytics API.
SECONDS_TO_ANSWER = 180.0
_BETWEEN_INTERRUPTS = 0.1


class Scope(NamedTuple):
    """What a query may see: records from `start` to `end`, of one resource and what is in it; all where left out."""

    start: datetime | None = None
    end: datetime | None = None
    resource: str = ""


EVERYTHING = Scope()


class Answer(NamedTuple):
    """Columns with their Kusto types, and rows as DuckDB gives them; `cut` says that there were more."""

    columns: tuple[tuple[str, str], ...]
    rows: list[tuple[object, ...]]
    cut: bool = False


class QueryTimeout(Exception):
    """The query took longer than the caller waits."""


class LogStore:
    """Log Analytics' tables, in memory. Safe to use from several threads."""

    def __init__(self, most_rows: int = MOST_ROWS_A_TABLE, most_answered: int = MOST_ROWS_AN_ANSWER) -> None:
        self._most_rows = most_rows
        self._most_answered = most_answered
        self._connection = duckdb_kql.connect(
            config={"memory_limit": "512MB", "threads": 2, "enable_external_access": False}
        )
        self._writing = threading.Lock()
        self._translations: dict[tuple[str, int], str] = {}
        self._columns: dict[str, dict[str, str]] = {}
        for table, documented in tables().items():
            columns = {**documented, **FILLED.get(table, {})}
            self._columns[table] = {name.lower(): name for name in columns}
            spelled = ", ".join(_column(name, kind) for name, kind in columns.items())
            self._connection.execute(f"CREATE TABLE {_quoted(table)} ({spelled})")

    def add(self, rows: Iterable[Row]) -> None:
        """Rows into their tables; a table gets the columns that it lacks."""
        by_table: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_table[row.table].append(row)
        with self._writing:
            for table, own in by_table.items():
                self._insert_what_fits(table, own)

    def query(
        self,
        kql: str,
        scope: Scope = EVERYTHING,
        *,
        seconds: float = SECONDS_TO_ANSWER,
        now: datetime | None = None,
    ) -> Answer:
        """The answer to a query, `now()` being another moment where one is given.

        Raises KqlError, duckdb.Error and QueryTimeout.
        """
        with closing(self._connection.cursor()) as cursor, _limited(cursor, seconds):
            cursor.execute("SET TimeZone = 'UTC'")
            if scope != EVERYTHING:
                self._restrict(cursor, scope)
            sql, parameters = self._translated(kql, now)
            relation = cursor.sql(sql, params=parameters) if parameters else cursor.sql(sql)
            columns = tuple(
                (name, kusto_type(str(kind)))
                for name, kind in zip(relation.columns, relation.types, strict=True)
            )
            rows = relation.limit(self._most_answered + 1).fetchall()
        return Answer(columns, rows[: self._most_answered], len(rows) > self._most_answered)

    def close(self) -> None:
        self._connection.close()

    def _translated(self, kql: str, now: datetime | None) -> tuple[str, dict[str, object]]:
        """SQL for a query. Who asks the same again, as a page that is refreshed does, need not wait for the parser."""
        width = sum(map(len, self._columns.values()))
        known = self._translations.get((kql, width)) if now is None else None
        if known is not None:
            return known, {}
        schema = {table: list(columns.values()) for table, columns in self._columns.items()}
        made = duckdb_kql.to_sql(kql, schema=schema, allow_write=False, query_now=now)
        if made.unbound:
            raise KqlSchemaError(", ".join(made.unbound), hint="a parameter without a value")
        if now is None and not made.parameters:
            self._translations[kql, width] = str(made)
            if len(self._translations) > MOST_TRANSLATIONS:
                del self._translations[next(iter(self._translations))]
        return str(made), made.parameters

    def _insert_what_fits(self, table: str, rows: list[Row]) -> None:
        """All rows; where one does not fit its columns, all but those that do not."""
        try:
            self._insert(table, rows)
        except duckdb.Error as error:
            if len(rows) == 1:
                LOG.warning("a record for %s is left out: %s", table, str(error).splitlines()[0])
                return
            half = len(rows) // 2
            self._insert_what_fits(table, rows[:half])
            self._insert_what_fits(table, rows[half:])

    def _insert(self, table: str, rows: list[Row]) -> None:
        known = self._columns[table]
        for row in rows:
            for name, (kind, _) in row.columns.items():
                if name.lower() not in known:
                    self._connection.execute(f"ALTER TABLE {_quoted(table)} ADD COLUMN {_column(name, kind)}")
                    known[name.lower()] = name
        given = {name.lower(): kind for row in rows for name, (kind, _) in row.columns.items()}
        columns = {known[name]: kind for name, kind in given.items()}
        objects = [{known[n.lower()]: _cell(*cell) for n, cell in row.columns.items()} for row in rows]
        structure = json.dumps([{name: DUCKDB_TYPES[kind] for name, kind in columns.items()}])
        chosen = ", ".join(
            f"coalesce(r.{_quoted(name)}, '')" if kind == "string" else f"r.{_quoted(name)}"
            for name, kind in columns.items()
        )
        # One statement for many rows: a row each would take a hundred times as long.
        self._connection.execute(
            f"INSERT INTO {_quoted(table)} ({', '.join(map(_quoted, columns))}) "
            f"SELECT {chosen} FROM (SELECT unnest(from_json(?, ?)) AS r)",
            [json.dumps(objects), structure],
        )
        self._forget(table)

    def _forget(self, table: str) -> None:
        """The oldest rows beyond what a table keeps."""
        name = _quoted(table)
        [count] = self._connection.execute(f"SELECT count(*) FROM {name}").fetchone() or (0,)
        if count > self._most_rows * 1.1:
            order = f"SELECT rowid FROM {name} ORDER BY TimeGenerated DESC LIMIT {self._most_rows}"
            self._connection.execute(f"DELETE FROM {name} WHERE rowid NOT IN ({order})")

    def _restrict(self, cursor: duckdb.DuckDBPyConnection, scope: Scope) -> None:
        """Views of this cursor's own that stand before the tables."""
        conditions = [
            f"TimeGenerated {sign} TIMESTAMP '{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
            for sign, time in ((">=", scope.start), ("<=", scope.end))
            if time is not None
        ]
        if scope.resource:
            inside = scope.resource.lower().rstrip("/").replace("'", "''")
            conditions.append(f"(_ResourceId = '{inside}' OR starts_with(_ResourceId, '{inside}/'))")
        for table in self._columns:
            name = _quoted(table)
            where = " AND ".join(conditions)
            cursor.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM memory.main.{name} WHERE {where}")


@contextmanager
def _limited(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupts until the block is over: an interrupt between two statements is lost."""
    over = threading.Event()

    def interrupt() -> None:
        wait = seconds
        while not over.wait(wait):
            cursor.interrupt()
            wait = _BETWEEN_INTERRUPTS

    watching = threading.Thread(target=interrupt, daemon=True)
    watching.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise QueryTimeout(f"the query took longer than {seconds:g} seconds") from error
    finally:
        over.set()
        watching.join()


def _column(name: str, kind: str) -> str:
    # A Kusto string is never null, and `!=` says so.
    default = " DEFAULT ''" if kind == "string" else ""
    return f"{_quoted(name)} {DUCKDB_TYPES[kind]}{default}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _cell(kind: str, value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(sep=" ")[:26]
    return str(value) if kind == "guid" else value


def shape(answer: Answer) -> list[Mapping[str, object]]:
    """Rows as objects, for tests and for reading."""
    names = [name for name, _ in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]
