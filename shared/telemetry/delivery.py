"""Telling handlers of alerts: at least once, in order for each handler, and whatever becomes of the other handlers.

What is owed lies in the alert's row. It is claimed there (by the row's ETag) before a handler is called, and struck
out once that succeeded: a process that dies in between leaves a claim that runs out, and the handler hears the same
notice id again.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.alert import Alert, Owed, notice_id
from shared.domain.alert_notices import claimed, owing_again, postponed, struck
from shared.domain.alert_states import cleared, noted, told_if_quiet, with_due
from shared.domain.errors import Conflict, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import AlertKey
from shared.ports import Clock, DeadLetter, DeadLetters, History, WorkItem, WorkQueue
from shared.ports.telemetry import AlertStore, Handler, Notice, Silences
from shared.telemetry.alerting import ATTEMPTS, PAUSE
from shared.telemetry.rest import Rest
from shared.telemetry.silencing import CurrentSilences

log = logging.getLogger(__name__)

TRIES = 8
BACKOFF = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Seconds until the next try, as Event Grid waits ("Event Grid message delivery and retry")."""
HANDLER_SECONDS = 20.0
CLAIM_SECONDS = 60.0
LONGEST_WAIT = timedelta(hours=24)  # for a handler that is busy, all in all
SHORTEST_WAIT, LONGEST_PAUSE = 10.0, 600.0
QUEUED_SECONDS = 900.0  # tries further away are left to the timer
GRACE = timedelta(seconds=5)  # a message on the queue gets the first go
EXPIRES = 300.0
REASON_LIMIT = 500
CONCURRENT_MESSAGES = 25


class Told(msgspec.Struct, frozen=True):
    """How telling one handler ended; `error` is None where it took the notice."""

    claim: Owed
    error: MeshError | None = None


