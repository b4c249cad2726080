"""An event subscription: what its Resource Manager body may say, and how Azure shows it again.

Shapes and defaults follow the recordings of `az eventgrid event-subscription`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from local.events.grid import filters
from local.events.grid.filters import Filter
from local.events.grid.retries import RetryPolicy
from local.events.grid.schemas import Schema

type Json = dict[str, object]

SCHEMAS: tuple[Schema, ...] = ("EventGridSchema", "CloudEventSchemaV1_0")


class InvalidSubscription(ValueError):
    """A body that Event Grid refuses; the message is for the caller."""


@dataclass(frozen=True, slots=True)
class DeadLetterContainer:
    """Where undeliverable events go: a container of a storage account."""

    account_id: str
    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSubscription:
    """A validated subscription. `topic` is the scope whose events it gets: a subscription or resource group."""

    id: str
    name: str
    topic: str
    endpoint_url: str
    filter: Filter
    retry_policy: RetryPolicy
    schema: Schema
    dead_letter: DeadLetterContainer | None

    @property
    def endpoint_base_url(self) -> str:
        """The endpoint without its query, which may hold a key."""
        return base_url(self.endpoint_url)

    def covers(self, resource_id: str) -> bool:
        """Whether a resource is the topic's scope or lies inside it."""
        return f"{resource_id}/".lower().startswith(f"{self.topic}/".lower())


def base_url(url: str) -> str:
    """`url` without query and fragment."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def parse(properties: Mapping[str, object], *, id: str, name: str, topic: str) -> EventSubscription:
    """The subscription that the `properties` of a PUT describe. Raises InvalidSubscription."""
    schema = properties.get("eventDeliverySchema") or SCHEMAS[0]
    if schema not in SCHEMAS:
        raise InvalidSubscription(f"The eventDeliverySchema must be one of {', '.join(SCHEMAS)}.")
    try:
        wanted = filters.parse(_object(properties, "filter"))
    except filters.InvalidFilter as error:
        raise InvalidSubscription(str(error)) from error
    return EventSubscription(
        id=id,
        name=name,
        topic=topic,
        endpoint_url=_endpoint_url(_object(properties, "destination")),
        filter=wanted,
        retry_policy=_retry_policy(_object(properties, "retryPolicy")),
        schema=schema,
        dead_letter=_dead_letter(_object(properties, "deadLetterDestination")),
    )


def shown(subscription: EventSubscription, given: Mapping[str, object], provisioning_state: str) -> Json:
    """The `properties` Azure answers with: the given ones, defaults filled in, and no endpoint URL."""
    wanted = subscription.filter
    policy = subscription.retry_policy
    return {
        "topic": subscription.topic,
        "provisioningState": provisioning_state,
        "destination": {
            "endpointType": "WebHook",
            "properties": {
                "endpointUrl": None,
                "endpointBaseUrl": subscription.endpoint_base_url,
                "maxEventsPerBatch": 1,
                "preferredBatchSizeInKilobytes": 64,
            },
        },
        "filter": {
            "subjectBeginsWith": "",
            "subjectEndsWith": "",
            **_object(given, "filter"),
            "includedEventTypes": list(wanted.event_types),
        },
        "labels": given.get("labels"),
        "eventDeliverySchema": subscription.schema,
        "retryPolicy": {
            "maxDeliveryAttempts": policy.max_attempts,
            "eventTimeToLiveInMinutes": policy.time_to_live_minutes,
        },
        **({"deadLetterDestination": given["deadLetterDestination"]} if subscription.dead_letter else {}),
    }


def _object(body: Mapping[str, object], name: str) -> Json:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidSubscription(f"'{name}' must be an object.")
    return cast(Json, value)


def _endpoint_url(destination: Json) -> str:
    if destination.get("endpointType") != "WebHook":
        raise InvalidSubscription(
            "The local Event Grid delivers to destinations of endpointType 'WebHook' only."
        )
    url = _object(destination, "properties").get("endpointUrl")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise InvalidSubscription("The destination needs an endpointUrl.")
    return url


def _retry_policy(body: Json) -> RetryPolicy:
    default = RetryPolicy()
    attempts = body.get("maxDeliveryAttempts", default.max_attempts)
    minutes = body.get("eventTimeToLiveInMinutes", default.time_to_live_minutes)
    if not isinstance(attempts, int) or not 1 <= attempts <= default.max_attempts:
        raise InvalidSubscription(f"maxDeliveryAttempts must be between 1 and {default.max_attempts}.")
    if not isinstance(minutes, int) or not 1 <= minutes <= default.time_to_live_minutes:
        raise InvalidSubscription(
            f"eventTimeToLiveInMinutes must be between 1 and {default.time_to_live_minutes}."
        )
    return RetryPolicy(attempts, minutes)


def _dead_letter(body: Json) -> DeadLetterContainer | None:
    if not body:
        return None
    target = _object(body, "properties")
    account, container = target.get("resourceId"), target.get("blobContainerName")
    if body.get("endpointType") != "StorageBlob" or not account or not container:
        raise InvalidSubscription(
            "A deadLetterDestination is a StorageBlob with resourceId and blobContainerName."
        )
    return DeadLetterContainer(str(account), str(container))
