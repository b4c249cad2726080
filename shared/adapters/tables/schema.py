"""What stored rows look like, by number: former versions' rows are migrated in place, and newer ones left alone.

One row (table `meta`) says which schema all rows have (`schema`), which one an app has to know at least to work with
them (`oldest`), and who is migrating until when. No row means the rows of 0.3.0 and before, or none at all.

A migration does not stop the app: readers take rows of both schemas until it is through, and instances of the former
version may go on beside it unless its step says otherwise. Every step may be run again: by an instance that takes over
from one that died, or by two at once where one was believed dead.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from shared.adapters.storage import StorageConnection
from shared.adapters.tables.table import Entity, Table, TableStorage
from shared.domain.errors import Conflict, NotFound, Terminal
from shared.ports import Clock

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

FIRST = 1
_PARTITION, _ROW = "state", "schema"
_KNOWN_FOR = timedelta(seconds=60)  # a newer version that starts beside this one is noticed so soon
_HELD_FOR = timedelta(seconds=300)


class Step(msgspec.Struct, frozen=True):
    """What makes the rows of the schema before into those of `schema`, and answers how many it changed.

    `oldest` is the schema that an app has to know to work with rows that a part of this step was done to.
    """

    schema: int
    what: str
    run: Callable[[], Awaitable[int]]
    oldest: int = FIRST


class Standing(msgspec.Struct, frozen=True):
    """The row: `by` is the version of the app that wrote it last; `holder` migrates until `until`."""

    schema: int = FIRST
    oldest: int = FIRST
    by: str = ""
    holder: str = ""
    until: datetime | None = None


class StateSchema:
    """The schema of the account's rows, as one instance sees it."""

    def __init__(self, table: Table, clock: Clock, version: str) -> None:
        self._table = table
        self._clock = clock
        self._version = version
        self._steps: tuple[Step, ...] = ()
        self._checked: datetime | None = None
        self._through = False

    def learn(self, steps: Sequence[Step]) -> None:
        """The steps that this app knows, in order; they need the tables, which need this."""
        self._steps = tuple(steps)

    @property
    def known(self) -> int:
        return max((step.schema for step in self._steps), default=FIRST)

    async def standing(self) -> Standing:
        """What the row says. Raises Terminal (`StateTooNew`) where this app does not know enough to touch any row."""
        return (await self._read())[0]

    async def check(self) -> None:
        """As `standing`, at most once a minute."""
        now = self._clock.now()
        if self._checked is None or not timedelta() <= now - self._checked < _KNOWN_FOR:
            await self._read()
            self._checked = now

    async def migrate(self) -> int:
        """Brings all rows to the schema that this app knows, unless somebody else is at it; how many it changed.

        Raises what the steps raise: the next call goes on. Raises Terminal (`StateTooNew`).
        """
        if self._through:
            return 0
        standing, etag = await self._read()
        steps = [step for step in self._steps if step.schema > standing.schema]
        if not steps:
            self._through = True
            return 0
        now = self._clock.now()
        if standing.until and standing.until > now:
            return 0
        changed, mine = 0, str(uuid4())
        try:
            for step in steps:
                oldest = max(standing.oldest, step.oldest)
                held = Standing(standing.schema, oldest, self._version, mine, self._clock.now() + _HELD_FOR)
                etag = await self._write(held, etag)
                changed += await step.run()
                standing = Standing(step.schema, oldest, self._version)
                etag = await self._write(standing, etag)
        except Conflict:
            return changed  # somebody else took over, or was first
        self._through = True
        return changed

    async def _read(self) -> tuple[Standing, str]:
        """The row and its ETag, empty where there is none."""
        found = await self._table.get(_PARTITION, _ROW)
        if found is None:
            return Standing(), ""
        entity, etag = found
        standing = _standing(entity)
        if standing.oldest > self.known:
            message = (
                f"version {standing.by} migrated the stored rows to a schema that this version {self._version} does "
                f"not know ({standing.oldest}; it knows {self.known}). Deploy version {standing.by} or a later one."
            )
            raise Terminal("StateTooNew", message)
        return standing, etag

    async def _write(self, standing: Standing, etag: str) -> str:
        """Raises Conflict where somebody else wrote first."""
        given = {n: v for n, v in msgspec.structs.asdict(standing).items() if v is not None}
        entity: Entity = {"PartitionKey": _PARTITION, "RowKey": _ROW, **given}
        if not etag:
            return await self._table.insert(entity)
        try:
            return await self._table.replace(entity, etag)
        except NotFound as gone:
            raise Conflict("SchemaGone", "the row was removed since it was read") from gone


def _standing(entity: Entity) -> Standing:
    until = entity.get("until")
    return Standing(
        int(str(entity["schema"])),
        int(str(entity["oldest"])),
        str(entity["by"]),
        str(entity["holder"]),
        until if isinstance(until, datetime) else None,
    )


class GuardedStorage(TableStorage):
    """The account's tables for an app of a version: all are closed to it where their rows are too new for it."""

    def __init__(
        self,
        connection: StorageConnection,
        credential: "AsyncTokenCredential | None",
        clock: Clock,
        version: str,
        *,
        prefix: str = "",
    ) -> None:
        super().__init__(connection, credential, prefix=prefix)
        self.schema = StateSchema(super().table("meta"), clock, version)

    def table(self, name: str) -> Table:
        return _GuardedTable(self, self._prefix + name, self.schema)


class _GuardedTable(Table):
    def __init__(self, storage: TableStorage, name: str, schema: StateSchema) -> None:
        super().__init__(storage, name)
        self._schema = schema

    async def _admitted(self) -> None:
        await self._schema.check()


class SchemaProbe:
    """Says which schema the rows have, or why this version must not touch them."""

    name = "state"

    def __init__(self, schema: StateSchema) -> None:
        self._schema = schema

    async def check(self) -> str:
        standing = await self._schema.standing()
        if standing.schema < self._schema.known:
            return f"Rows of schema {standing.schema} are to be migrated to {self._schema.known}."
        return f"Rows are of schema {standing.schema}."
