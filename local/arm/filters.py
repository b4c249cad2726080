"""The `$filter` of resource and group lists: comparisons joined by `and`, alternatives by `or`, no parentheses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.arm.errors import ArmError

_COMPARISON = re.compile(r"\s*([\w/]+)\s+(eq|ne)\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_CONTAINS = re.compile(r"\s*substringof\('((?:[^']|'')*)',\s*(\w+)\)\s*", re.IGNORECASE)
_STARTS = re.compile(r"\s*startswith\((\w+),\s*'((?:[^']|'')*)'\)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    operator: str
    value: str

    def holds(self, fields: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        match self.field, self.operator:
            case "tagname", "eq":
                return any(name.lower() == self.value.lower() for name in tags)
            case "tagname", "startswith":
                return any(name.lower().startswith(self.value.lower()) for name in tags)
            case _, "eq":
                return fields.get(self.field, "").lower() == self.value.lower()
            case _, "ne":
                return fields.get(self.field, "").lower() != self.value.lower()
            case _, "startswith":
                return fields.get(self.field, "").lower().startswith(self.value.lower())
            case _:
                return self.value.lower() in fields.get(self.field, "").lower()


@dataclass(frozen=True, slots=True)
class Filter:
    """Alternatives, each a list of conditions that must all hold. No alternatives: everything passes."""

    alternatives: tuple[tuple[Condition, ...], ...] = ()

    def holds(self, fields: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        return not self.alternatives or any(_all_hold(part, fields, tags) for part in self.alternatives)


def parse(text: str | None, allowed: frozenset[str]) -> Filter:
    """`allowed` are the fields in lower case that this list can be filtered by."""
    if not text:
        return Filter()
    parts = re.split(r"\s+or\s+(?=(?:[^']*'[^']*')*[^']*$)", text, flags=re.IGNORECASE)
    return Filter(tuple(_conjunction(part, text, allowed) for part in parts))


def _conjunction(part: str, text: str, allowed: frozenset[str]) -> tuple[Condition, ...]:
    pieces = re.split(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)", part, flags=re.IGNORECASE)
    conditions = tuple(_condition(piece, text) for piece in pieces)
    if not {condition.field for condition in conditions} <= allowed:
        raise _invalid(text)
    return conditions


def _condition(piece: str, text: str) -> Condition:
    if match := _COMPARISON.fullmatch(piece):
        return Condition(match[1].lower(), match[2].lower(), match[3].replace("''", "'"))
    if match := _STARTS.fullmatch(piece):
        return Condition(match[1].lower(), "startswith", match[2].replace("''", "'"))
    if match := _CONTAINS.fullmatch(piece):
        return Condition(match[2].lower(), "contains", match[1].replace("''", "'"))
    raise _invalid(text)


def _all_hold(conditions: tuple[Condition, ...], fields: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    names = [condition.value.lower() for condition in conditions if condition.field == "tagname"]
    for condition in conditions:
        if condition.field == "tagvalue":
            # The value belongs to the tag that the same alternative names.
            values = [value for name, value in tags.items() if not names or name.lower() in names]
            if condition.value not in values:
                return False
        elif not condition.holds(fields, tags):
            return False
    return True


def _invalid(text: str) -> ArmError:
    return ArmError(
        400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string."
    )
