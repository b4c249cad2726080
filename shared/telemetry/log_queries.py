"""Runs the named queries against the log store."""

from collections.abc import Mapping
from pathlib import Path

from shared.domain.errors import NotFound
from shared.ports.telemetry import LogStore, LogTable
from shared.telemetry.queries import NamedQuery, parse_query


class LogQueries:
    """`folder` holds a file for each query; it is read when the first query is asked for."""

    def __init__(self, store: LogStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._queries: Mapping[str, NamedQuery] = {}

    def all(self) -> Mapping[str, NamedQuery]:
        """By name, which is the file's, in order."""
        if not self._queries:
            files = sorted(self._folder.glob("*.kql"))
            self._queries = {f.stem: parse_query(f.stem, f.read_text(encoding="utf-8")) for f in files}
        return self._queries

    def named(self, name: str) -> NamedQuery:
        """Raises NotFound: QueryUnknown."""
        queries = self.all()
        if name not in queries:
            raise NotFound(
                "QueryUnknown", f"there is no such query; there are {', '.join(queries)}", target=name
            )
        return queries[name]

    async def run(self, name: str, values: Mapping[str, str], *, most: int) -> tuple[LogTable, bool]:
        """The first rows of a query's answer, at most so many, and whether there are more.

        Raises NotFound for an unknown query, Terminal for a parameter that is not the query's or not what it should
        be, and what the store raises.
        """
        query = self.named(name)
        kql = f"{query.filled(values)}| take {most + 1}\n"
        table = await self._store.query(kql, hours=query.hours(values))
        return LogTable(table.columns, table.rows[:most], table.partial), len(table.rows) > most
