"""Counting calls to Resource Manager, per reconcile."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Calls:
    """Reads (GET, HEAD) and writes (the rest) that reached Resource Manager; each page and each retry is one."""

    reads: int = 0
    writes: int = 0


counted_calls: ContextVar[Calls | None] = ContextVar("counted_calls", default=None)


def count_call(*, write: bool) -> None:
    """Adds one call to the reconcile that is running in this context, if any."""
    calls = counted_calls.get()
    if calls is None:
        return
    if write:
        calls.writes += 1
    else:
        calls.reads += 1


urgent: ContextVar[bool] = ContextVar("urgent", default=False)
"""Whether a person waits for what is done in this context: it may use the share of a quota that others leave."""


@contextmanager
def waited_for(somebody_waits: bool = True) -> Iterator[None]:
    """Marks what is done inside as `urgent`, or as what may wait."""
    token = urgent.set(somebody_waits)
    try:
        yield
    finally:
        urgent.reset(token)


hub_waits: ContextVar[bool] = ContextVar("hub_waits", default=False)
"""Whether this context has had a hub's turn: others are in line behind it, so that its requests go before theirs."""
