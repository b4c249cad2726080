"""Route templates of HTTP triggers, matched as ASP.NET Core routing does.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing (templates, constraints, precedence).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote
from uuid import UUID

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::(?:[^{}()?=:]|\([^()]*\))+)*)(\?)?(?:=([^{}]*))?\}")
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^()]*)\))?")
# ASP.NET Core decodes a path but for the slash, which would change its segments.
_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)

type Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Route:
    """A template such as `nodes/{subscription}/{group?}`. Lower `precedence` is tried first."""

    template: str
    precedence: tuple[int, ...]
    _pattern: re.Pattern[str]
    _checks: Mapping[str, tuple[Check, ...]]
    _defaults: Mapping[str, str]

    @classmethod
    def parse(cls, template: str) -> Self:
        """Read a template. Raises ValueError for a constraint that is not known."""
        segments = [segment for segment in template.strip("/").split("/") if segment]
        parameters = list(_PARAMETER.finditer(template))
        return cls(
            template,
            tuple(_rank(segment) for segment in segments),
            re.compile("".join(_segment_pattern(segment) for segment in segments), re.IGNORECASE | re.DOTALL),
            {match[2]: tuple(_checks(match[3])) for match in parameters},
            {match[2]: match[5] for match in parameters if match[5] is not None},
        )

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters' values when the raw, still encoded `path` (`/nodes/a%20b`) fits; else None."""
        found = self._pattern.fullmatch("/" + path.strip("/") if path.strip("/") else "")
        if not found:
            return None
        values = {name: decode(value) for name, value in found.groupdict().items() if value}
        if not all(check(values[name]) for name in values for check in self._checks[name]):
            return None
        return {**self._defaults, **values}


def decode(segment: str) -> str:
    """Percent-decode a part of a path, leaving an encoded slash as it is."""
    return unquote(_ENCODED_SLASH.sub("%252F", segment))


def _rank(segment: str) -> int:
    parameter = _PARAMETER.fullmatch(segment)
    if not parameter:
        return 2 if "{" in segment else 1
    if parameter[1]:
        return 4 if parameter[3] else 5
    return 2 if parameter[3] else 3


def _segment_pattern(segment: str) -> str:
    whole = _PARAMETER.fullmatch(segment)
    if whole and whole[1]:
        return f"(?:/(?P<{whole[2]}>.*))?"
    if whole and (whole[4] or whole[5] is not None):
        return f"(?:/(?P<{whole[2]}>[^/]+))?"
    literals = re.split(_PARAMETER.pattern, segment)[:: _PARAMETER.groups + 1]
    names = [match[2] for match in _PARAMETER.finditer(segment)]
    pattern = re.escape(literals[0])
    for name, literal in zip(names, literals[1:], strict=True):
        pattern += f"(?P<{name}>[^/]+)" + re.escape(literal)
    return "/" + pattern


def _checks(constraints: str) -> list[Check]:
    return [_check(match[1].lower(), match[2]) for match in _CONSTRAINT.finditer(constraints)]


def _check(name: str, argument: str | None) -> Check:
    if name in _SIMPLE:
        return _SIMPLE[name]
    if name == "regex" and argument is not None:
        pattern = re.compile(argument, re.IGNORECASE)
        return lambda value: pattern.search(value) is not None
    numbers = [int(number) for number in (argument or "").split(",") if number.strip()]
    if name in _NUMERIC and numbers:
        return _NUMERIC[name](numbers)
    raise ValueError(f"route constraint '{name}' is not known")


def _parses(parse: Callable[[str], object]) -> Check:
    def check(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return check


def _is_integer(bits: int) -> Check:
    def check(value: str) -> bool:
        return bool(re.fullmatch(r"[+-]?\d+", value)) and -(2 ** (bits - 1)) <= int(value) < 2 ** (bits - 1)

    return check


_SIMPLE: dict[str, Check] = {
    "int": _is_integer(32),
    "long": _is_integer(64),
    "bool": lambda value: value.lower() in ("true", "false"),
    "guid": _parses(UUID),
    "alpha": lambda value: bool(re.fullmatch(r"[A-Za-z]*", value)),
    "decimal": _parses(float),
    "double": _parses(float),
    "float": _parses(float),
    "required": bool,
}
_NUMERIC: dict[str, Callable[[list[int]], Check]] = {
    "length": lambda given: lambda value: given[0] <= len(value) <= given[-1],
    "minlength": lambda given: lambda value: len(value) >= given[0],
    "maxlength": lambda given: lambda value: len(value) <= given[0],
    "min": lambda given: lambda value: _is_integer(64)(value) and int(value) >= given[0],
    "max": lambda given: lambda value: _is_integer(64)(value) and int(value) <= given[0],
    "range": lambda given: lambda value: _is_integer(64)(value) and given[0] <= int(value) <= given[-1],
}
