"""Delivery of events to subscriptions: at least once, with retries, dead letters and, on request, disorder."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from local.events.grid import dead_letters, retries
from local.events.grid.dead_letters import DeadLetters
from local.events.grid.retries import GiveUp, Outcome, Retry
from local.events.grid.schemas import Event
from local.events.grid.subscriptions import EventSubscription
from local.events.grid.webhook import Webhook

_log = logging.getLogger(__name__)


class Disturbances(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a test asks for beyond calm delivery. Seconds here are real ones, `time_scale` does not shrink them."""

    # Every wait of the retry schedule, time to live and the dead-letter delay are multiplied by this.
    time_scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    # Each event is delivered this many times more, with the same id.
    duplicates: Annotated[int, msgspec.Meta(ge=0)] = 0
    # Each delivery waits a random time between these first.
    delay_seconds: tuple[float, float] = (0.0, 0.0)
    # Events that arrive within the window are delivered in random order.
    reorder: bool = False
    reorder_window_seconds: Annotated[float, msgspec.Meta(gt=0)] = 0.5
    # The share of events that are lost without a trace.
    drop: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    endpoint_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = retries.ENDPOINT_TIMEOUT
    seed: int | None = None


class Counters(msgspec.Struct, rename="camel"):
    """Since the start. `pending` counts deliveries not ended: waiting, on their way, or between attempts."""

    accepted: int = 0
    pending: int = 0
    attempts: int = 0
    delivered: int = 0
    failed_attempts: int = 0
    dead_lettered: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Delivery:
    subscription_id: str
    event: Event
    published: datetime
    attempts: int = 0


type Lookup = Callable[[str], EventSubscription | None]


class DeliveryService:
    """Hands accepted events to their webhooks from tasks of its own. What is pending at `stop` is lost."""

    def __init__(self, webhook: Webhook, lookup: Lookup, letters: DeadLetters | None = None) -> None:
        self.counters = Counters()
        self.disturbances = Disturbances()
        self._webhook = webhook
        self._lookup = lookup
        self.letters = letters
        self._random = random.Random()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[_Delivery] = []

    def disturb(self, disturbances: Disturbances) -> None:
        """Deliver under these disturbances from now on; what is waiting already keeps its wait."""
        self.disturbances = disturbances
        self._webhook.timeout = disturbances.endpoint_timeout_seconds
        self._random.seed(disturbances.seed)

    def submit(self, subscription: EventSubscription, event: Event) -> None:
        """Accept an event for a subscription; returns at once."""
        self.counters.accepted += 1
        if self._random.random() < self.disturbances.drop:
            self.counters.dropped += 1
            return
        for _ in range(1 + self.disturbances.duplicates):
            delivery = _Delivery(subscription.id, event, datetime.now(UTC))
            self.counters.pending += 1
            if self.disturbances.reorder:
                self._hold(delivery)
            else:
                self._start(delivery)

    async def stop(self) -> None:
        """End every delivery where it stands."""
        self._held.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hold(self, delivery: _Delivery) -> None:
        if not self._held:
            window = self.disturbances.reorder_window_seconds
            asyncio.get_running_loop().call_later(window, self._release)
        self._held.append(delivery)

    def _release(self) -> None:
        held, self._held = self._held, []
        self._random.shuffle(held)
        for delivery in held:
            self._start(delivery)

    def _start(self, delivery: _Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._run(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.counters.pending -= 1
        if not task.cancelled() and (error := task.exception()):
            _log.error("a delivery ended with an unexpected error", exc_info=error)

    async def _run(self, delivery: _Delivery) -> None:
        await asyncio.sleep(self._random.uniform(*self.disturbances.delay_seconds))
        # The subscription is read again each time: it may have been changed or deleted between attempts.
        while subscription := self._lookup(delivery.subscription_id):
            outcome = await self._attempt(subscription, delivery)
            if outcome.delivered:
                self.counters.delivered += 1
                return
            match retries.decide(outcome, delivery.attempts, self._age(delivery), subscription.retry_policy):
                case Retry(after):
                    await self._pause(after * self._random.uniform(1.0, 1.1))
                case GiveUp(reason):
                    await self._give_up(subscription, delivery, reason, outcome)
                    return
        self.counters.dropped += 1

    async def _attempt(self, subscription: EventSubscription, delivery: _Delivery) -> Outcome:
        outcome = await self._webhook.deliver(subscription, delivery.event, delivery.attempts)
        delivery.attempts += 1
        self.counters.attempts += 1
        if not outcome.delivered:
            self.counters.failed_attempts += 1
            _log.warning(
                "event %s: attempt %d to %s: %s %s",
                delivery.event["id"],
                delivery.attempts,
                subscription.name,
                outcome.name,
                outcome.status or "",
            )
        return outcome

    async def _give_up(
        self, subscription: EventSubscription, delivery: _Delivery, reason: str, last: Outcome
    ) -> None:
        if subscription.dead_letter is None or self.letters is None:
            self.counters.dropped += 1
            return
        content = dead_letters.blob_content(
            subscription,
            delivery.event,
            reason=reason,
            attempts=delivery.attempts,
            last=last,
            published=delivery.published,
            last_attempt=datetime.now(UTC),
        )
        name = dead_letters.blob_name(subscription, datetime.now(UTC))
        for _ in range(round(retries.DEAD_LETTER_PATIENCE / retries.DEAD_LETTER_DELAY)):
            await self._pause(retries.DEAD_LETTER_DELAY)
            if await self.letters.write(subscription.dead_letter.container, name, content):
                self.counters.dead_lettered += 1
                return
        self.counters.dropped += 1

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.disturbances.time_scale)

    def _age(self, delivery: _Delivery) -> float:
        real = (datetime.now(UTC) - delivery.published).total_seconds()
        return real / self.disturbances.time_scale
