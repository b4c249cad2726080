"""Which events an event subscription wants: event types, subjects and advanced filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from local.events.grid.schemas import EVENT_TYPES, Event

# What Azure allows in one subscription.
MOST_ADVANCED_FILTERS = 25
MOST_VALUES = 25


class InvalidFilter(ValueError):
    """A filter that Event Grid would refuse; the message is for the caller."""


@dataclass(frozen=True, slots=True)
class AdvancedFilter:
    """One condition on one key of the event, true when any of the values (or, negated, none) matches."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions of a subscription; an event has to meet every one."""

    event_types: tuple[str, ...] = EVENT_TYPES
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    subject_case_sensitive: bool = False
    advanced: tuple[AdvancedFilter, ...] = ()


type _Comparison = Callable[[str, str], bool]

_COMPARISONS: dict[str, _Comparison] = {
    "In": lambda text, value: text == value,
    "Contains": lambda text, value: value in text,
    "BeginsWith": str.startswith,
    "EndsWith": str.endswith,
}
_OPERATORS: dict[str, tuple[_Comparison, Literal["any", "none"]]] = {
    **{f"String{name}": (compare, "any") for name, compare in _COMPARISONS.items()},
    **{f"StringNot{name}": (compare, "none") for name, compare in _COMPARISONS.items()},
}
_NULL_OPERATORS = ("IsNullOrUndefined", "IsNotNull")


def parse(body: Mapping[str, object] | None) -> Filter:
    """A subscription's `filter` object. Absent members take Azure's defaults. Raises InvalidFilter."""
    body = body or {}
    advanced = body.get("advancedFilters") or []
    if not isinstance(advanced, list) or len(advanced) > MOST_ADVANCED_FILTERS:
        raise InvalidFilter(f"advancedFilters must be a list of at most {MOST_ADVANCED_FILTERS} filters.")
    types = body.get("includedEventTypes") or EVENT_TYPES
    if not isinstance(types, Sequence) or isinstance(types, str):
        raise InvalidFilter("includedEventTypes must be a list of event types.")
    return Filter(
        event_types=tuple(str(name) for name in types),
        subject_begins_with=str(body.get("subjectBeginsWith") or ""),
        subject_ends_with=str(body.get("subjectEndsWith") or ""),
        subject_case_sensitive=body.get("isSubjectCaseSensitive") is True,
        advanced=tuple(_parse_advanced(entry) for entry in advanced),
    )


def matches(wanted: Filter, event: Event) -> bool:
    """Whether `event`, in the Event Grid schema, passes every condition.

    Comparisons ignore case, except subjects where the subscription says otherwise.
    """
    types = {name.lower() for name in wanted.event_types}
    return (
        str(event["eventType"]).lower() in types
        and _subject_matches(wanted, str(event["subject"]))
        and all(_advanced_matches(condition, event) for condition in wanted.advanced)
    )


def _parse_advanced(entry: object) -> AdvancedFilter:
    if not isinstance(entry, dict):
        raise InvalidFilter("Each advanced filter must be an object.")
    operator, key = str(entry.get("operatorType")), str(entry.get("key") or "")
    if operator not in _OPERATORS and operator not in _NULL_OPERATORS:
        raise InvalidFilter(f"The operatorType '{operator}' of an advanced filter is not supported.")
    values = entry.get("values") or []
    if not key or not isinstance(values, list) or len(values) > MOST_VALUES:
        raise InvalidFilter(f"An advanced filter needs a key and at most {MOST_VALUES} values.")
    if operator in _OPERATORS and not values:
        raise InvalidFilter(f"The advanced filter on '{key}' needs values.")
    return AdvancedFilter(operator, key, tuple(str(value) for value in values))


def _subject_matches(wanted: Filter, subject: str) -> bool:
    begin, end = wanted.subject_begins_with, wanted.subject_ends_with
    if not wanted.subject_case_sensitive:
        subject, begin, end = subject.lower(), begin.lower(), end.lower()
    return subject.startswith(begin) and subject.endswith(end)


def _advanced_matches(condition: AdvancedFilter, event: Event) -> bool:
    value = _lookup(event, condition.key)
    if condition.operator == "IsNullOrUndefined":
        return value is None
    if condition.operator == "IsNotNull":
        return value is not None
    compare, quantifier = _OPERATORS[condition.operator]
    if value is None:
        return quantifier == "none"
    text = str(value).lower()
    found = any(compare(text, candidate.lower()) for candidate in condition.values)
    return found if quantifier == "any" else not found


def _lookup(event: Event, key: str) -> object:
    """The value under a dotted key such as `Subject` or `data.operationName`; None where there is none."""
    value: object = event
    for part in key.split("."):
        if not isinstance(value, dict):
            return None
        members = cast(dict[str, object], value)
        value = next((member for name, member in members.items() if name.lower() == part.lower()), None)
    return value
