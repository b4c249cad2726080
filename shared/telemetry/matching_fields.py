"""What rules ask of a record's fields: where a path leads, and what a value has to be."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence

from shared.telemetry.record import Record
from shared.telemetry.rule import FieldMatch, Scalar

type Value = object
type Path = tuple[str, ...]
type Opened = Mapping[Path, Value]
"""Values of a record by the `start_of` the paths that lead to them."""

MISSING: Value = None
"""What a path that leads nowhere gives, and one that leads to null."""

_TYPED: dict[str, Callable[[Record], Value]] = {
    "resourceid": lambda r: r.resource,
    "category": lambda r: r.category,
    "operationname": lambda r: r.operation,
    "eventname": lambda r: r.operation,
    "level": lambda r: r.level_lower or r.level_upper or None,
    "resulttype": lambda r: r.result_type,
    "status": lambda r: r.status_lower or r.status_upper,
    "resultsignature": lambda r: r.result_signature,
    "statuscode": lambda r: r.status_code,
    "metricname": lambda r: r.metric,
    "time": lambda r: r.time or r.time_stamp or r.timestamp or r.event_time,
    "timestamp": lambda r: r.time_stamp or r.timestamp or r.time,
}
_TIMES = frozenset({"time", "timestamp"})


def typed_field(path: Path) -> Callable[[Record], Value] | None:
    """What reads the start of a path where every record is decoded with it."""
    return _TYPED.get(path[0].lower())


def start_of(path: Path) -> Path:
    """The part of a path that is read when a record is opened: one name where that is decoded anyway, else two."""
    return path[:1] if typed_field(path) else path[:2]


def tells_kinds_apart(path: Path) -> bool:
    """Whether all records of one kind have the same at a path."""
    return len(path) == 1 and typed_field(path) is not None and path[0].lower() not in _TIMES


def value_at(opened: Opened, path: Path) -> Value:
    """What a path of an opened record leads to."""
    start = start_of(path)
    return walk(opened[start], path[len(start) :])


def walk(value: Value, names: Sequence[str]) -> Value:
    """Where names lead from a value, in any case; texts that hold objects are opened, numbers index arrays."""
    for name in names:
        if isinstance(value, str):
            value = _encoded(value)
        if isinstance(value, dict):
            value = value[name] if name in value else _in_any_case(value, name)
        elif isinstance(value, list) and name.isascii() and name.isdigit():
            value = value[int(name)] if int(name) < len(value) else MISSING
        else:
            return MISSING
    return value


def _in_any_case(value: dict[str, Value], name: str) -> Value:
    lower = name.lower()
    return next((v for n, v in value.items() if n.lower() == lower), MISSING)


def _encoded(text: str) -> Value:
    """The object or array that a text holds; services write `properties`, or what is in them, so (recorded)."""
    if not text.lstrip().startswith(("{", "[")):
        return MISSING
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return MISSING


def number_of(value: Value) -> float | None:
    """A finite number, or a text that is one; else None."""
    if isinstance(value, str):
        # Most texts are none, and to find that out by an error costs ten times as much.
        if value[:1].strip() not in _FIRST:
            return None
    elif isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_FIRST = frozenset(("", *"0123456789+-."))
_NUMBERS = (int, float)  # made once: a union written where it is asked for is made for every value


def text_of(value: Value) -> str:
    """In lower case, as texts are compared; objects and arrays as JSON, what is missing as nothing."""
    if isinstance(value, str):
        return value.lower()
    if value is MISSING:
        return ""
    return json.dumps(value).lower()


def test_of(field: FieldMatch) -> Callable[[Value], bool]:
    """What a value at the field's path has to pass."""
    if field.exists is False:
        return lambda value: value is MISSING
    tests: list[Callable[[Value], bool]] = []
    if field.any_of:
        tests.append(_among(field.any_of))
    if field.none_of:
        among = _among(field.none_of)
        tests.append(lambda value: not among(value))
    if field.contains:
        part = field.contains.lower()
        tests.append(lambda value: part in text_of(value))
    if field.matches:
        found = re.compile(field.matches, re.IGNORECASE).search
        tests.append(lambda value: found(value if isinstance(value, str) else text_of(value)) is not None)
    tests.extend(_comparisons(field))
    if len(tests) == 1:
        test = tests[0]
        if field.any_of:  # what is missing is among no values
            return test
        return lambda value: value is not MISSING and test(value)
    return lambda value: value is not MISSING and all(test(value) for test in tests)


def _among(wanted: Sequence[Scalar]) -> Callable[[Value], bool]:
    """Numbers and truth values may be written as text, on either side."""
    texts = frozenset(text_of(w) for w in wanted)
    numbers = frozenset(n for w in wanted if (n := number_of(w)) is not None)

    def among(value: Value) -> bool:
        if isinstance(value, str):
            return value.lower() in texts or (bool(numbers) and number_of(value) in numbers)
        if isinstance(value, bool):
            return text_of(value) in texts
        return isinstance(value, _NUMBERS) and value in numbers

    return among


def _comparisons(field: FieldMatch) -> list[Callable[[Value], bool]]:
    if (field.gt, field.gte, field.lt, field.lte) == (None,) * 4:
        return []
    low_open, low = (-math.inf if limit is None else limit for limit in (field.gt, field.gte))
    high_open, high = (math.inf if limit is None else limit for limit in (field.lt, field.lte))

    def within(value: Value) -> bool:
        number = number_of(value)
        return number is not None and low_open < number < high_open and low <= number <= high

    return [within]
