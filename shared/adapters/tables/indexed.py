"""A table whose rows are found by their state, and by the time at which they are due, without reading the others.

Beside each row, in its partition, lie index rows: one for its state, which shows what lists show, one for the time,
and, of few rows, one that sets them apart and carries what is looked for there. They are written in one transaction
with the row wherever they change, so that no writer can die in between. The row names them in a column, and the version
that readers get carries that along: whoever writes next knows what to take away. While a row is held (a run writes it
again and again), its time may lie later than the one it is filed under; who looks for what is due reads the row itself.

Rows that a former version of the app wrote have no index rows. Until `index` has gone through the table once, queries
read all of it; and `index` finds what was written so since, and index rows that nothing names any more.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from zlib import crc32

import msgspec

from shared.adapters.tables.continuation import Place, read_token, write_token
from shared.adapters.tables.marks import APART, INDEXED, Marks, leads_to, parts_of, row_of, version_of
from shared.adapters.tables.table import Entity, Step, Table
from shared.domain.errors import Conflict, NotFound

FIRST = "!~"
"""Index rows, and what tells which partitions there are, sort before it; names of groups and ids of edges after it."""
AT_ONCE = 25
_KEYS = ["PartitionKey", "RowKey"]
_REGISTER, _WHOLE = "!partitions", "!"
_ROWS = "RowKey ge @first_row"


class IndexedTable:
    """Rows with the columns `state` and, where they are ever due, `next_due`; `shown` are the columns of lists.

    With `only` all rows lie in one partition. `apart` tells what a row is set apart by, nothing where it is not; the
    columns that it names are kept beside. Versions are ETags to everybody else.
    """

    def __init__(
        self,
        table: Table,
        shown: Sequence[str],
        *,
        only: str = "",
        apart: Callable[[Entity], Entity] = lambda _row: {},
    ) -> None:
        self._apart = apart
        self._table = table
        self._shown = list(shown)
        self._only = only
        self._registered: set[str] = set()
        self._registering = asyncio.Lock()

    async def get(self, partition: str, row: str) -> tuple[Entity, str] | None:
        """A row and its version."""
        found = await self._table.get(partition, row)
        return (found[0], version_of(found[1], Marks.read(found[0].get(INDEXED)))) if found else None

    async def save(self, entity: Entity, version: str | None, *, held: bool = False) -> str:
        """Inserts without a version, else replaces the very one; answers the new one. Conflict, NotFound as `Table`."""
        etag, was = parts_of(version) if version else ("", Marks())
        marks = self._marks(entity, was, held=held)
        row: Entity = {**entity, INDEXED: str(marks)}
        if marks == was:
            return version_of(await self._table.replace(row, etag), marks)
        if not was.state:
            await self._register(str(entity["PartitionKey"]))
        own: Step = ("update", row, etag) if version else ("create", row)
        puts, gone = self._changes(entity, was, marks)
        try:
            written = await self._table.transact([own, *puts, *gone], again=True)
        except NotFound:
            if not gone:
                raise
            # An index row was removed by hand.
            written = await self._table.transact([own, *puts], again=True)
        return version_of(written[0], marks)

    async def delete(self, partition: str, row: str, version: str) -> None:
        """Removes the version read; Conflict where it changed. A row that is gone is deleted."""
        etag, marks = parts_of(version)
        index: list[Step] = [("delete", _key(partition, key)) for key in marks.rows(row)]
        try:
            await self._table.transact([("delete", _key(partition, row), etag), *index], again=True)
        except NotFound:
            await self._table.delete(partition, row, etag)

    async def listed(
        self,
        scope: str,
        size: int,
        token: str,
        *,
        state: str = "",
        but: Sequence[str] = (),
        select: Sequence[str] = (),
    ) -> tuple[list[Entity], str]:
        """A page of rows in the order of their keys, and the token of the next: those in a state, or in none of some.

        Raises Terminal on a token that another list made, or this one before the table was indexed.
        """
        partitions = await self._partitions()
        columns = [*_KEYS, *(select or self._shown)]
        if partitions is None:
            scope = f"{scope} read"
            rows, place = await self._read(size, read_token(scope, token), columns, state=state, but=but)
        elif state:
            first, last = f"!state|{state}|", f"!state|{state}~"
            rows, place = await self._across(
                partitions, size, read_token(scope, token), columns, {"first_row": first, "last_row": last}
            )
            rows = [{**row, "RowKey": str(row["RowKey"]).removeprefix(first)} for row in rows]
        else:
            rows, place = await self._across(
                partitions, size, read_token(scope, token), columns, {"first_row": FIRST}, but
            )
        return rows, write_token(scope, place)

    async def set_apart(
        self,
        scope: str,
        size: int,
        token: str,
        columns: Sequence[str],
        where: tuple[str, Mapping[str, object]],
    ) -> tuple[list[Entity], str]:
        """A page of what rows are set apart by, in the order of their keys, and the token of the next.

        `where` is a filter by columns of that, with its values. Raises Terminal on a token that another list made.
        """
        bounds = {"first_row": APART, "last_row": f"{APART[:-1]}~"}
        rows, place = await self._across(
            await self._registered_partitions(),
            size,
            read_token(scope, token),
            [*_KEYS, *columns],
            bounds,
            where=where,
        )
        named: list[Entity] = [{**row, "RowKey": str(row["RowKey"]).removeprefix(APART)} for row in rows]
        return named, write_token(scope, place)

    async def due(self, before: datetime, select: Sequence[str] = ()) -> AsyncIterator[Entity]:
        """The rows whose time lies before one, by time in each partition."""
        partitions = await self._partitions()
        if partitions is None:
            query, values = self._everything("next_due lt @before", {"before": before})
            async for row in self._table.query(query, values, [*_KEYS, *select]):
                yield row
            return
        query = "PartitionKey eq @partition and RowKey ge @first_row and RowKey lt @last_row"
        for partition in partitions:
            span = {"partition": partition, "first_row": "!due|", "last_row": f"!due|{_second(before)}~"}
            leads = [str(r["RowKey"]) async for r in self._table.query(query, span, _KEYS)]
            for some in batched(leads, AT_ONCE, strict=False):
                for found in await asyncio.gather(*(self._behind(partition, lead, select) for lead in some)):
                    if found and isinstance(at := found.get("next_due"), datetime) and at < before:
                        yield found

    async def ever_due(self, partition: str = "") -> AsyncIterator[Entity]:
        """Every row that has a time at which it is due, in one partition or in all."""
        partitions = [partition] if partition else await self._partitions()
        if partitions is None:
            query, values = self._everything("next_due ge @early", {"early": _EARLY})
            async for row in self._table.query(query, values, _KEYS):
                yield row
            return
        query = f"PartitionKey eq @partition and {_ROWS} and next_due ge @early"
        for one in partitions:
            values = {"partition": one, "first_row": FIRST, "early": _EARLY}
            async for row in self._table.query(query, values, _KEYS):
                yield row

    async def index(self) -> int:
        """Files the rows that are not, as those of a former version of the app, takes away index rows that nothing
        names, and answers how many rows it filed. To be asked for again: what others write meanwhile is theirs."""
        query, values = self._everything("state ne @none", {"none": ""})
        named: dict[str, dict[str, str]] = {}
        unfiled: list[tuple[str, str]] = []
        async for row in self._table.query(query, values, [*_KEYS, "state", INDEXED]):
            partition, name = str(row["PartitionKey"]), str(row["RowKey"])
            marks, leads = Marks.read(row.get(INDEXED)), named.setdefault(partition, {})
            if marks.state == row["state"]:
                leads.update(dict.fromkeys(marks.rows(name), name))
            else:
                unfiled.append((partition, name))
        await self._file(unfiled)
        lost = [one for partition, leads in named.items() for one in await self._lost(partition, leads)]
        await self._file(lost)
        await self._table.transact([("upsert", _key(_REGISTER, _WHOLE))])
        return len(unfiled) + len(lost)

    # --- what is filed where

    def _marks(self, entity: Entity, was: Marks, *, held: bool) -> Marks:
        shown = {n: _plain(v) for n in self._shown if n != "next_due" and (v := entity.get(n)) is not None}
        due = entity.get("next_due")
        at = _second(due) if isinstance(due, datetime) else ""
        if held and was.due and was.due <= at:
            at = was.due
        apart = self._apart(entity)
        return Marks(str(entity["state"]), at, _checksum(shown), _checksum(apart) if apart else "")

    def _changes(self, entity: Entity, was: Marks, marks: Marks) -> tuple[list[Step], list[Step]]:
        """The index rows to write, and those to take away."""
        partition, name = str(entity["PartitionKey"]), str(entity["RowKey"])
        shown = {n: entity[n] for n in self._shown if n in entity}
        before, after = list(was.rows(name)), list(marks.rows(name))
        puts: list[Step] = [("upsert", {**_key(partition, after[0]), **shown})]
        puts += [
            ("upsert", _key(partition, row))
            for row in after[1:]
            if row not in before and not row.startswith(APART)
        ]
        if marks.apart not in ("", was.apart):
            puts.append(("upsert", {**_key(partition, f"{APART}{name}"), **self._apart(entity)}))
        return puts, [("delete", _key(partition, row)) for row in before if row not in after]

    async def _register(self, partition: str) -> None:
        """Before the first row of a partition is there, everybody knows of the partition."""
        async with self._registering:
            if partition not in self._registered:
                row = {**_key(_REGISTER, f"!{partition}"), "name": partition}
                await self._table.transact([("upsert", row)], again=True)
                self._registered.add(partition)

    async def _partitions(self) -> Sequence[str] | None:
        """All, in order; None until all rows are indexed."""
        rows = await self._register_rows()
        return _names(rows) if any(row["RowKey"] == _WHOLE for row in rows) else None

    async def _registered_partitions(self) -> Sequence[str]:
        """Those that a row was filed in; of others this version has written none."""
        return _names(await self._register_rows())

    async def _register_rows(self) -> Sequence[Entity]:
        query = "PartitionKey eq @register"
        return [r async for r in self._table.query(query, {"register": _REGISTER}, [*_KEYS, "name"])]

    async def _file(self, rows: Sequence[tuple[str, str]]) -> None:
        for some in batched(rows, AT_ONCE, strict=False):
            await asyncio.gather(*(self._file_one(*row) for row in some))

    async def _file_one(self, partition: str, row: str) -> None:
        found = await self._table.get(partition, row)
        if found is None:
            return
        try:
            await self.save(found[0], version_of(found[1], Marks()))
        except (Conflict, NotFound):
            return  # whoever wrote it meanwhile filed it

    async def _lost(self, partition: str, leads: Mapping[str, str]) -> list[tuple[str, str]]:
        """The rows whose index rows are not there; takes away those that are there for no row."""
        query = "PartitionKey eq @partition and RowKey lt @last_row"
        found = self._table.query(query, {"partition": partition, "last_row": FIRST}, _KEYS)
        there = {str(row["RowKey"]) async for row in found}
        for stale in sorted(there - leads.keys()):
            await self._forget(partition, stale)
        return [(partition, name) for name in sorted({leads[lead] for lead in leads.keys() - there})]

    # --- reading

    async def _behind(self, partition: str, lead: str, select: Sequence[str]) -> Entity | None:
        """The row that an index row leads to; None where that is filed elsewhere by now."""
        found = await self._table.get(partition, row_of(lead), [*_KEYS, "next_due", INDEXED, *select])
        if found is None or not leads_to(lead, found[0]):
            await self._forget(partition, lead)
            return None
        return found[0]

    async def _forget(self, partition: str, lead: str) -> None:
        """Takes an index row away that its row does not name, unless somebody files it there just now."""
        stale = await self._table.get(partition, lead, _KEYS)
        row = await self._table.get(partition, row_of(lead), [*_KEYS, INDEXED])
        if stale and not (row and leads_to(lead, row[0])):
            try:
                await self._table.delete(partition, lead, stale[1])
            except Conflict:
                return

    async def _across(
        self,
        partitions: Sequence[str],
        size: int,
        after: Place | None,
        columns: Sequence[str],
        bounds: Mapping[str, str],
        but: Sequence[str] = (),
        where: tuple[str, Mapping[str, object]] = ("", {}),
    ) -> tuple[list[Entity], Place | None]:
        """A page of the rows between two row keys of each partition, one partition after the other."""
        query = f"PartitionKey eq @partition and {_ROWS}"
        query += " and RowKey lt @last_row" if "last_row" in bounds else ""
        query += "".join(f" and state ne @but{number}" for number, _ in enumerate(but))
        query += f" and {where[0]}" if where[0] else ""
        others: dict[str, object] = {f"but{number}": state for number, state in enumerate(but)} | dict(
            where[1]
        )
        rows: list[Entity] = []
        at, place = _here(after)
        for partition in (p for p in partitions if p >= at):
            if len(rows) >= size:
                return rows, _place(partition)
            values = {"partition": partition, **bounds, **others}
            found, place = await self._table.page(
                query,
                values,
                select=list(columns),
                size=size - len(rows),
                after=place if partition == at else None,
            )
            rows += found
            if place:
                return rows, _place(partition, place)
        return rows, None

    async def _read(
        self,
        size: int,
        after: Place | None,
        columns: Sequence[str],
        *,
        state: str,
        but: Sequence[str],
    ) -> tuple[list[Entity], Place | None]:
        """A page of a table that is not indexed yet."""
        query = "state eq @state" if state else " and ".join(f"state ne @but{n}" for n, _ in enumerate(but))
        values = {"state": state, **{f"but{number}": s for number, s in enumerate(but)}}
        query, everything = self._everything(query, values)
        return await self._table.page(query, everything, select=list(columns), size=size, after=after)

    def _everything(self, query: str, values: Mapping[str, object]) -> tuple[str, dict[str, object]]:
        """A query of all rows, without the index rows."""
        within = "PartitionKey eq @only and " if self._only else ""
        return f"{within}{_ROWS}{' and ' if query else ''}{query}", {
            "only": self._only,
            "first_row": FIRST,
            **values,
        }


_EARLY = datetime(1970, 1, 1, tzinfo=UTC)


def _plain(value: object) -> object:
    """The same for a row that is written and for one that was read: the SDK has times of its own."""
    return value.isoformat() if isinstance(value, datetime) else value


def _checksum(columns: Mapping[str, object]) -> str:
    return f"{crc32(msgspec.json.encode(dict(sorted(columns.items())))):08x}"


def _names(register: Sequence[Entity]) -> list[str]:
    """The partitions that the register names, in order."""
    return sorted(str(row["name"]) for row in register if row["RowKey"] != _WHOLE)


def _second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}"


def _key(partition: str, row: str) -> Entity:
    return {"PartitionKey": partition, "RowKey": row}


def _place(partition: str, following: Place | None = None) -> Place:
    """Where a list goes on that leads through partitions: Azure's own keys tell nobody else which one it was."""
    if following is None:
        return Place(f"{partition} ", None)
    return Place(f"{partition} {following.partition or ''}", following.row)


def _here(place: Place | None) -> tuple[str, Place | None]:
    """The partition, and the place in it."""
    partition, _, inside = ((place and place.partition) or "").partition(" ")
    return partition, Place(inside, place.row) if place and inside else None
