"""What the timer judges: spans that are over, and what a writer may not have lived to judge."""

import logging
from asyncio import Semaphore, gather
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from shared.domain.errors import Conflict, MeshError
from shared.ports import Clock
from shared.ports.telemetry import Window, Windows
from shared.telemetry.alerting import Alerting, Firing
from shared.telemetry.evaluate import (
    Buckets,
    Verdict,
    Windowed,
    judge_ended,
    judge_growing,
    judged_at_end,
    judged_at_once,
    span_of,
    wait_of,
)
from shared.telemetry.rule import Absence, Each, Rule
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.windows import read_buckets

log = logging.getLogger(__name__)

AT_ONCE = 16


class Closing:
    """Judges the rows that are due, group by group, and removes those that nobody needs."""

    def __init__(self, rules: Rulebook, windows: Windows, alerting: Alerting, clock: Clock) -> None:
        self._rules = rules
        self._windows = windows
        self._alerting = alerting
        self._clock = clock

    async def judge_due(self) -> int:
        """How many groups were due. One that fails is due again, and the others go on; raises the first failure."""
        due = [place async for place in self._windows.due(self._clock.now())]
        limit = Semaphore(AT_ONCE)

        async def judge(place: tuple[str, str]) -> None:
            async with limit:
                await self._judge(*place)

        outcomes = await gather(*map(judge, due), return_exceptions=True)
        for place, outcome in zip(due, outcomes, strict=True):
            if isinstance(outcome, MeshError):
                log.warning("%s is judged later: %s", place[0], outcome.reason)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(due)

    async def _judge(self, key: str, group: str) -> None:
        rows = await self._windows.of(key, group)
        rule, now = self._rules.by_key.get(key), self._clock.now()
        until = 0.0
        if rule is not None and rows and not isinstance(rule.condition, Each | Absence):
            until = now.timestamp() - wait_of(rule.condition)
            for firing in judged_rows(rule, rule.condition, rows, until):
                await self._alerting.fire(firing, now)
        for row in rows:
            if row.due <= now:
                await self._settle(settled(rule, row, until, now), row)

    async def _settle(self, settled: Window | None, row: Window) -> None:
        """Somebody who counts meanwhile has said himself when the row is due."""
        try:
            if settled is None:
                await self._windows.remove(row)
            else:
                await self._windows.save(settled)
        except Conflict:
            return


def judged_rows(rule: Rule, condition: Windowed, rows: Sequence[Window], until: float) -> list[Firing]:
    """What the rows of a group amount to."""
    buckets = [read_buckets(row) for row in rows]
    firings: list[Firing] = []
    if judged_at_end(condition):
        verdict = judge_ended(condition, buckets, min(row.judged for row in rows), until)
        firings += [_firing(rule, rows, verdict)] if verdict else []
    if judged_at_once(condition):
        open_ = [_unjudged(row, own) for row, own in zip(rows, buckets, strict=True)]
        verdict = judge_growing(condition, buckets, set().union(*open_))
        # News of each row that its writer has not judged, up to its mark.
        news = [row for row, starts in zip(rows, open_, strict=True) if verdict and starts]
        firings += [_marked(_firing(rule, rows, verdict), row) for row in news if verdict]
    return firings


def _marked(firing: Firing, row: Window) -> Firing:
    return msgspec.structs.replace(firing, partition=row.partition, counts={row.sequence: (0, row.enqueued)})


def settled(rule: Rule | None, row: Window, until: float, now: datetime) -> Window | None:
    """A row once it was judged up to a time; None where nobody needs it any more."""
    if now >= row.kept_until:
        return None
    buckets = read_buckets(row)
    if rule is None or isinstance(rule.condition, Each | Absence) or not buckets:
        return msgspec.structs.replace(row, due=row.kept_until)
    span, width = span_of(rule.condition.window)
    if not judged_at_end(rule.condition):
        return msgspec.structs.replace(row, judged=max(buckets) + 1.0, due=row.kept_until)
    due = row.kept_until
    if max(buckets) + span > until:
        due = datetime.fromtimestamp(until + width + wait_of(rule.condition), UTC)
    return msgspec.structs.replace(row, judged=max(row.judged, until), due=due)


def _unjudged(row: Window, buckets: Buckets) -> set[int]:
    return {start for start in buckets if start >= row.judged}


def _firing(rule: Rule, rows: Sequence[Window], verdict: Verdict) -> Firing:
    """Told by the row with the newest record."""
    newest = max(rows, key=lambda row: (row.last_at, row.partition))
    return Firing(
        rule=rule,
        group=newest.group,
        node=newest.node,
        domain=newest.group.split("\n", 1)[0] if rule.group_by == "domain" else "",
        resource=newest.resource,
        category=newest.category,
        operation=newest.operation,
        first_at=verdict.first_at,
        last_at=verdict.last_at,
        total=verdict.total,
    )
