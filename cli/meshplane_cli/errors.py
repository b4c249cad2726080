"""What can go wrong, and the exit code of each; usage errors (2) are typer's own.

MeshplaneError
├── Refused      1    the mesh says no: a 4xx, with its problem's text
├── Unusable     2    what was given cannot be used, said before anything is sent
├── Unreachable  3    no answer, an answer that nobody understands, or a 5xx
├── EndedBadly   4    what was watched cannot come to the state that was wished any more
├── TooLate      5    what was watched had not come there in time
└── Ailing       6    doctor found something that has to be mended
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class MeshplaneError(Exception):
    """`what` happened, `to` what, and what to `do`; the texts may come from outside."""

    exit_code: ClassVar[int]

    def __init__(self, what: str, *, to: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.to = to
        self.do = do

    def document(self) -> dict[str, Any]:
        """The error for programs."""
        return {"error": type(self).__name__, "detail": self.what, "target": self.to, "remedy": self.do}


class FromApi(MeshplaneError):
    """An answer of the API that is an error: its status, and the problem's `code` and `allowed` (RFC 9457)."""

    def __init__(
        self,
        what: str,
        *,
        to: str = "",
        do: str = "",
        status: int = 0,
        code: str = "",
        allowed: Sequence[str] = (),
    ) -> None:
        super().__init__(what, to=to, do=do)
        self.status = status
        self.code = code
        self.allowed = tuple(allowed)
        self.retry_after = 0.0  # seconds, where the answer named them

    def document(self) -> dict[str, Any]:
        return super().document() | {
            "status": self.status,
            "code": self.code,
            "allowed": list(self.allowed),
        }


class Refused(FromApi):
    """The mesh says no."""

    exit_code = 1


class Unusable(MeshplaneError):
    """An address, a key or an identity that cannot be used."""

    exit_code = 2


class Unreachable(FromApi):
    """There was no answer that could be used; `status` is 0 where there was none at all."""

    exit_code = 3


class EndedBadly(MeshplaneError):
    """It will not come to the state that was wished."""

    exit_code = 4


class TooLate(MeshplaneError):
    """It had not come to the state that was wished in time."""

    exit_code = 5


class Ailing(MeshplaneError):
    """Something has to be mended."""

    exit_code = 6


INTERRUPTED = 130  # 128 and SIGINT, as shells count
BROKEN_PIPE = 141  # 128 and SIGPIPE
