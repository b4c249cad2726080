"""One table: reads, conditional writes and pages, with our errors; it is created by the first write that misses it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from shared.adapters.proxies import through_a_proxy
from shared.adapters.storage import (
    BACKOFF,
    CONNECTION_TIMEOUT,
    READ_TIMEOUT,
    RETRIES,
    StorageConnection,
    StorageErrors,
    needed,
)
from shared.adapters.tables.continuation import Place
from shared.domain.errors import NotFound, Terminal, Transient

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.data.tables.aio import TableClient, TableServiceClient

type Entity = Mapping[str, object]
type Step = (
    tuple[Literal["create", "upsert", "delete"], Entity] | tuple[Literal["update", "delete"], Entity, str]
)
"""One write of a transaction; with an ETag it replaces or deletes that version only."""

ENTITY_LIMIT = 1024 * 1024
PAGE = 1000


class TableStorage:
    """The account's tables over one connection pool; `prefix` sets a test's tables apart."""

    def __init__(
        self,
        connection: StorageConnection,
        credential: "AsyncTokenCredential | None" = None,
        *,
        prefix: str = "",
    ) -> None:
        self._connection = connection
        self._credential = credential
        self._prefix = prefix
        self._service: TableServiceClient | None = None
        self._clients: dict[str, TableClient] = {}

    def table(self, name: str) -> "Table":
        """The table of a name; nothing is asked of the account yet."""
        return Table(self, self._prefix + name)

    def client(self, name: str) -> "TableClient":
        """One for each table: making one costs as much as a request."""
        if name not in self._clients:
            self._clients[name] = self.service().get_table_client(name)
        return self._clients[name]

    def service(self) -> "TableServiceClient":
        """The SDK's client, made on first use."""
        if self._service is None:
            self._service = self._connect()
        return self._service

    async def close(self) -> None:
        if self._service is not None:
            await self._service.close()
            self._service = None
            self._clients.clear()

    def _connect(self) -> "TableServiceClient":
        from azure.data.tables.aio import TableServiceClient

        # The SDK's default of ten tries would outlive a function.
        options: dict[str, Any] = {
            "retry_total": RETRIES,
            "retry_backoff_factor": BACKOFF,
            "connection_timeout": CONNECTION_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "use_env_settings": through_a_proxy(),
        }
        if self._connection.connection_string:
            return TableServiceClient.from_connection_string(self._connection.connection_string, **options)
        endpoint = self._connection.tables_endpoint
        return TableServiceClient(endpoint, credential=needed(self._credential), **options)


class _Pages(Protocol):
    """The SDK's pages as they are; its hints say that tokens are texts."""

    continuation_token: Mapping[str, str | None] | None

    async def __anext__(self) -> AsyncIterator[Entity]: ...


