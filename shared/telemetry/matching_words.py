"""The words and numbers in which services say how bad a record is and how an operation ended.

Levels are those of "Common and service-specific schemas for Azure resource logs" and "Azure Activity
Log event schema" (Critical, Error, Warning, Informational), the words of syslog, which virtual
machines forward, and the numbers of .NET's `EventLevel` (1 critical to 5 verbose), which sign-in logs
and API Management write. Results are words, HTTP status codes, or an error number that is 0 where
all went well (sign-in logs); each was seen in a recording or stands in the same documents.
"""

_LEVELS = {
    "critical": ("critical", "crit", "emergency", "emerg", "alert", "fatal", "1"),
    "error": ("error", "err", "2"),
    "warning": ("warning", "warn", "3"),
    "informational": ("informational", "information", "info", "notice", "4"),
    "verbose": ("verbose", "debug", "trace", "5"),
}
_LEVEL_OF = {word: level for level, words in _LEVELS.items() for word in words}
LEVELS = frozenset(_LEVELS)

_FAILURES = frozenset(
    {
        "failed",
        "failure",
        "fail",
        "error",
        "clienterror",
        "servererror",
        "clientothererror",
        "serverothererror",
        "forbidden",
        "unauthorized",
        "denied",
        "timedout",
        "timeout",
        "throttled",
    }
)
_SUCCESSES = frozenset({"succeeded", "success", "successful", "ok", "completed", "created", "updated"})


def level_of(level: str | int | None) -> str:
    """One of `LEVELS`, or empty."""
    return _LEVEL_OF.get(_word(level), "")


def result_of(*said: str | int | None) -> str:
    """`failure` where one of what was said is that, else `success` where one is, else empty."""
    ends = {_end(_word(s)) for s in said}
    return "failure" if "failure" in ends else "success" if "success" in ends else ""


def _end(word: str) -> str:
    first = word.partition(".")[0]  # `Failed.NotFound`, `Succeeded.`
    if first in _FAILURES:
        return "failure"
    if first in _SUCCESSES:
        return "success"
    if not (word.isascii() and word.isdigit()):
        return ""
    number = int(word[:9])
    return "success" if number == 0 or 200 <= number < 400 else "" if number < 200 else "failure"


def _word(said: str | int | None) -> str:
    return "" if said is None else str(said).strip().lower()
