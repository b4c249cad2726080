"""What rules read of a record by path: opened only for the record and the name that a rule asks for."""

import json
import math
import re
from collections.abc import Callable, Sequence

import msgspec

from shared.telemetry.record import Record, attribute_of
from shared.telemetry.rule import FieldMatch, Scalar

type Value = object
type Path = tuple[str, ...]

MISSING: Value = None
"""What a path that leads nowhere gives, and one that leads to null."""

# Names of a record's root as Azure spells them: a rule may write them in any case.
_ROOTS = (
    *(
        "properties",
        "identity",
        "callerIpAddress",
        "correlationId",
        "durationMs",
        "resultDescription",
        "location",
    ),
    *(
        "tenantId",
        "operationVersion",
        "total",
        "count",
        "average",
        "minimum",
        "maximum",
        "timeGrain",
        "dimensions",
    ),
    *("statusText", "protocol", "uri", "requestUri", "SubscriptionId", "ResourceGroup", "ActivityId"),
    *("EventProperties", "Caller", "Region", "Environment", "LogicalServerName"),
)
_SPELLED = {n.lower(): n for n in (*_ROOTS, *Record.__struct_encode_fields__)}
_TYPED: dict[str, Callable[[Record], Value]] = {
    "resourceid": lambda r: r.resource,
    "category": lambda r: r.category,
    "operationname": lambda r: r.operation,
    "eventname": lambda r: r.operation,
    "level": lambda r: r.level_lower or r.level_upper,
    "resulttype": lambda r: r.result_type,
    "status": lambda r: r.status,
    "resultsignature": lambda r: r.result_signature,
    "statuscode": lambda r: r.status_code,
    "metricname": lambda r: r.metric,
    "time": lambda r: r.time or r.time_stamp or r.event_time,
    "timestamp": lambda r: r.time_stamp or r.time,
}


class Unreadable(ValueError):
    """A value that a rule asks for cannot be decoded."""


def roots_of(path: Path) -> tuple[str, ...]:
    """The names under which records may keep what a path starts with; none where `Record` has it."""
    root = path[0]
    if root.lower() in _TYPED:
        return ()
    spelled = _SPELLED.get(root.lower(), root)
    first, rest = spelled[:1], spelled[1:]
    return tuple({spelled: 0, first.lower() + rest: 0, first.upper() + rest: 0})


def reader(path: Path) -> Callable[[Record, dict[str, Value]], Value]:
    """Reads a path of a record; the second argument is what was opened of that record before.

    The reader raises Unreadable.
    """
    typed = _TYPED.get(path[0].lower())
    if typed is not None:
        return lambda record, _: _walk(typed(record), path[1:])
    attributes = tuple(map(attribute_of, roots_of(path)))

    def read(record: Record, opened: dict[str, Value]) -> Value:
        for attribute in attributes:
            raw = getattr(record, attribute, msgspec.UNSET)
            if raw is not msgspec.UNSET:
                if attribute not in opened:
                    opened[attribute] = _opened(raw)
                return _walk(opened[attribute], path[1:])
        return MISSING

    return read


def _opened(raw: msgspec.Raw) -> Value:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:  # what msgspec refuses and json does not: lone surrogates, NaN
        return json.loads(bytes(raw), strict=False)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"a value cannot be decoded: {type(error).__name__}") from error


def _walk(value: Value, names: Sequence[str]) -> Value:
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
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def text_of(value: Value) -> str:
    """In lower case, as texts are compared; objects and arrays as JSON, what is missing as nothing."""
    if isinstance(value, str):
        return value.lower()
    if value is MISSING:
        return ""
    return json.dumps(value).lower()


def test_of(field: FieldMatch) -> Callable[[Value], bool]:
    """What a value at the field's path has to pass."""
    tests: list[Callable[[Value], bool]] = []
    if field.any_of:
        tests.append(lambda value: any(_equal(value, s) for s in field.any_of))
    if field.none_of:
        tests.append(lambda value: not any(_equal(value, s) for s in field.none_of))
    if field.contains:
        part = field.contains.lower()
        tests.append(lambda value: part in text_of(value))
    if field.matches:
        found = re.compile(field.matches, re.IGNORECASE).search
        tests.append(lambda value: found(value if isinstance(value, str) else text_of(value)) is not None)
    tests.extend(_comparisons(field))
    if field.exists is False:
        return lambda value: value is MISSING
    return lambda value: value is not MISSING and all(test(value) for test in tests)


def _comparisons(field: FieldMatch) -> list[Callable[[Value], bool]]:
    low_open, low = (-math.inf if limit is None else limit for limit in (field.gt, field.gte))
    high_open, high = (math.inf if limit is None else limit for limit in (field.lt, field.lte))
    if (field.gt, field.gte, field.lt, field.lte) == (None,) * 4:
        return []

    def within(value: Value) -> bool:
        number = number_of(value)
        return number is not None and low_open < number < high_open and low <= number <= high

    return [within]


def _equal(value: Value, wanted: Scalar) -> bool:
    """Numbers and truth values may be written as text, on either side."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return text_of(value) == text_of(wanted)
    if isinstance(wanted, int | float):
        return number_of(value) == wanted
    if isinstance(value, int | float):
        return value == number_of(wanted)
    return text_of(value) == wanted.lower()