class Table:
    """Rows of one table. Reading a table that does not exist finds nothing."""

    def __init__(self, storage: TableStorage, name: str) -> None:
        self._storage = storage
        self._name = name

    async def get(
        self, partition: str, row: str, select: list[str] | None = None
    ) -> tuple[Entity, str] | None:
        """A row and its ETag."""
        try:
            with StorageErrors(f"{self._name}/{partition}/{row}"):
                found = await (await self._client()).get_entity(partition, row, select=select)
        except NotFound:
            return None
        return found, str(found.metadata["etag"])

    async def insert(self, entity: Entity) -> str:
        """Adds a row and answers its ETag; Conflict where it is there already."""
        check_size(entity)
        no_echo = {"response_preference": "return-no-content"}
        answer = await self._write(entity, lambda client: client.create_entity(dict(entity), **no_echo))
        return str(answer["etag"])

    async def replace(self, entity: Entity, etag: str) -> str:
        """Replaces the version read and answers the new ETag; Conflict where it changed, NotFound where it is gone."""
        from azure.core import MatchConditions
        from azure.data.tables import UpdateMode

        check_size(entity)
        with StorageErrors(self._target(entity)):
            answer = await (await self._client()).update_entity(
                dict(entity), UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
        return str(answer["etag"])

    async def delete(self, partition: str, row: str, etag: str) -> None:
        """Removes the version read; Conflict where it changed. A row that is gone is deleted."""
        from azure.core import MatchConditions

        try:
            with StorageErrors(f"{self._name}/{partition}/{row}"):
                await (await self._client()).delete_entity(
                    partition, row, etag=etag, match_condition=MatchConditions.IfNotModified
                )
        except NotFound:
            return

    async def transact(self, steps: Sequence[Step], *, again: bool = False) -> list[str]:
        """Writes rows of one partition, all or none; no row twice. Conflict where one is not as a step expects it.

        Answers their new ETags, empty for one that was deleted. With `again` it is sent once more where a connection
        broke, as other writes are: where only the answer was lost, that ends in Conflict.
        """
        for step in steps:
            check_size(step[1])
        whole = [_operation(step) for step in steps]
        options = {"retry_on_methods": frozenset({"POST"})} if again else {}
        answers = await self._write(steps[0][1], lambda client: client.submit_transaction(whole, **options))
        return [str(answer.get("etag") or "") for answer in answers]

    async def page(
        self,
        query: str,
        values: Mapping[str, object],
        *,
        select: list[str] | None = None,
        size: int,
        after: Place | None,
    ) -> tuple[list[Entity], Place | None]:
        """Up to `size` rows and where to go on; Azure may answer part of a page, so it is asked until full."""
        rows: list[Entity] = []
        place = after
        while True:
            found, place = await self._part(query, values, select, min(size - len(rows), PAGE), place)
            rows += found
            if place is None or len(rows) >= size:
                return rows, place

    async def query(
        self, query: str, values: Mapping[str, object], select: list[str]
    ) -> AsyncIterator[Entity]:
        """Every row that a filter finds, a thousand a request."""
        place: Place | None = None
        while True:
            found, place = await self._part(query, values, select, PAGE, place)
            for row in found:
                yield row
            if place is None:
                return

    async def _part(
        self,
        query: str,
        values: Mapping[str, object],
        select: list[str] | None,
        size: int,
        after: Place | None,
    ) -> tuple[list[Entity], Place | None]:
        found = (await self._client()).query_entities(
            query, parameters=dict(values), select=select, results_per_page=size
        )
        token = {"PartitionKey": after.partition, "RowKey": after.row} if after else None
        pages = cast(_Pages, found.by_page(cast("str | None", token)))
        try:
            with StorageErrors(self._name):
                rows = [row async for row in await pages.__anext__()]
        except NotFound:
            return [], None
        follow = pages.continuation_token
        return rows, Place(follow["PartitionKey"], follow["RowKey"]) if follow else None

    async def _write[T](self, entity: Entity, send: Callable[["TableClient"], Awaitable[T]]) -> T:
        client = await self._client()
        try:
            with StorageErrors(self._target(entity)):
                return await send(client)
        except NotFound as missing:
            if missing.reason != "TableNotFound":
                raise
        await self._create()
        with StorageErrors(self._target(entity)):
            return await send(client)

    async def _create(self) -> None:
        try:
            with StorageErrors(self._name):
                await (await self._client()).create_table()
        except Transient as error:
            if error.reason != "TableAlreadyExists":
                raise

    async def _client(self) -> "TableClient":
        await self._admitted()
        return self._storage.client(self._name)

    async def _admitted(self) -> None:
        """Raises where the rows must not be touched."""

    def _target(self, entity: Entity) -> str:
        return f"{self._name}/{entity['PartitionKey']}/{entity['RowKey']}"


def _operation(step: Step) -> tuple[str, dict[str, object], dict[str, object]]:
    """A step as the SDK wants it."""
    from azure.core import MatchConditions
    from azure.data.tables import UpdateMode

    kind, entity, *version = step
    # An upsert as well: columns that a row has no more would stay otherwise.
    options: dict[str, object] = {"mode": UpdateMode.REPLACE} if kind in ("update", "upsert") else {}
    if version:
        options |= {"etag": version[0], "match_condition": MatchConditions.IfNotModified}
    return kind, dict(entity), options


def check_size(entity: Entity) -> None:
    """Raises Terminal (`RowTooLarge`), naming the row, where Azure would refuse an entity for its size."""
    size = sum(8 + 2 * len(name) + _size(value) for name, value in entity.items())
    if size > ENTITY_LIMIT:
        message = f"the row would take {size} bytes of the {ENTITY_LIMIT} that a table allows"
        raise Terminal("RowTooLarge", message, target=f"{entity['PartitionKey']}/{entity['RowKey']}")


def _size(value: object) -> int:
    if isinstance(value, bytes):
        return len(value) + 4
    if isinstance(value, str):
        return len(value.encode("utf-16-le")) + 4
    return 8
