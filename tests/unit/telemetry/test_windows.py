"""A row counts each event once: above its mark, in the bucket of its time, whatever happens to the row."""

from datetime import UTC, datetime

import msgspec
import pytest

from shared.domain.errors import Conflict
from shared.telemetry.aggregate import Aggregate, Tally
from shared.telemetry.rule import Absence, Count, Match, Rule, Threshold
from shared.telemetry.windows import (
    APART,
    FORGOTTEN,
    LARGEST,
    LATEST,
    UNSEEN,
    Arrivals,
    Counted,
    WindowBook,
    read_buckets,
    rule_key,
)
from tests.fakes.clock import FakeClock
from tests.unit.telemetry.streams import FailingWindows, Fuse

T = datetime(2026, 1, 5, 8, 0, tzinfo=UTC).timestamp()
RULE = Rule(
    name="count", title="Count", severity="error", match=Match(), condition=Count(at_least=9, window=60)
)
HEARD = msgspec.structs.replace(RULE, name="heard", condition=Absence(period=1000))


class Books:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.windows = FailingWindows(Fuse())
        self.one, self.two = (WindowBook(self.windows, self.clock) for _ in range(2))

    async def count(self, *events: tuple[int, float, float], rule: Rule = RULE, by: int = 1) -> Counted:
        """Events by their numbers, times and records' times, each with one record."""
        book = self.one if by == 1 else self.two
        samples: dict[int, dict[int, Aggregate]] = {}
        for number, _, time in events:
            samples[number] = {int((T + time) // 6 * 6): Aggregate(count=1)}
        tally = Tally(
            rule=rule.name,
            group="g",
            node="n",
            resource="r",
            category="c",
            operation="o",
            first_at=T + min(time for _, _, time in events),
            last_at=T + max(time for _, _, time in events),
            samples=samples,
        )
        return await book.count(rule, tally, Arrivals("0", {n: T + at for n, at, _ in events}))

    def total(self) -> int:
        return sum(a.count for row in self.windows.rows.values() for a in read_buckets(row).values())


async def test_what_was_counted_is_not_counted_or_written_again_and_is_judged_again() -> None:
    books = Books()
    await books.count((1, 0, 0), (2, 1, 1))
    again = await books.count((1, 0, 0), (2, 1, 1))
    assert (books.total(), books.windows.writes) == (2, 1)
    assert again.touched == {int(T)}
    await books.count((2, 1, 1), (3, 2, 2))
    assert (books.total(), books.windows.writes) == (3, 2)


async def test_two_owners_of_one_partition_count_once_between_them() -> None:
    books = Books()
    await books.count((1, 0, 0))
    await books.count((1, 0, 0), (2, 1, 1), by=2)
    await books.count((2, 1, 1), (3, 2, 2), by=1)
    await books.count((1, 0, 0), (3, 2, 2), by=2)
    assert books.total() == 3


async def test_a_hub_that_was_made_anew_begins_at_nought_and_counts() -> None:
    books = Books()
    await books.count((1000, 0, 0))
    for _ in range(2):
        await books.count((0, 100, 100), (1, 101, 101))
        await books.count((2, 102, 102))
    assert books.total() == 4


async def test_a_clock_of_the_hub_that_jumps_back_loses_and_doubles_nothing() -> None:
    books = Books()
    await books.count((1, 50, 0))
    for _ in range(2):
        await books.count((2, 20, 0), (3, 21, 0))
        await books.count((1, 50, 0))
    assert books.total() == 3


async def test_a_row_that_is_taken_away_is_begun_anew() -> None:
    books = Books()
    await books.count((1, 0, 0))
    books.windows.rows.clear()
    await books.count((2, 1, 1))
    assert books.total() == 1


async def test_a_record_counts_at_its_time_but_not_in_the_future_nor_before_what_is_held() -> None:
    books = Books()
    counted = await books.count((1, 10_000, 10_000 - 600), (2, 10_000, 99_999), (3, 10_000, -99_999))
    # T is a multiple of the bucket's width.
    expected = [10_000 - 600, 10_000, 10_000 - LATEST]
    assert sorted(counted.buckets) == sorted(int((T + at) // 6 * 6) for at in expected)


async def test_buckets_that_no_span_reaches_any_more_are_dropped() -> None:
    books = Books()
    await books.count((1, 0, 0))
    await books.count((2, LATEST + APART, LATEST + APART))
    assert books.total() == 2
    await books.count((3, 2 * LATEST + APART, 2 * LATEST + APART))
    await books.count((4, 2 * LATEST + APART, 2 * LATEST + APART))
    assert books.total() == 3


async def test_what_takes_too_much_room_gives_way_from_the_oldest_on() -> None:
    books = Books()
    sketch = dict.fromkeys(range(30000, 70000), 1)
    tally = Tally(
        rule="count",
        group="g",
        node="n",
        resource="r",
        category="c",
        operation="o",
        first_at=T,
        last_at=T,
        samples={n: {int(T) + 6 * n: Aggregate(count=1, sketch=sketch)} for n in range(8)},
    )
    await books.one.count(RULE, tally, Arrivals("0", {n: T + 6 * n for n in range(8)}))
    [row] = books.windows.rows.values()
    assert len(row.buckets) <= LARGEST
    assert max(read_buckets(row)) == int(T) + 42


async def test_writers_that_never_let_go_are_told() -> None:
    books = Books()

    class Contended(FailingWindows):
        async def save(self, window: object) -> object:  # type: ignore[override]
            raise Conflict("WindowChanged", "somebody was first")

    books.one = WindowBook(Contended(Fuse()), books.clock)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="WindowContended"):
        await books.count((1, 0, 0))


async def test_that_somebody_was_heard_of_is_written_a_few_times_a_period_and_kept_for_a_month() -> None:
    books = Books()
    for second in range(0, 1000, 10):
        await books.count((second, second, second), rule=HEARD)
    [row] = books.windows.rows.values()
    assert books.windows.writes == 10
    assert (row.enqueued, row.buckets, row.kept_until) == (
        T + 900,
        row.buckets,
        books.clock.now() + UNSEEN,
    )
    assert read_buckets(row) == {}


async def test_a_row_says_when_it_is_to_be_judged_and_forgotten() -> None:
    books = Books()
    row = (await books.count((1, 0, 0))).row
    assert (row.due - books.clock.now()).total_seconds() == 30
    assert (row.kept_until - books.clock.now()).total_seconds() == FORGOTTEN.total_seconds() + 60
    average = Threshold(aggregation="avg", of=("x",), comparison="gt", value=1, window=60)
    rule = msgspec.structs.replace(RULE, name="average", condition=average)
    row = (await books.count((1, 0, 0), rule=rule)).row
    assert row.due.timestamp() == T + 6 + 60


def test_another_threshold_leaves_what_was_counted_and_another_window_does_not() -> None:
    def key(**changed: object) -> str:
        return rule_key(msgspec.structs.replace(RULE, **changed))

    assert key(condition=Count(at_least=5, window=60), severity="critical", handlers=("x",)) == rule_key(RULE)
    others = {
        key(condition=Count(at_least=9, window=61)),
        key(match=Match(level=("error",))),
        key(group_by="node"),
        key(dedupe=(("category",),)),
        key(name="other"),
    }
    assert len(others | {rule_key(RULE)}) == 6
