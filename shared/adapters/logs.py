"""Structured logs: our lines are JSON objects with the key, generation and operation id of the run they belong to."""

import json
import logging
from collections.abc import Callable

from shared.domain.run import current_run

ROOMS = ("shared.", "functions.")


def structure_logs() -> None:
    """From now on our own log lines are JSON, and Azure's clients log only what is wrong. May be called again."""
    logging.getLogger("azure").setLevel(logging.WARNING)
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, _Structured):
        logging.setLogRecordFactory(_Structured(factory))


class _Structured:
    """A log record factory, since a filter on a logger does not see what its children log."""

    def __init__(self, factory: Callable[..., logging.LogRecord]) -> None:
        self._factory = factory

    def __call__(self, *args: object, **kwargs: object) -> logging.LogRecord:
        record = self._factory(*args, **kwargs)
        if not record.name.startswith(ROOMS):
            return record
        run = current_run.get()
        line = {
            "message": record.getMessage(),
            "key": run.key if run else None,
            "generation": run.generation if run else None,
            "operation": run.operation if run else None,
        }
        # A message without arguments is not formatted again: a per cent sign in it stays one.
        record.msg, record.args = json.dumps(line), ()
        return record
