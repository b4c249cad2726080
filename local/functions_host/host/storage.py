"""Storage connections that bindings name: a connection string, or service URIs with a managed identity.

Source: https://learn.microsoft.com/azure/azure-functions/functions-reference (Connections).
"""

import base64
from typing import Literal

from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.functions_host.host.settings import AppSettings, ConfigurationError

DEFAULT_CONNECTION = "AzureWebJobsStorage"

# What `UseDevelopmentStorage=true` stands for; the account and key are the storage emulator's published ones.
_DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


class Connections:
    """Clients by connection name, made on first use and closed together."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._credential: DefaultAzureCredential | None = None
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: dict[str, BlobServiceClient] = {}

    async def close(self) -> None:
        """Close every client that was made."""
        for queues in self._queues.values():
            await queues.close()
        for blobs in self._blobs.values():
            await blobs.close()
        if self._credential:
            await self._credential.close()

    def queues(self, connection: str = DEFAULT_CONNECTION) -> QueueServiceClient:
        """The queue service behind a connection name. Raises ConfigurationError when nothing is set for it."""
        if connection not in self._queues:
            found = self._connection_string(connection)
            self._queues[connection] = (
                QueueServiceClient.from_connection_string(found)
                if found
                else QueueServiceClient(self._uri(connection, "queue"), credential=self.credential())
            )
        return self._queues[connection]

    def blobs(self, connection: str = DEFAULT_CONNECTION) -> BlobServiceClient:
        """The blob service behind a connection name. Raises ConfigurationError when nothing is set for it."""
        if connection not in self._blobs:
            found = self._connection_string(connection)
            self._blobs[connection] = (
                BlobServiceClient.from_connection_string(found)
                if found
                else BlobServiceClient(self._uri(connection, "blob"), credential=self.credential())
            )
        return self._blobs[connection]

    def credential(self) -> DefaultAzureCredential:
        """The identity that connections without a secret use."""
        if self._credential is None:
            self._credential = DefaultAzureCredential()
        return self._credential

    def _connection_string(self, connection: str) -> str | None:
        found = self._settings.get(f"AzureWebJobs{connection}") or self._settings.get(connection)
        return _DEVELOPMENT if found and "usedevelopmentstorage=true" in found.lower() else found

    def _uri(self, connection: str, service: Literal["queue", "blob"]) -> str:
        account = self._settings.get(f"{connection}__accountName")
        uri = self._settings.get(f"{connection}__{service}ServiceUri") or (
            account and f"https://{account}.{service}.core.windows.net"
        )
        if not uri:
            raise ConfigurationError(
                f"connection '{connection}' is not set: "
                f"neither '{connection}' nor '{connection}__{service}ServiceUri' has a value"
            )
        return uri


def encode_message(body: bytes, encoding: str) -> str:
    """A queue message's text under host.json's messageEncoding."""
    return base64.b64encode(body).decode() if encoding == "base64" else body.decode()


def decode_message(text: str, encoding: str) -> bytes:
    """The inverse. Raises ValueError when the text is not base64."""
    return base64.b64decode(text, validate=True) if encoding == "base64" else text.encode()
