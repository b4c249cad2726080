"""NCRONTAB, the schedule format of timer triggers, as pure functions of time.

Six fields, `{second} {minute} {hour} {day} {month} {day of week}`, or five without seconds; or a time span,
which means "that long after the last run". A day must satisfy both its day fields (Unix cron wants either).
Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer and the NCrontab library.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from local.functions_host.host.host_json import seconds
from local.functions_host.host.settings import ConfigurationError

# The 29th of February falls on a given weekday again after at most 40 years (1896 to 1904 had no leap year).
YEARS_TO_SEARCH = 40

_MONTHS = [
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
]
_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_TERM = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: Sequence[str] = ()


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Crontab:
    """The values each field allows, ascending. Weekdays count from Sunday, 0."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Raises ConfigurationError, naming the field that is wrong."""
        words = expression.split()
        if len(words) == len(_FIELDS) - 1:
            words = ["0", *words]
        if len(words) != len(_FIELDS):
            raise ConfigurationError(f"schedule '{expression}' has {len(words)} fields instead of 6")
        return cls(*(_values(field, word) for field, word in zip(_FIELDS, words, strict=True)))

    def next_after(self, moment: datetime) -> datetime | None:
        """The first occurrence later than `moment`, or None if there never is one."""
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        for day in self._dates_from(start.date()):
            earliest = (start.hour, start.minute, start.second) if day == start.date() else (0, 0, 0)
            time = self._first_time_from(earliest)
            if time:
                hour, minute, second = time
                return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=moment.tzinfo)
        return None

    def _dates_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, first.year + YEARS_TO_SEARCH):
            for month in self.months:
                length = monthrange(year, month)[1]
                for day in (date(year, month, day) for day in self.days if day <= length):
                    if day >= first and day.isoweekday() % 7 in self.weekdays:
                        yield day

    def _first_time_from(self, earliest: tuple[int, int, int]) -> tuple[int, int, int] | None:
        for hour in (hour for hour in self.hours if hour >= earliest[0]):
            for minute in (minute for minute in self.minutes if (hour, minute) >= earliest[:2]):
                for second in self.seconds:
                    if (hour, minute, second) >= earliest:
                        return hour, minute, second
        return None


@dataclass(frozen=True, slots=True)
class Every:
    """A constant interval."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        return moment + self.interval


type Schedule = Crontab | Every


def parse(expression: str) -> Schedule:
    """A crontab, or a time span such as `00:05:00`. Raises ConfigurationError."""
    if ":" not in expression:
        return Crontab.parse(expression)
    interval = timedelta(seconds=seconds(expression))
    if not interval:
        raise ConfigurationError(f"schedule '{expression}' has no length")
    return Every(interval)


def is_monitored(schedule: Schedule, now: datetime) -> bool:
    """Azure keeps no status of timers that fire more than once a minute."""
    first = schedule.next_after(now)
    second = schedule.next_after(first) if first else None
    return not (first and second) or second - first >= timedelta(minutes=1)


def utc_now() -> datetime:
    return datetime.now(UTC)


def _values(field: _Field, text: str) -> tuple[int, ...]:
    return tuple(sorted({value for term in text.split(",") for value in _term(field, term)}))


def _term(field: _Field, term: str) -> range:
    match = _TERM.fullmatch(term)
    if not match:
        raise ConfigurationError(f"'{term}' is not a {field.name} of a schedule")
    step = int(match["step"] or 1)
    if match["first"] is None:
        first, last = field.lowest, field.highest
    else:
        first = _number(field, match["first"])
        # `5/15` means every 15 from 5 on.
        last = _number(field, match["last"]) if match["last"] else field.highest if match["step"] else first
    if first > last or step < 1:
        raise ConfigurationError(f"'{term}' holds no {field.name}")
    return range(first, last + 1, step)


def _number(field: _Field, word: str) -> int:
    if word.isdigit():
        number = int(word)
    else:
        found = [
            place for place, name in enumerate(field.names) if len(word) > 2 and name.startswith(word.lower())
        ]
        number = found[0] + field.lowest if len(found) == 1 else -1
    if not field.lowest <= number <= field.highest:
        raise ConfigurationError(f"'{word}' is not a {field.name} of a schedule")
    return number
