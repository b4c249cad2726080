"""Translating what a library raises, once, at the edge."""

from abc import ABC, abstractmethod
from types import TracebackType

from shared.domain.errors import MeshError


class Translation(ABC):
    """Raises our error for a library's inside a `with` block; `target` is what the error is said to be about."""

    def __init__(self, target: str) -> None:
        self._target = target

    @abstractmethod
    def translate(self, error: BaseException, target: str) -> MeshError | None:
        """Our error, or None where the library's passes unchanged."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        translated = self.translate(error, self._target) if error else None
        if translated:
            raise translated from error
