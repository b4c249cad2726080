"""What Event Grid says to a webhook: the handshake when a subscription is made, then events."""

import json
import ssl
import uuid
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp

from local.events.grid import retries
from local.events.grid.retries import Outcome
from local.events.grid.schemas import Event, as_cloud_event, timestamp
from local.events.grid.subscriptions import EventSubscription

ORIGIN = "eventgrid.azure.net"
_AT_ONCE = 64


class HandshakeFailed(Exception):
    """The endpoint did not show that it wants events; the message is Azure's."""


class Webhook:
    """A pool of connections to every endpoint. Use as an async context manager."""

    def __init__(self) -> None:
        self.timeout = retries.ENDPOINT_TIMEOUT
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the pool. `SSL_CERT_FILE` says which authorities are trusted, as for every client."""
        connector = aiohttp.TCPConnector(limit=_AT_ONCE, ssl=ssl.create_default_context())
        self._session = aiohttp.ClientSession(connector=connector)

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def validate(self, subscription: EventSubscription) -> None:
        """The handshake of the subscription's schema. Raises HandshakeFailed.

        The asynchronous handshake (a `validationUrl` for a person to visit) is not offered.
        """
        if subscription.schema == "CloudEventSchemaV1_0":
            await self._validate_by_options(subscription)
        else:
            await self._validate_by_event(subscription)

    async def deliver(self, subscription: EventSubscription, event: Event, earlier_attempts: int) -> Outcome:
        """One attempt to hand over one event, which is in the Event Grid schema; never raises for the endpoint."""
        headers = {
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(earlier_attempts),
            "aeg-event-type": "Notification",
        }
        body: object = [event]
        if subscription.schema == "CloudEventSchemaV1_0":
            body = as_cloud_event(event)
            headers |= {"Content-Type": "application/cloudevents+json; charset=utf-8", "Origin": ORIGIN}
        else:
            headers |= {
                "Content-Type": "application/json; charset=utf-8",
                "aeg-data-version": str(event["dataVersion"]),
                "aeg-metadata-version": str(event["metadataVersion"]),
            }
        try:
            status, _ = await self._post(subscription.endpoint_url, body, headers)
        except TimeoutError:
            return retries.TIMED_OUT
        except aiohttp.ClientError:
            return retries.UNREACHABLE
        return retries.answered(status)

    async def _validate_by_event(self, subscription: EventSubscription) -> None:
        code = str(uuid.uuid4()).upper()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": "0",
            "aeg-event-type": "SubscriptionValidation",
            "aeg-data-version": "2",
            "aeg-metadata-version": "1",
        }
        event = _validation_event(subscription.topic, code)
        try:
            status, answer = await self._post(subscription.endpoint_url, [event], headers)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _failed(subscription, "Http POST request failed with response code Unknown") from error
        if status != HTTPStatus.OK:
            raise _failed(subscription, f"Http POST request failed with response code {_phrase(status)}")
        if not _echoes(answer, code):
            raise _failed(subscription, "Http POST response does not hold the expected validationResponse")

    async def _validate_by_options(self, subscription: EventSubscription) -> None:
        try:
            async with self._opened().options(
                subscription.endpoint_url,
                headers={"WebHook-Request-Origin": ORIGIN},
                timeout=aiohttp.ClientTimeout(total=self.timeout),
            ) as response:
                allowed = response.headers.get("WebHook-Allowed-Origin", "")
                status = response.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _failed(subscription, "Http OPTIONS request failed with response code Unknown") from error
        if status != HTTPStatus.OK or allowed not in ("*", ORIGIN):
            raise _failed(subscription, f"Http OPTIONS request retrieved response code {_phrase(status)}")

    async def _post(self, url: str, body: object, headers: dict[str, str]) -> tuple[int, bytes]:
        # Redirects are not followed: only a 2xx of the endpoint itself counts as delivered.
        async with self._opened().post(
            url,
            data=json.dumps(body).encode(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            allow_redirects=False,
        ) as response:
            return response.status, await response.read()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The webhook client is used before start() or after stop().")
        return self._session


def _validation_event(topic: str, code: str) -> Event:
    return {
        "id": str(uuid.uuid4()),
        "topic": topic,
        "subject": "",
        "data": {"validationCode": code},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": timestamp(datetime.now(UTC)),
        "metadataVersion": "1",
        "dataVersion": "2",
    }


def _echoes(answer: bytes, code: str) -> bool:
    try:
        body: object = json.loads(answer)
    except ValueError:
        return False
    return isinstance(body, dict) and str(body.get("validationResponse", "")).upper() == code


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.title().replace(" ", "")
    except ValueError:
        return str(status)


def _failed(subscription: EventSubscription, what: str) -> HandshakeFailed:
    now = datetime.now(UTC)
    moment = f"{now.month}/{now.day}/{now.year} {now:%I:%M:%S %p}"
    # "troublehooting" is Azure's spelling.
    return HandshakeFailed(
        f"Webhook validation handshake failed for {subscription.endpoint_base_url}. {what}. "
        f"For troublehooting, visit https://aka.ms/esvalidation. "
        f"Activity id:{uuid.uuid4()}, timestamp: {moment} (UTC)."
    )
