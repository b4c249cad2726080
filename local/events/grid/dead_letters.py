"""Undeliverable events, written as blobs the way Event Grid writes them."""

import json
import logging
import uuid
from datetime import datetime
from typing import Protocol

from azure.core.exceptions import AzureError
from azure.storage.blob.aio import BlobServiceClient

from local.events.grid.retries import Outcome
from local.events.grid.schemas import Event, as_cloud_event, timestamp
from local.events.grid.subscriptions import EventSubscription

_log = logging.getLogger(__name__)


class DeadLetters(Protocol):
    """Where dead letters go."""

    async def write(self, container: str, name: str, content: bytes) -> bool:
        """Whether the blob is written; False when the storage cannot be reached or has no such container."""

    async def close(self) -> None: ...


class BlobDeadLetters:
    """Dead letters in a blob service. Every storage account id means this one service, as Azurite is one."""

    def __init__(self, connection_string: str) -> None:
        self._service = BlobServiceClient.from_connection_string(connection_string, retry_total=0)

    async def write(self, container: str, name: str, content: bytes) -> bool:
        try:
            await self._service.get_blob_client(container, name).upload_blob(content)
        except AzureError as error:
            _log.warning("dead letter not written to container %s: %s", container, type(error).__name__)
            return False
        return True

    async def close(self) -> None:
        await self._service.close()


def blob_name(subscription: EventSubscription, moment: datetime) -> str:
    """`{SUBSCRIPTION NAME}/{year}/{month}/{day}/{hour}/{guid}.json`: upper case, UTC, nothing padded."""
    when = f"{moment.year}/{moment.month}/{moment.day}/{moment.hour}"
    return f"{subscription.name.upper()}/{when}/{uuid.uuid4()}.json"


def blob_content(
    subscription: EventSubscription,
    event: Event,
    *,
    reason: str,
    attempts: int,
    last: Outcome,
    published: datetime,
    last_attempt: datetime,
) -> bytes:
    """An array with the one event, in the subscription's schema, and why it was not delivered."""
    facts: Event = {
        "deadLetterReason": reason,
        "deliveryAttempts": attempts,
        "lastDeliveryOutcome": last.name,
        "lastHttpStatusCode": last.status or 0,
        "publishTime": timestamp(published),
        "lastDeliveryAttemptTime": timestamp(last_attempt),
    }
    if subscription.schema == "CloudEventSchemaV1_0":
        event = as_cloud_event(event)
        facts = {name.lower(): value for name, value in facts.items()}
    return json.dumps([{**event, **facts}]).encode()
