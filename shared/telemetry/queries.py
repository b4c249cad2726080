"""Named queries: KQL whose parameters are its `let` lines, so that each also runs as it stands.

A file under `infra/queries` begins with a comment that says what it answers, and then has a line for each parameter:

    let _hours = 24; // how many hours back, 1 to 720

The name follows the underscore, the literal is the default and tells the type, the comment says what it means and,
for numbers, the bounds. Only the literal of such a line is ever replaced, by one written here from a checked value:
what a caller sends never becomes part of a query's text.
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from shared.domain.errors import Terminal

type Kind = Literal["text", "whole number", "number"]

LONGEST_TEXT = 200
_LET = re.compile(r"^let _(?P<name>[a-z_]+) = (?P<literal>[^;]+); // (?P<about>.+)$")
_BOUNDS = re.compile(r", (?P<least>[\d.]+) to (?P<most>[\d.]+)$")
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


class QueryParameter(msgspec.Struct, frozen=True):
    """A parameter of a named query; `default` as it is written in a request. Numbers lie from `least` to `most`."""

    name: str
    kind: Kind
    about: str
    default: str
    least: float | None = None
    most: float | None = None

    def literal(self, value: str) -> str:
        """The KQL literal for a value as it stands in a request. Raises Terminal: ParameterInvalid."""
        if self.kind == "text":
            return _text_literal(self.name, value)
        shape = _WHOLE if self.kind == "whole number" else _NUMBER
        least, most = self.least or 0.0, self.most or 999_999_999.0
        if not shape.fullmatch(value) or not least <= float(value) <= most:
            raise _invalid(
                f"{self.name} must be a {self.kind} from {least:g} to {most:g}, not {value[:40]!r}"
            )
        return str(int(value)) if self.kind == "whole number" else repr(float(value))


class NamedQuery(msgspec.Struct, frozen=True):
    """A query that may be asked for by its name; `about` is the first sentence of its comment."""

    name: str
    about: str
    parameters: tuple[QueryParameter, ...]
    text: str

    def hours(self, values: Mapping[str, str]) -> float:
        """How far back it looks with these values."""
        default = next((p.default for p in self.parameters if p.name == "hours"), "24")
        return float(values.get("hours") or default)

    def filled(self, values: Mapping[str, str]) -> str:
        """The KQL with these values, the defaults of others. Raises Terminal: ParameterInvalid, ParameterUnknown."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                names = ", ".join(known) or "none"
                raise Terminal(
                    "ParameterUnknown", f"{self.name} has no parameter {name[:40]!r}; it has {names}"
                )
        literals = {name: known[name].literal(value) for name, value in values.items()}
        return "\n".join(_replaced(line, literals) for line in self.text.splitlines()) + "\n"


def parse_query(name: str, text: str) -> NamedQuery:
    """A query from its file. Raises ValueError where a `let` line is not as it should be, or there is no comment."""
    lines = text.splitlines()
    comment = lines[0].removeprefix("// ") if lines and lines[0].startswith("// ") else ""
    if not comment:
        raise ValueError(f"{name} does not begin with a comment that says what it answers")
    parameters = tuple(_parameter(name, line) for line in lines if line.startswith("let _"))
    return NamedQuery(name, comment, parameters, text)


def _parameter(query: str, line: str) -> QueryParameter:
    found = _LET.match(line)
    if not found:
        raise ValueError(f"{query}: {line!r} is not `let _name = literal; // what it means`")
    literal, about = found["literal"], found["about"]
    bounds = _BOUNDS.search(about)
    least = float(bounds["least"]) if bounds else None
    most = float(bounds["most"]) if bounds else None
    if literal.startswith("'"):
        return QueryParameter(found["name"], "text", about, literal[1:-1])
    kind: Kind = "whole number" if _WHOLE.fullmatch(literal) else "number"
    if kind == "number" and not _NUMBER.fullmatch(literal):
        raise ValueError(f"{query}: {literal} is neither a text in single quotes nor a number")
    return QueryParameter(found["name"], kind, about, literal, least, most)


def _replaced(line: str, literals: Mapping[str, str]) -> str:
    found = _LET.match(line)
    if not found or found["name"] not in literals:
        return line
    return line[: found.start("literal")] + literals[found["name"]] + line[found.end("literal") :]


def _text_literal(name: str, value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise _invalid(f"{name} may have {LONGEST_TEXT} characters, not {len(value)}")
    if not value.isprintable():
        raise _invalid(f"{name} may hold no control characters")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _invalid(message: str) -> Terminal:
    return Terminal("ParameterInvalid", message)
