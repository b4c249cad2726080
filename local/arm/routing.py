"""Which handler answers a path. Resource Manager compares everything but names without regard to case."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from local.arm.errors import ArmError
from local.arm.messages import ArmRequest, ArmResponse

type Handler = Callable[[ArmRequest], ArmResponse | Awaitable[ArmResponse]]

_PARAMETER = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler


@dataclass(slots=True)
class Router:
    """Routes in the order in which they were added; the first that fits wins.

    A pattern is a path with `{name}` for one segment and `{name*}` for one or more segments.
    """

    _routes: list[Route] = field(default_factory=list)

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        self._routes.append(Route(method, _compiled(pattern), handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """The handler and what the pattern captured; 405 where only the method does not fit."""
        known = False
        for route in self._routes:
            match = route.pattern.fullmatch(path)
            if match is None:
                continue
            if route.method == method:
                return route.handler, match.groupdict()
            known = True
        if known:
            raise ArmError(
                405, "MethodNotAllowed", f"The HTTP method '{method}' is not supported at this scope."
            )
        raise ArmError(404, "InvalidResourceType", f"The requested path '{path}' is not served.")


def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    position = 0
    for match in _PARAMETER.finditer(pattern):
        parts.append(re.escape(pattern[position : match.start()]))
        parts.append(f"(?P<{match[1]}>{'.+?' if match[2] else '[^/]+'})")
        position = match.end()
    parts.append(re.escape(pattern[position:]))
    return re.compile("".join(parts), re.IGNORECASE)
