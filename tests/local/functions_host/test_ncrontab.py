"""When timers fire, as pure functions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.host import ncrontab
from local.functions_host.host.ncrontab import Crontab, Every
from local.functions_host.host.settings import ConfigurationError


def _next(expression: str, after: str) -> str:
    moment = ncrontab.parse(expression).next_after(datetime.fromisoformat(after).replace(tzinfo=UTC))
    return moment.isoformat(" ").removesuffix("+00:00") if moment else "never"


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 */5 * * * *", "2024-05-01 12:00:00", "2024-05-01 12:05:00"),
        ("0 5,8,10 * * * *", "2024-05-01 12:08:00", "2024-05-01 12:10:00"),
        ("0 0 9-17 * * MON-FRI", "2024-05-03 17:00:00", "2024-05-06 09:00:00"),
        ("5/15 * * * * *", "2024-05-01 12:00:50", "2024-05-01 12:01:05"),
        ("0 0 0 1 January *", "2024-05-01 12:00:00", "2025-01-01 00:00:00"),
        ("0 0 0 * Jan,sep 0", "2024-05-01 12:00:00", "2024-09-01 00:00:00"),
        ("0 0 0 29 2 *", "2024-02-29 00:00:00", "2028-02-29 00:00:00"),
        ("0 30 9 13 * Fri", "2024-05-01 12:00:00", "2024-09-13 09:30:00"),
        ("59 59 23 31 12 *", "2024-12-31 23:59:58.5", "2024-12-31 23:59:59"),
        ("*/10 * * * *", "2024-05-01 12:00:00", "2024-05-01 12:10:00"),
        ("00:05:30", "2024-05-01 12:00:00", "2024-05-01 12:05:30"),
        ("1.00:00:00", "2024-05-01 12:00:00", "2024-05-02 12:00:00"),
        ("0 0 0 30 2 *", "2024-05-01 12:00:00", "never"),
    ],
)
def test_the_next_occurrence(expression: str, after: str, expected: str) -> None:
    """Examples of Azure's documentation and the corners of the calendar."""
    assert _next(expression, after) == expected


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "* * * * * * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *",
     "* * * * * 7", "* * * * * fry", "* * * * j *", "5-1 * * * * *", "*/0 * * * * *", "a-b * * * * *",
     "1,,2 * * * * *", "00:00:00", "5:00"],
)  # fmt: skip
def test_what_is_not_a_schedule_is_refused(expression: str) -> None:
    """A schedule that cannot be read stops the app, it does not fire at a guessed time."""
    with pytest.raises(ConfigurationError):
        ncrontab.parse(expression)


_DAY_FIELDS = st.sampled_from(["*", "1", "28-31", "*/7", "13", "2,15"])
_SMALL = st.sampled_from(["*", "0", "*/7", "10-20", "3,33,59", "5/20", "30-50/10"])
_CRONTABS = st.builds(
    "{} {} {} {} {} {}".format,
    _SMALL,
    _SMALL,
    st.sampled_from(["*", "0", "*/7", "10-20", "3,13,23"]),
    _DAY_FIELDS,
    st.sampled_from(["*", "2", "*/5", "jun-aug"]),
    st.sampled_from(["*", "0", "mon-fri", "6"]),
)
_MOMENTS = st.integers(0, 90 * 366 * 86_400).map(
    lambda s: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


def _holds(schedule: Crontab, moment: datetime) -> bool:
    return (
        moment.second in schedule.seconds
        and moment.minute in schedule.minutes
        and moment.hour in schedule.hours
        and moment.day in schedule.days
        and moment.month in schedule.months
        and moment.isoweekday() % 7 in schedule.weekdays
    )


@given(_CRONTABS, _MOMENTS)
def test_an_occurrence_satisfies_every_field(expression: str, after: datetime) -> None:
    """Whatever comes next is later and on the schedule."""
    schedule = Crontab.parse(expression)
    found = schedule.next_after(after)
    if found is not None:
        assert found > after
        assert _holds(schedule, found)


@given(_CRONTABS, _MOMENTS, st.integers(1, 900))
def test_nothing_is_skipped(expression: str, start: datetime, length: int) -> None:
    """Stepping through the occurrences of up to a quarter of an hour finds the same as looking at every second."""
    schedule = Crontab.parse(expression)
    end = start.replace(microsecond=0) + timedelta(seconds=length)
    stepped, moment = [], schedule.next_after(start)
    while moment is not None and moment <= end:
        stepped.append(moment)
        moment = schedule.next_after(moment)
    seconds = (start.replace(microsecond=0) + timedelta(seconds=n) for n in range(1, length + 1))
    assert stepped == [second for second in seconds if _holds(schedule, second)]


@pytest.mark.parametrize(
    ("expression", "monitored"),
    [("* * * * * *", False), ("*/30 * * * * *", False), ("0 * * * * *", True), ("00:00:59", False)],
)
def test_only_slow_timers_are_monitored(expression: str, *, monitored: bool) -> None:
    """A timer that fires more than once a minute keeps no status."""
    now = datetime(2024, 5, 1, tzinfo=UTC)
    assert ncrontab.is_monitored(ncrontab.parse(expression), now) is monitored


def test_a_time_span_counts_from_the_last_run() -> None:
    """It has no fixed place in the hour."""
    assert ncrontab.parse("00:10:00") == Every(timedelta(minutes=10))
