"""Texts that come from outside, made harmless: what a terminal would obey, or a reader could not see, is written out.

Names, reasons and messages are written by many teams. A control character can clear a terminal or set its title, a
right-to-left override turns what follows around ("Trojan Source", CVE-2021-42574), a zero-width one hides a difference.
"""

import json
import re
import unicodedata
from datetime import UTC, datetime

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode's general categories
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)


def harmless(text: str) -> str:
    """A text on one line, in which everything that is no visible character or space is written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) if _is_hidden(character) else character for character in text)


def harmless_json(found: object, *, indent: int | None = 2, ascii_alone: bool = False) -> str:
    """JSON that any parser reads as the same, with the same characters written as escapes; or all beyond ASCII."""
    text = json.dumps(found, indent=indent, ensure_ascii=ascii_alone)
    return "".join(_unit(c) if _is_hidden(c) and c != "\n" else c for c in text)


def in_words(value: object) -> str:
    """A value of the API in a cell: times to the second, nothing as `-`, lists by commas."""
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.4f}".rstrip("0").rstrip(".")
        case str():
            return time_of(value) if _TIME.fullmatch(value) else harmless(value)
        case list():
            return ", ".join(map(in_words, value))
        case dict():
            return (
                ", ".join(f"{harmless(str(name))}: {in_words(each)}" for name, each in value.items()) or "-"
            )
    return harmless(str(value))


def time_of(text: str) -> str:
    """A time in UTC, to the second, short enough for a column; a text that only looks like one stays."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    except (ValueError, OverflowError):
        return harmless(text)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def _shown(character: str) -> str:
    return _SHORT.get(character) or _unit(character)


def _unit(character: str) -> str:
    """An escape as JSON writes it: beyond the basic plane it takes two."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))
