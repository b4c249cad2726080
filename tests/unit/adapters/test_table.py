"""A table over a connection that breaks: what is sent once more, and what is not."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.adapters.storage import RETRIES, StorageConnection
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Transient

ROW = {"PartitionKey": "p", "RowKey": "r"}


@asynccontextmanager
async def breaking(requests: list[str]) -> AsyncIterator[StorageConnection]:
    """Storage that closes every connection once it has read the first line of a request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readline()).decode().split(" ")[0])
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        key = b64encode(b"k" * 64).decode()
        yield StorageConnection(
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={key};TableEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        )


@pytest.mark.parametrize(("again", "times"), [(False, 1), (True, 1 + RETRIES)])
async def test_a_transaction_is_sent_again_only_where_whoever_sent_it_says_so(
    again: bool, times: int
) -> None:
    """Its answer may be what was lost: then the second one meets what the first has written."""
    requests: list[str] = []
    async with breaking(requests) as connection:
        storage = TableStorage(connection)
        with pytest.raises(Transient):
            await storage.table("things").transact([("upsert", ROW)], again=again)
        await storage.close()
    assert requests == ["POST"] * times
