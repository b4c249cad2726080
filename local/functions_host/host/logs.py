"""One line a record on standard error: time, level, function, invocation, text."""

import logging
import sys
from collections.abc import Mapping

from aiohttp.http import HttpProcessingError

from local.functions_host.messages import RpcLog

HOST = logging.getLogger("functions_host")
_APP = logging.getLogger("functions_app")

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}


def configure(log_level: Mapping[str, str]) -> None:
    """Log to standard error, from the levels that host.json's `logging.logLevel` gives for categories."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    logging.getLogger("aiohttp.server").addFilter(_without_the_request)
    root.setLevel(logging.WARNING)
    default = log_level.get("default", log_level.get("Default", "Information"))
    HOST.setLevel(_level(log_level.get("Host", default)))
    _APP.setLevel(_level(log_level.get("Function", default)))


def forward(record: RpcLog, function: str | None) -> None:
    """Write a worker's record; `function` is whose invocation it belongs to."""
    whose = f"[{function or 'worker'} {record.invocation_id or '-'}]"
    # The runtime reports each of its steps at INFO; the host's own lines already say as much.
    level = (
        min(record.level, logging.DEBUG)
        if record.is_system and record.level == logging.INFO
        else record.level
    )
    _APP.log(level, "%s %s: %s", whose, record.category, record.message)


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", " ⏎ ")


def _without_the_request(record: logging.LogRecord) -> bool:
    """A request that is no HTTP is quoted whole by its error, and its query may hold a function key."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", ()
        record.exc_info = record.exc_text = None
    return True


def _level(name: str) -> int:
    return _LEVELS.get(name.lower(), logging.INFO)
