"""What a tally comes to: it is counted, its rule's condition is judged, and the alert is raised."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.alert import Alert
from shared.domain.errors import Denied, Terminal
from shared.ports import Clock
from shared.ports.telemetry import Windows
from shared.telemetry.aggregate import Tally
from shared.telemetry.alerting import Alerting, Firing
from shared.telemetry.evaluate import (
    Verdict,
    Windowed,
    is_telling,
    judge_growing,
    judged_at_end,
    judged_at_once,
)
from shared.telemetry.rule import Absence, Each, Rule
from shared.telemetry.windows import Arrivals, Counted, WindowBook, read_buckets

REST = timedelta(seconds=10)
"""For so long after an alert fired, what its rows say is not asked for again: the timer judges what came meanwhile."""

_REMEMBERED = 10_000


class NotTaken(Terminal):
    """A tally that no try can count, or an alert that none can store; `kept` is what a replay takes up again."""

    def __init__(self, error: Terminal, kept: "Kept") -> None:
        super().__init__(error.reason, error.message, target=error.target)
        self.kept = kept


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of the dead letter of a tally: the tally with its events, or the firing that it had led to."""

    partition: str
    tally: Tally | None = None
    enqueued: dict[int, float] = {}
    firing: Firing | None = None


class Judge:
    """Judges tallies; one for each process, so that it knows the rows that it wrote."""

    def __init__(self, windows: Windows, alerting: Alerting, clock: Clock) -> None:
        self._windows = windows
        self._book = WindowBook(windows, clock)
        self._alerting = alerting
        self._clock = clock
        self._fired: dict[tuple[str, str], datetime] = {}

    async def judge(self, rule: Rule, tally: Tally, arrivals: Arrivals) -> Alert | None:
        """The alert where the condition holds. Repeated without harm: what was counted is not counted again.

        Raises NotTaken where no try can succeed, and what the stores raise.
        """
        if isinstance(rule.condition, Each):
            return await self._fire(firing_of(rule, tally, arrivals))
        tally = telling(rule, tally)
        if not tally.samples:
            return None
        try:
            counted = await self._book.count(rule, tally, arrivals)
        except Denied:
            raise  # a right that is missing is missing for all
        except Terminal as error:
            enqueued = {s: arrivals.enqueued[s] for s in tally.samples}
            raise NotTaken(error, Kept(arrivals.partition, tally, enqueued)) from error
        if isinstance(rule.condition, Absence) or not judged_at_once(rule.condition):
            return None
        place = (counted.row.rule, counted.row.group)
        if self._rests(place):
            return None
        verdict = await self._verdict(rule.condition, counted)
        alert = None
        if verdict:
            alert = await self._fire(firing_of(rule, tally, arrivals, verdict))
            self._fired[place] = self._clock.now()
        if not judged_at_end(rule.condition):
            self._book.judged(counted)
        return alert

    async def _verdict(self, condition: Windowed, counted: Counted) -> Verdict | None:
        row = counted.row
        rows = await self._windows.of(row.rule, row.group)
        others = [read_buckets(other) for other in rows if other.partition != row.partition]
        return judge_growing(condition, [counted.buckets, *others], counted.touched)

    async def _fire(self, firing: Firing) -> Alert:
        try:
            return await self._alerting.fire(firing, self._clock.now())
        except Denied:
            raise
        except Terminal as error:
            raise NotTaken(error, Kept(firing.partition, firing=firing)) from error

    def _rests(self, place: tuple[str, str]) -> bool:
        at = self._fired.get(place)
        if at is None:
            return False
        if timedelta() <= self._clock.now() - at < REST:
            return True
        if len(self._fired) > _REMEMBERED:
            self._fired.clear()
        return False


def telling(rule: Rule, tally: Tally) -> Tally:
    """A tally without what can bring its rule's condition no nearer."""
    samples = {
        sequence: {start: a for start, a in buckets.items() if is_telling(rule.condition, a)}
        for sequence, buckets in tally.samples.items()
    }
    return msgspec.structs.replace(tally, samples={s: buckets for s, buckets in samples.items() if buckets})


def firing_of(rule: Rule, tally: Tally, arrivals: Arrivals, verdict: Verdict | None = None) -> Firing:
    """What raises the alert of a tally: its own records, or what a window came to with them."""
    counts = {
        sequence: (sum(a.count for a in buckets.values()), arrivals.enqueued[sequence])
        for sequence, buckets in tally.samples.items()
    }
    return Firing(
        rule=rule,
        group=tally.group,
        node=tally.node,
        domain=tally.group.split("\n", 1)[0] if rule.group_by == "domain" else "",
        resource=tally.resource,
        category=tally.category,
        operation=tally.operation,
        first_at=verdict.first_at if verdict else tally.first_at,
        last_at=verdict.last_at if verdict else tally.last_at,
        partition=arrivals.partition,
        counts=counts,
        total=verdict.total if verdict else None,
    )
