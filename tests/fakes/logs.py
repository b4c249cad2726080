"""A log store that answers what it was told to."""

from shared.domain.errors import MeshError
from shared.ports.telemetry import LogTable


class InMemoryLogs:
    """`asked` keeps each query with the hours it looks back; `answer` is raised where it is an error."""

    def __init__(self, answer: LogTable | MeshError | None = None) -> None:
        self.answer: LogTable | MeshError = answer or LogTable((), ())
        self.asked: list[tuple[str, float]] = []

    async def query(self, kql: str, *, hours: float) -> LogTable:
        self.asked.append((kql, hours))
        if isinstance(self.answer, MeshError):
            raise self.answer
        return self.answer
