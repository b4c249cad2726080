"""What is shown of named queries and their answers."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.ports.telemetry import Cell, LogTable
from shared.telemetry.queries import NamedQuery


class ParameterItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A parameter of a named query; numbers lie from `least` to `most`."""

    name: str
    kind: Literal["text", "whole number", "number"]
    about: str
    default: str
    least: float | None = None
    most: float | None = None


class QueryItem(msgspec.Struct, frozen=True):
    """A named query: what it answers, and what may be asked for."""

    name: str
    about: str
    parameters: list[ParameterItem]


class Column(msgspec.Struct, frozen=True):
    """A column of an answer; `type` is Kusto's."""

    name: str
    type: str


class QueryAnswer(msgspec.Struct, frozen=True):
    """The rows by column; times are ISO 8601 in UTC, spans as Kusto writes them.

    `more` says that there are more rows than were asked for, `partial` why the store could not look at everything;
    it is empty where it could.
    """

    query: str
    columns: list[Column]
    rows: list[dict[str, str | int | float | bool | None]]
    more: bool
    partial: str


def query_item(query: NamedQuery) -> QueryItem:
    """A named query as it is shown."""
    shown = [ParameterItem(p.name, p.kind, p.about, p.default, p.least, p.most) for p in query.parameters]
    return QueryItem(query.name, query.about, shown)


def query_answer(query: str, table: LogTable, *, more: bool) -> QueryAnswer:
    """An answer as it is shown."""
    names = [name for name, _ in table.columns]
    return QueryAnswer(
        query,
        [Column(name, kind) for name, kind in table.columns],
        [dict(zip(names, map(_shown, row), strict=True)) for row in table.rows],
        more,
        table.partial,
    )


def _shown(cell: Cell) -> str | int | float | bool | None:
    return cell.isoformat().replace("+00:00", "Z") if isinstance(cell, datetime) else cell