class Delivery:
    """Looks after alerts whose time has come: handlers to tell, silences that end, alerts that end by themselves."""

    def __init__(
        self,
        alerts: AlertStore,
        silences: Silences,
        handlers: Mapping[str, Handler],
        history: History,
        dead_letters: DeadLetters,
        queue: WorkQueue,
        clock: Clock,
        draw: random.Random | None = None,
        handler_seconds: float = HANDLER_SECONDS,
    ) -> None:
        self._alerts = alerts
        self._silences = CurrentSilences(silences, clock)
        self._handlers = handlers
        self._history = history
        self._dead_letters = dead_letters
        self._queue = queue
        self._clock = clock
        self._draw = draw or random.Random()
        self._handler_seconds = handler_seconds
        self._rests = {name: Rest() for name in handlers}

    async def visit(self, key: AlertKey) -> float | None:
        """One look at an alert: in how many seconds the next is worth it; None where that is left to the timer.

        Raises what the stores raise; what a handler raises ends in the alert's row.
        """
        alert, claims = await self._take(key.id)
        if alert is None or not claims:
            return None
        told = await asyncio.gather(*(self._tell(alert, claim) for claim in claims))
        alert = await self._settle(alert, told)
        if alert is None or alert.due is None:
            return None
        left = max((alert.due - self._clock.now()).total_seconds(), 0.0)
        return left if left <= QUEUED_SECONDS else None

    async def enqueue_due(self) -> int:
        """Enqueues every alert whose time has come and whose message, if it had one, did not arrive."""
        count = 0
        some: list[str] = []
        async for alert_id in self._alerts.due(self._clock.now() - GRACE):
            count += 1
            some.append(alert_id)
            if len(some) == CONCURRENT_MESSAGES:
                await self._enqueue(some)
                some = []
        await self._enqueue(some)
        return count

    async def _enqueue(self, alert_ids: Sequence[str]) -> None:
        items = (WorkItem(f"alert/{alert_id}", "due") for alert_id in alert_ids)
        await asyncio.gather(*(self._queue.enqueue(item, expires=EXPIRES) for item in items))

    async def give_up(self, key: AlertKey, reason: str) -> None:
        """Keeps an alert as a dead letter that no look came to an end with."""
        letter = DeadLetter(
            id=f"key-alert-{key.id}",
            kind="key",
            at=self._clock.now(),
            reason=reason,
            source=str(key),
            key=str(key),
        )
        await self._dead_letters.add(letter)

    async def replay(self, key: AlertKey, letter: DeadLetter) -> None:
        """Has the alert owe again what a letter says was given up, and looked at.

        Raises NotFound (`AlertNotFound`), Terminal (`NotReplayable`), and Waiting where too many write at once.
        """
        if letter.kind == "delivery":
            await self._owe_again(key.id, letter)
        await self._queue.enqueue(WorkItem(str(key), "replayed"))

    # --- taking what may be told

    async def _take(self, alert_id: str) -> tuple[Alert | None, Sequence[Owed]]:
        """The alert brought up to now, and the claims on it that are ours."""
        for attempt in range(ATTEMPTS):
            stored = await self._alerts.get(alert_id)
            if stored is None:
                return None, ()
            for entry in stored.journal:
                await self._history.append(entry)
            now = self._clock.now()
            current = await self._current(msgspec.structs.replace(stored, journal=()), now)
            # What time changed is told of once it is stored.
            alert, claims = (current, ()) if current.journal else claimed(current, now, CLAIM_SECONDS)
            alert = with_due(alert)
            if alert == stored:
                return stored, ()
            try:
                saved = await self._alerts.save(alert)
            except Conflict:
                await self._clock.sleep(self._draw.uniform(0, PAUSE * attempt))
                continue
            if not saved.journal:
                return saved, claims
        raise Conflict("AlertContended", f"{ATTEMPTS} attempts met other writers", target=alert_id)

    async def _current(self, alert: Alert, now: datetime) -> Alert:
        """The alert after what time alone changes."""
        if alert.resolve_at and alert.resolve_at <= now and alert.state != "Resolved":
            return cleared(alert, f"it has not fired since {alert.last_at.isoformat()}", now)
        if alert.quiet_until is None:
            return alert
        silence = await self._silences.keeping_quiet(alert.node, alert.rule, now)
        return told_if_quiet(alert, now, silence)

    # --- telling

    async def _tell(self, alert: Alert, claim: Owed) -> Told:
        handler, rest = self._handlers.get(claim.handler), self._rests.get(claim.handler)
        if handler is None or rest is None:
            # Other instances may have newer settings already.
            return Told(claim, Transient("HandlerUnknown", f"There is no handler {claim.handler!r}."))
        if claim.attempts > TRIES:
            return Told(claim, Terminal("HandlerDied", "Whoever called it died every time."))
        if rest.refuses(self._clock.now()):
            return Told(claim, Waiting("HandlerRests", "It failed a moment ago and is left alone."))
        error = await self._call(handler, _notice(alert, claim))
        rest.ended(error, self._clock.now())
        return Told(claim, error)

    async def _call(self, handler: Handler, notice: Notice) -> MeshError | None:
        try:
            async with asyncio.timeout(self._handler_seconds):
                await handler.handle(notice)
        except MeshError as error:
            return error
        except TimeoutError:
            return Transient("HandlerSilent", f"No answer within {self._handler_seconds:g} seconds.")
        except Exception as error:
            log.exception("handler %s failed in a way that nobody foresaw", handler.name)
            return Transient("Unforeseen", f"{type(error).__name__}; the log says more.")
        return None

    # --- what came of it

    async def _settle(self, alert: Alert, told: Sequence[Told]) -> Alert | None:
        now = self._clock.now()
        over = [t for t in told if t.error is None or self._is_over(t, now)]
        for each in over:
            if each.error is not None:
                await self._dead_letters.add(_letter(alert, each.claim, each.error, now))
        again = [(t.claim, self._later(t, now)) for t in told if t not in over]
        entry = noted(msgspec.structs.replace(alert, journal=()), "handlers", now, *map(_said, over))
        if over:
            await self._history.append(entry.journal[0])
        for attempt in range(ATTEMPTS):
            stored = await self._alerts.get(alert.id)
            if stored is None:
                return None
            changed = struck(stored, [t.claim for t in over])
            for claim, later in again:
                changed = postponed(changed, claim, later)
            try:
                return await self._alerts.save(with_due(changed))
            except Conflict:
                await self._clock.sleep(self._draw.uniform(0, PAUSE * attempt))
        raise Conflict("AlertContended", f"{ATTEMPTS} attempts met other writers", target=alert.id)

    def _is_over(self, told: Told, now: datetime) -> bool:
        if isinstance(told.error, Waiting):
            return now - told.claim.since > LONGEST_WAIT
        return isinstance(told.error, Terminal) or told.claim.attempts >= TRIES

    def _later(self, told: Told, now: datetime) -> Owed:
        """The claim as what is tried again; waiting for somebody who is busy counts as no try.

        The longer it has waited the less often it asks, so that many who wait for one do not crowd it.
        """
        claim, error = told.claim, told.error
        wait, attempts = BACKOFF[min(claim.attempts, len(BACKOFF)) - 1], claim.attempts
        if isinstance(error, Waiting):
            waited = (now - claim.since).total_seconds()
            wait, attempts = min(max(waited / 2, SHORTEST_WAIT), LONGEST_PAUSE), attempts - 1
        asked = (error.retry_after if error else None) or 0.0
        seconds = max(wait * self._draw.uniform(0.8, 1.2), asked)
        later = now + timedelta(seconds=seconds)
        return msgspec.structs.replace(claim, at=later, attempts=attempts, reason=_brief(error))

    async def _owe_again(self, alert_id: str, letter: DeadLetter) -> None:
        try:
            owed = msgspec.json.decode(letter.body, type=Owed)
        except msgspec.DecodeError as error:
            raise Terminal("NotReplayable", f"It names no notice: {error}.", target=letter.id) from None
        for attempt in range(ATTEMPTS):
            stored = await self._alerts.get(alert_id)
            if stored is None:
                raise NotFound("AlertNotFound", "There is no such alert.", target=alert_id)
            fresh = msgspec.structs.replace(owed, at=self._clock.now(), attempts=0, reason="")
            try:
                await self._alerts.save(with_due(owing_again(stored, fresh)))
                return
            except Conflict:
                await self._clock.sleep(self._draw.uniform(0, PAUSE * attempt))
        raise Waiting("Contended", "Too many write to this alert at once.", target=alert_id)


def _notice(alert: Alert, claim: Owed) -> Notice:
    return Notice(
        id=notice_id(alert.id, claim.episode, claim.transition),
        alert=alert,
        transition=claim.transition,
        at=claim.since,
    )


def _letter(alert: Alert, claim: Owed, error: MeshError, now: datetime) -> DeadLetter:
    return DeadLetter(
        id=f"delivery-{notice_id(alert.id, claim.episode, claim.transition)}-{claim.handler}",
        kind="delivery",
        at=now,
        reason=_brief(error),
        source=claim.handler,
        key=f"alert/{alert.id}",
        node=alert.node,
        body=msgspec.json.encode(claim),
    )


def _said(told: Told) -> str:
    what = f"{told.claim.handler}: {told.claim.transition}"
    return f"{what}, not delivered: {_brief(told.error)}" if told.error else what


def _brief(error: MeshError | None) -> str:
    return f"{error.reason}: {error.message}"[:REASON_LIMIT] if error else ""
