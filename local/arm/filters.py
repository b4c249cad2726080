"""The `$filter` of resource and group lists: comparisons joined by `and`, alternatives by `or`, in parentheses."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.arm.errors import ArmError

_COMPARISON = re.compile(r"\s*([\w/]+)\s+(eq|ne)\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_CONTAINS = re.compile(r"\s*substringof\('((?:[^']|'')*)',\s*(\w+)\)\s*", re.IGNORECASE)
_STARTS = re.compile(r"\s*startswith\((\w+),\s*'((?:[^']|'')*)'\)\s*", re.IGNORECASE)

# What structure consists of; quoted values are matched as a whole so that nothing in them counts.
_TOKEN = re.compile(r"'(?:[^']|'')*'|[()]|\s(?:and|or)\s", re.IGNORECASE)


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

    @property
    def by_tag(self) -> bool:
        return any(
            condition.field in ("tagname", "tagvalue") for part in self.alternatives for condition in part
        )

    def holds(self, fields: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        return not self.alternatives or any(_all_hold(part, fields, tags) for part in self.alternatives)


def parse(text: str | None, allowed: frozenset[str]) -> Filter:
    """`allowed` are the fields in lower case that this list can be filtered by."""
    if not text or not text.strip():
        return Filter()
    alternatives = _alternatives(text, text)
    if not {condition.field for part in alternatives for condition in part} <= allowed:
        raise _invalid(text)
    return Filter(alternatives)


def _alternatives(part: str, text: str) -> tuple[tuple[Condition, ...], ...]:
    """The disjunctive normal form of `part`, a piece of `text`: `a and (b or c)` is `a and b`, or `a and c`."""
    pieces = _split(part, "or")
    if len(pieces) > 1:
        return tuple(found for piece in pieces for found in _alternatives(piece, text))
    pieces = _split(part, "and")
    if len(pieces) > 1:
        combinations = itertools.product(*(_alternatives(piece, text) for piece in pieces))
        return tuple(tuple(itertools.chain(*combination)) for combination in combinations)
    bare = part.strip()
    if bare.startswith("(") and bare.endswith(")"):
        return _alternatives(bare[1:-1], text)
    return ((_condition(part, text),),)


def _split(part: str, word: str) -> list[str]:
    """Cut at `word` where it stands outside of parentheses and quotes."""
    pieces: list[str] = []
    start = depth = 0
    for match in _TOKEN.finditer(part):
        token = match[0].lower()
        depth += (token == "(") - (token == ")")
        if depth == 0 and token.strip() == word:
            pieces.append(part[start : match.start()])
            start = match.end()
    return [*pieces, part[start:]]


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
