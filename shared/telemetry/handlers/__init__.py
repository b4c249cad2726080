"""What is told of alerts. A handler is one small class; it is known to rules once it is in the registry.

How one is added: docs/handlers.md.
"""

from collections.abc import Iterable, Mapping

from shared.ports.telemetry import Handler
from shared.telemetry.handlers.record import Record


def registry(handlers: Iterable[Handler]) -> Mapping[str, Handler]:
    """The handlers by the names that rules call them by; `record` is always there."""
    return {handler.name: handler for handler in (Record(), *handlers)}
