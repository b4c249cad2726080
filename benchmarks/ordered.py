"""Tables in memory, kept in the order of their keys as Table Storage keeps them, that count what a read costs there.

Design for querying ("Azure Table storage table design guide"): a point query finds its row at once, a range query
reads the rows between two row keys of one partition, a partition scan every row of it, and a table scan all; a filter
on any other column leaves rows out of the answer after they were read. Azurite looks at every row of a table for every
query, whatever it asks for, so it cannot tell these apart.
"""

from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import eq, ge, le, lt, ne

from shared.adapters.storage import StorageConnection
from shared.adapters.tables.continuation import Place
from shared.adapters.tables.table import PAGE, Entity, Step, Table, TableStorage
from shared.domain.errors import Conflict, NotFound

type Key = tuple[str, str]
type Condition = tuple[str, str, object]

_OPERATORS: Mapping[str, Callable[..., object]] = {
    "eq": eq,
    "ne": ne,
    "ge": ge,
    "le": le,
    "lt": lt,
}
_LAST = chr(0x10FFFF)


@dataclass(slots=True)
class Cost:
    """Point reads and queries that were sent, and the rows that the service read to answer them."""

    points: int = 0
    queries: int = 0
    rows: int = 0


class OrderedStorage(TableStorage):
    """`cost` grows with every read; whoever measures sets it back."""

    def __init__(self) -> None:
        super().__init__(StorageConnection())
        self.cost = Cost()
        self.tables: dict[str, OrderedTable] = {}

    def table(self, name: str) -> "OrderedTable":
        return self.tables.setdefault(name, OrderedTable(self, name))


class OrderedTable(Table):
    """Table. One that nobody wrote to is empty."""

    def __init__(self, storage: OrderedStorage, name: str) -> None:
        super().__init__(storage, name)
        self._ordered = storage
        self._keys: list[Key] = []
        self._rows: dict[Key, tuple[Entity, str]] = {}
        self._versions = count(1)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Entity]:
        """Its rows in the order of their keys."""
        return (self._rows[key][0] for key in self._keys)

    async def get(
        self, partition: str, row: str, select: list[str] | None = None
    ) -> tuple[Entity, str] | None:
        self._ordered.cost.points += 1
        self._ordered.cost.rows += 1
        found = self._rows.get((partition, row))
        return (_selected(found[0], select), found[1]) if found else None

    async def insert(self, entity: Entity) -> str:
        self._check("create", entity, ())
        return self._put(entity)

    async def replace(self, entity: Entity, etag: str) -> str:
        self._check("update", entity, (etag,))
        return self._put(entity)

    async def delete(self, partition: str, row: str, etag: str) -> None:
        await self.transact([("delete", {"PartitionKey": partition, "RowKey": row}, etag)])

    async def transact(self, steps: Sequence[Step], *, again: bool = False) -> list[str]:
        del again
        for kind, entity, *version in steps:
            self._check(kind, entity, version)
        return [self._take(entity) if kind == "delete" else self._put(entity) for kind, entity, *_ in steps]

    async def page(
        self,
        query: str,
        values: Mapping[str, object],
        *,
        select: list[str] | None = None,
        size: int,
        after: Place | None,
    ) -> tuple[list[Entity], Place | None]:
        rows: list[Entity] = []
        place = after
        while True:
            found, place = self._read(query, values, select, min(size - len(rows), PAGE), place)
            rows += found
            if place is None or len(rows) >= size:
                return rows, place

    async def query(
        self, query: str, values: Mapping[str, object], select: list[str]
    ) -> AsyncIterator[Entity]:
        place: Place | None = None
        while True:
            found, place = self._read(query, values, select, PAGE, place)
            for row in found:
                yield row
            if place is None:
                return

    def _read(
        self,
        query: str,
        values: Mapping[str, object],
        select: list[str] | None,
        size: int,
        after: Place | None,
    ) -> tuple[list[Entity], Place | None]:
        """What one request answers, and where the next goes on."""
        conditions = list(_conditions(query, values))
        first, last = _range(conditions)
        start = max(first, (after.partition or "", after.row or "")) if after else first
        cost, found = self._ordered.cost, list[Entity]()
        cost.queries += 1
        for index in range(bisect_left(self._keys, start), len(self._keys)):
            key = self._keys[index]
            if key > last:
                break
            if len(found) == size:
                return found, Place(*key)
            cost.rows += 1
            entity = self._rows[key][0]
            if all(name in entity and _OPERATORS[o](entity[name], value) for name, o, value in conditions):
                found.append(_selected(entity, select))
        return found, None

    def _check(self, kind: str, entity: Entity, version: Sequence[str]) -> None:
        there = self._rows.get(_key(entity))
        if kind == "create" and there:
            raise Conflict("EntityAlreadyExists", "there is such a row already", target=str(_key(entity)))
        if kind in ("update", "delete") and there is None:
            raise NotFound("ResourceNotFound", "there is no such row", target=str(_key(entity)))
        if version and there and version[0] != there[1]:
            raise Conflict("UpdateConditionNotSatisfied", "the row has changed", target=str(_key(entity)))

    def _take(self, entity: Entity) -> str:
        del self._rows[_key(entity)]
        del self._keys[bisect_left(self._keys, _key(entity))]
        return ""

    def _put(self, entity: Entity) -> str:
        key, etag = _key(entity), f'W/"{next(self._versions)}"'
        if key not in self._rows:
            insort(self._keys, key)
        self._rows[key] = (entity, etag)
        return etag


def _key(entity: Entity) -> Key:
    return str(entity["PartitionKey"]), str(entity["RowKey"])


def _selected(entity: Entity, select: list[str] | None) -> Entity:
    return entity if select is None else {name: entity[name] for name in select if name in entity}


def _conditions(query: str, values: Mapping[str, object]) -> Iterator[Condition]:
    """What the stores ask for: comparisons joined by `and`, with a parameter or `false` on the right."""
    for comparison in query.split(" and "):
        name, operator, value = comparison.split()
        yield name, operator, values[value[1:]] if value.startswith("@") else {"false": False}[value]


def _range(conditions: Sequence[Condition]) -> tuple[Key, Key]:
    """Between which keys the rows lie that a query can find."""
    asked = {(name, operator): str(value) for name, operator, value in conditions}
    partition = asked.get(("PartitionKey", "eq"))
    if partition is None:
        return ("", ""), (_LAST, _LAST)
    last = asked.get(("RowKey", "le"), asked.get(("RowKey", "lt"), _LAST))
    return (partition, asked.get(("RowKey", "ge"), "")), (partition, last)
