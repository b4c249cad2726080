"""What Resource Manager did: the source of its activity log and of Event Grid's resource events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

type OperationKind = Literal["Write", "Delete", "Action"]
type Outcome = Literal["Success", "Failure", "Cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedOperation:
    """One write, delete or action that has ended; long operations are reported when they end, not before.

    `resource_id` is spelled as the request spelled it. `principal` holds the claims of the caller's token:
    Azure puts them into the event, so they are here, and they are for events only, never for a log.
    """

    time: datetime
    subscription_id: str
    resource_group: str | None
    resource_id: str
    operation_name: str
    kind: OperationKind
    outcome: Outcome
    status_code: int
    correlation_id: str
    principal: Mapping[str, object]
    http_method: str
    http_url: str
    api_version: str


type Subscriber = Callable[[CompletedOperation], None]


class Feed:
    """Hands each completed operation to every subscriber, in the order in which operations completed.

    Subscribers run inside Resource Manager's event loop and must return at once: take the operation, put
    it on a queue, deliver it from a task of your own.
    """

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every operation from now on; the returned function ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def publish(self, operation: CompletedOperation) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(operation)
