"""Requests and answers held against Azure's OpenAPI documents, with what is known to stray from them."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.local.arm.conformance.openapi import operation_of, violations
from tests.local.arm.conformance.recordings import Exchange
from tests.support.local_arm import Answer

_LIST = Path(__file__).with_name("undeclared.toml")


@dataclass(frozen=True, slots=True)
class Stray:
    """`found` is a regular expression for one whole violation."""

    found: str
    reason: str
    request: str = ".*"


@cache
def strays() -> tuple[Stray, ...]:
    document = tomllib.loads(_LIST.read_text(encoding="utf-8"))
    return tuple(Stray(**entry) for entry in document["undeclared"])


@dataclass(slots=True)
class Declarations:
    """Counts what was held against a document; `used` are the exceptions that were needed."""

    requests: int = 0
    answers: int = 0
    operations: set[str] = field(default_factory=set)
    used: set[Stray] = field(default_factory=set)

    def check(self, exchange: Exchange, ours: Answer) -> Iterator[str]:
        """What no exception covers, one sentence each; refused requests are no examples of good ones."""
        operation = operation_of(exchange.method, exchange.path)
        if operation is None or ours.status >= 400:
            return
        self.operations.add(f"{operation.method} {operation.pattern.pattern}")
        sent, answer = operation.request(), operation.answer(ours.status)
        what = f"{exchange.method} {exchange.path}"
        if sent is not None and exchange.sent is not None:
            self.requests += 1
            for found in violations(exchange.sent, sent, "request"):
                if not self._covered(what, found):
                    yield f"{found} ({operation.file.name})"
        if answer is not None:
            self.answers += 1
            for found in violations(ours.body, answer, "answer"):
                if not self._covered(what, found):
                    yield f"{found} ({operation.file.name})"

    def line(self) -> str:
        return (
            f"OpenAPI: {self.requests} requests and {self.answers} answers of {len(self.operations)} operations are as "
            f"declared, but for {len(strays())} listed exceptions"
        )

    def _covered(self, request: str, found: str) -> bool:
        for entry in strays():
            if re.search(entry.request, request, re.IGNORECASE) and re.fullmatch(entry.found, found):
                self.used.add(entry)
                return True
        return False
