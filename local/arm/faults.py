"""Answers that go wrong on purpose: which requests, how, and how often."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Literal

from local.arm.actions import Action
from local.arm.documents import JsonObject
from local.arm.errors import ArmError
from local.arm.messages import Principal


@dataclass(slots=True, kw_only=True)
class Match:
    """Every given condition must hold. `path` and `operation` are regular expressions, searched without case."""

    method: str | None = None
    path: str | None = None
    operation: str | None = None
    kind: Literal["read", "write", "delete", "action"] | None = None
    principal: str | None = None

    def holds(self, method: str, path: str, action: Action, principal: Principal) -> bool:
        return (
            (self.method is None or self.method.upper() == method)
            and (self.kind is None or self.kind == action.kind)
            and (self.path is None or re.search(self.path, path, re.IGNORECASE) is not None)
            and (self.operation is None or re.search(self.operation, action.name, re.IGNORECASE) is not None)
            and (self.principal is None or self.principal in (principal.name, principal.oid))
        )


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to matching requests, `times` times (None: until it is removed).

    `delay` seconds pass first. Then `drop` closes the connection without an answer, `before` or `after` the
    request has taken effect; or `status` answers with `code` and `message` instead of doing anything; or
    `fail_operation` lets the request begin its long operation, which ends as Failed with `code`.
    """

    match: Match = field(default_factory=Match)
    status: int | None = None
    code: str = "InternalServerError"
    message: str = "An error occurred."
    bare: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    drop: Literal["before", "after"] | None = None
    fail_operation: bool = False
    delay: float = 0
    times: int | None = 1
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    hits: int = 0

    def error(self) -> ArmError | None:
        if self.status is None:
            return None
        return ArmError(
            self.status, self.code, self.message, cause=None, bare=self.bare, headers=self.headers
        )

    def failure(self) -> JsonObject:
        return {"code": self.code, "message": self.message}


@dataclass(slots=True)
class Faults:
    _faults: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def all(self) -> list[Fault]:
        return list(self._faults)

    def clear(self) -> None:
        self._faults.clear()

    def remove(self, fault: str) -> bool:
        """Takes one away by its id; False where there is none."""
        left = [f for f in self._faults if f.id != fault]
        removed = len(left) < len(self._faults)
        self._faults[:] = left
        return removed

    def take(self, method: str, path: str, action: Action, principal: Principal) -> Fault | None:
        """The first fault that matches and is not used up; using it counts."""
        for fault in self._faults:
            if fault.times is not None and fault.hits >= fault.times:
                continue
            if fault.match.holds(method, path, action, principal):
                fault.hits += 1
                return fault
        return None
