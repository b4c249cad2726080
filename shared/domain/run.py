"""Which run the present code belongs to: on every log line, and sent to Azure with every call."""

from contextvars import ContextVar

import msgspec


class Run(msgspec.Struct, frozen=True):
    """`operation` is the id of one run: Azure's activity log shows it as the correlation id of what it wrote."""

    key: str
    generation: int
    operation: str


current_run: ContextVar[Run | None] = ContextVar("current_run", default=None)
