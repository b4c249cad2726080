"""Raising and clearing alerts: one alert for each rule and group, however many instances see it."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from random import uniform

import msgspec

from shared.domain.alert import Alert, Occurrence
from shared.domain.alert_states import cleared, fired, with_due
from shared.domain.errors import Conflict, MeshError
from shared.domain.ids import name_of
from shared.ports import Clock, WorkItem, WorkQueue
from shared.ports.telemetry import AlertStore, Silences
from shared.telemetry.rule import Rule
from shared.telemetry.silencing import CurrentSilences

log = logging.getLogger(__name__)

ATTEMPTS = 20
PAUSE = 0.02  # seconds; grows with the attempts
SHOWN = 256  # characters of a title, a category or an operation that an alert keeps
LONGEST = 2048  # of a group or an id
NOBODY = "(address)"
# A rule may dedupe by a caller; of guests too, whose own address stands before `#EXT#@`.
_ADDRESS = re.compile(r"[\w.+#-]{1,128}@[\w-]{1,128}\.[\w.-]{1,255}")
AHEAD_SECONDS = 86_400.0  # that clocks of services may be ahead of ours


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule found about one group.

    `counts` are the matching records of each event by its sequence number in `partition`, with the time it was
    enqueued: what the alert counted before is left out. Where there are none (a timer judged windows), it is news
    where `last_at` is later than what the alert knows. `total` is what a window came to, and then the alert's count.
    Times of records in seconds since 1970.
    """

    rule: Rule
    group: str
    node: str
    resource: str
    first_at: float
    last_at: float
    domain: str = ""
    category: str = ""
    operation: str = ""
    partition: str = ""
    counts: dict[int, tuple[int, float]] = {}
    total: int | None = None


def alert_id(rule: str, group: str) -> str:
    """The deduplication key of a rule and a group: 32 hexadecimal digits."""
    return sha256(f"{rule}\n{group}".encode(errors="replace")).hexdigest()[:32]


class Alerting:
    """Raises alerts and has their handlers told; one for each process."""

    def __init__(self, alerts: AlertStore, silences: Silences, queue: WorkQueue, clock: Clock) -> None:
        self._alerts = alerts
        self._queue = queue
        self._clock = clock
        self._silences = CurrentSilences(silences, clock)

    async def fire(self, firing: Firing, now: datetime) -> Alert:
        """The alert as it is stored then; nothing is written where the firing is no news.

        Raises Conflict (`AlertContended`) where too many write at once, and what the stores raise: fire it again.
        """
        found = occurrence_of(firing, now)
        silence = await self._silences.keeping_quiet(found.node, found.rule, now)

        def change(stored: Alert | None) -> Alert | None:
            return fired(stored, found, now, silence)

        alert = await self._changed(found.id, change)
        assert alert is not None
        return alert

    async def clear(self, alert_id: str, reason: str, now: datetime) -> None:
        """Resolves an alert whose condition holds no longer. Nothing where there is none, or it is Resolved.

        Raises as `fire`.
        """
        await self._changed(alert_id, lambda stored: stored and cleared(stored, reason, now))

    async def _changed(self, key: str, change: Callable[[Alert | None], Alert | None]) -> Alert | None:
        for attempt in range(ATTEMPTS):
            stored = await self._alerts.get(key)
            alert = change(stored)
            if alert is None or alert is stored:
                return alert
            try:
                saved = await self._alerts.save(with_due(alert))
            except Conflict:
                await self._clock.sleep(uniform(0, PAUSE * attempt))  # by chance, so that writers fall apart
                continue
            if _tells_more(saved, stored):
                await self._announce(saved)
            return saved
        raise Conflict("AlertContended", f"{ATTEMPTS} attempts met other writers", target=key)

    async def _announce(self, alert: Alert) -> None:
        """Has somebody told what there is to tell; the timer finds what no message told of."""
        try:
            await self._queue.enqueue(WorkItem(f"alert/{alert.id}", "alert"))
        except MeshError as error:
            log.warning("alert %s waits for the timer: %s", alert.id, error.reason)


def occurrence_of(firing: Firing, now: datetime) -> Occurrence:
    """What raises the alert: the firing with what its rule says is to follow.

    An alert of a domain belongs to no node. What records say of themselves is kept within bounds: nothing happened
    much later than now, and every text can be written.
    """
    rule = firing.rule
    node = "" if rule.group_by == "domain" else firing.node
    subject = firing.domain or name_of(firing.resource or firing.node)
    return Occurrence(
        id=alert_id(rule.name, firing.group),
        rule=rule.name,
        group=_kept(firing.group, LONGEST),
        node=node,
        domain=_kept(firing.domain, SHOWN),
        resource=_kept(firing.resource, LONGEST),
        severity=rule.severity,
        title=_kept(f"{rule.title}: {subject}", SHOWN),
        category=_kept(firing.category, SHOWN),
        operation=_kept(firing.operation, SHOWN),
        first_at=_by(firing.first_at, now),
        last_at=_by(firing.last_at, now),
        partition=firing.partition,
        counts=firing.counts,
        total=firing.total,
        cool_down=rule.cool_down,
        auto_resolve=rule.auto_resolve,
        handlers=rule.handlers,
    )


def _tells_more(saved: Alert, stored: Alert | None) -> bool:
    """Whether there is something to tell for which nobody is on the way yet."""
    journal, owed = (stored.journal, stored.owed) if stored else ((), ())
    return len(saved.journal) > len(journal) or bool(set(saved.owed) - set(owed))


def _kept(text: str, longest: int) -> str:
    """As much of a text as is kept, without halves of characters and without people's addresses."""
    shown = _ADDRESS.sub(NOBODY, text[: 2 * longest]) if "@" in text else text
    return shown[:longest].encode(errors="replace").decode()


def _by(seconds: float, now: datetime) -> datetime:
    # The comparison holds for no NaN either.
    if 0.0 <= seconds <= now.timestamp() + AHEAD_SECONDS:
        return datetime.fromtimestamp(seconds, UTC)
    return datetime.fromtimestamp(0.0, UTC) if seconds < 0.0 else now
