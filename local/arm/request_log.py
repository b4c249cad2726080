"""Every request that Resource Manager received, with who sent it and how it ended."""

from collections import deque
from dataclasses import dataclass, field

from local.arm.access.book import Right
from local.arm.actions import ActionKind

KEPT = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """`status` 0 means that the connection was dropped. No query, body, token or claim is kept.

    `rights` is what it needed and was allowed, empty where rights are not asked for or something was refused.
    """

    number: int
    time: str
    principal: str
    oid: str
    method: str
    path: str
    operation: str
    kind: ActionKind
    status: int
    error: str | None
    correlation_id: str
    rights: tuple[Right, ...] = ()


@dataclass(slots=True)
class RequestLog:
    _requests: deque[LoggedRequest] = field(default_factory=lambda: deque(maxlen=KEPT))
    _next: int = 1

    def add(
        self,
        *,
        time: str,
        principal: str,
        oid: str,
        method: str,
        path: str,
        operation: str,
        kind: ActionKind,
        status: int,
        error: str | None,
        correlation_id: str,
        rights: tuple[Right, ...] = (),
    ) -> None:
        self._requests.append(
            LoggedRequest(
                number=self._next,
                time=time,
                principal=principal,
                oid=oid,
                method=method,
                path=path,
                operation=operation,
                kind=kind,
                status=status,
                error=error,
                correlation_id=correlation_id,
                rights=rights,
            )
        )
        self._next += 1

    def since(self, number: int) -> list[LoggedRequest]:
        """Requests after the one with this number; 0 for all."""
        return [request for request in self._requests if request.number > number]

    def clear(self) -> None:
        """Forget what was logged; numbers go on."""
        self._requests.clear()
