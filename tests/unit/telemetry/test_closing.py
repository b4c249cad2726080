"""The timer judges what is over, once, and what a writer left unjudged; it forgets what nobody needs."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.errors import Transient
from shared.telemetry.closing import Closing
from shared.telemetry.rule import Count, Match, Rule, Threshold
from shared.telemetry.rulebook import Rulebook
from tests.fakes.clock import START
from tests.unit.telemetry.samples import envelope, sample
from tests.unit.telemetry.streams import FailingWindows, Fuse, Instance, Stores, event_of

AVERAGE = Rule(
    name="average",
    title="Average",
    severity="warning",
    match=Match(),
    condition=Threshold(aggregation="avg", of=("properties", "ms"), comparison="gt", value=100, window=60),
    group_by="node",
    auto_resolve=0.0,
)
COUNT = Rule(
    name="count",
    title="Count",
    severity="error",
    match=Match(),
    condition=Count(at_least=3, window=60),
    group_by="node",
    auto_resolve=0.0,
)


class Run(Instance):
    def __init__(self, *rules: Rule) -> None:
        super().__init__(Stores(rules))
        self.number = 0

    async def send(self, *numbers: float, partition: str = "0", ago: float = 0.0) -> None:
        """One event with a record of each number, that happened now or so many seconds ago."""
        self.number += 1
        now = self.stores.clock.now()
        time = (now - timedelta(seconds=ago)).isoformat()
        body = envelope(*(sample(time=time, properties={"ms": number}) for number in numbers))
        await self.process(event_of(body, partition, self.number, now))

    async def after(self, seconds: float) -> list[tuple[str, int]]:
        """What the alerts are once so much time has passed and the timer has run."""
        self.stores.clock.advance(seconds)
        await self.closing.judge_due()
        return [(alert.state, alert.count) for alert in self.stores.alerts.alerts.values()]


async def test_an_average_is_judged_when_its_window_and_the_wait_are_over() -> None:
    run = Run(AVERAGE)
    await run.send(90, 130)
    await run.send(140, partition="1")
    assert await run.after(50) == []
    assert await run.after(20) == [("Firing", 3)]


async def test_an_average_that_falls_below_before_the_end_of_each_window_raises_nothing() -> None:
    run = Run(AVERAGE)
    await run.send(110, 1, 1)
    assert await run.after(600) == []


async def test_a_record_that_comes_late_has_its_windows_judged_again() -> None:
    run = Run(AVERAGE)
    await run.send(50)
    assert await run.after(300) == []
    await run.send(900, ago=298)
    assert await run.after(60) == [("Firing", 2)]


async def test_what_was_judged_and_resolved_is_not_raised_again() -> None:
    run = Run(AVERAGE)
    await run.send(900)
    assert await run.after(150) == [("Firing", 1)]
    [alert] = run.stores.alerts.alerts
    await run.alerting.clear(alert, "resolved", run.stores.clock.now())
    assert await run.after(150) == [("Resolved", 1)]
    await run.send(1)
    assert await run.after(150) == [("Resolved", 1)]
    await run.send(900)
    assert await run.after(150) == [("Firing", 1)]


async def test_a_row_that_its_writer_did_not_live_to_judge_is_judged_by_the_timer() -> None:
    run = Run(COUNT)
    await run.send(1, 1)
    run.stores.fuse.set(1, after=True)  # the row is written, then the writer dies
    with pytest.raises(Transient):
        await run.send(1)
    assert await run.after(40) == [("Firing", 3)]


async def test_while_an_alert_fires_its_rows_are_not_read_for_every_batch_and_the_timer_brings_its_count() -> (
    None
):
    run = Run(COUNT)
    for _ in range(10):
        await run.send(1)
    assert run.stores.windows.reads == 3
    assert await run.after(40) == [("Firing", 10)]


async def test_rows_are_forgotten_a_day_after_they_were_written_last() -> None:
    run = Run(COUNT, AVERAGE)
    await run.send(1)
    await run.after(3600)
    await run.after(3600)
    assert {row.rule.split("@")[0] for row in run.stores.windows.rows.values()} == {
        "count",
        "average",
        "stream",
    }
    await run.after(86400)
    assert {row.rule for row in run.stores.windows.rows.values()} == {"stream"}


async def test_rows_of_a_rule_that_is_gone_or_was_changed_are_left_alone_and_forgotten() -> None:
    run = Run(COUNT)
    await run.send(1, 1)
    changed = msgspec.structs.replace(COUNT, match=Match(level=("error",)))
    later = Closing(Rulebook(lambda: [changed]), run.stores.windows, run.alerting, run.stores.clock)
    run.stores.clock.advance(60)
    assert await later.judge_due() == 1
    assert await later.judge_due() == 0
    assert run.stores.alerts.alerts == {}
    run.stores.clock.advance(86400 + 60)
    await later.judge_due()
    assert len(run.stores.windows.rows) == 1


async def test_a_writer_that_counts_while_the_timer_judges_loses_nothing() -> None:
    run = Run(COUNT)
    await run.send(1)
    await run.after(40)
    await run.send(1)
    await run.send(1)
    assert await run.after(1) == [("Firing", 3)]


async def test_rows_that_are_taken_away_while_the_timer_looks_are_no_failure() -> None:
    run = Run(COUNT)
    await run.send(1)

    class Emptied(FailingWindows):
        async def due(self, before: datetime) -> AsyncIterator[tuple[str, str]]:
            places = [place async for place in run.stores.windows.due(before)]
            for place in places:
                yield place

    run.stores.clock.advance(60)
    closing = Closing(run.stores.rules, Emptied(Fuse()), run.alerting, run.stores.clock)
    assert await closing.judge_due() == 1


def test_the_clock_of_these_tests_begins_where_a_bucket_does() -> None:
    assert START.timestamp() % 6 == 0
