"""What the app tells OpenTelemetry: spans and measures of calls to Resource Manager, and counts of the work done.

Only the API is used: without an SDK that somebody installs around the app, this costs next to nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.trace import Tracer

_SCOPE = "meshplane"


class Instruments:
    """What the triggers count."""

    def event(self, outcome: str) -> None:
        """One resource event: `accepted`, `own` (our own write came back) or `malformed`."""
        _counter("meshplane.events", "{event}").add(1, {"outcome": outcome})

    def reconciled(self, seconds: float) -> None:
        """One reconcile of a key."""
        _histogram("meshplane.reconcile.duration").record(seconds)

    def records(self, records: int, alerts: int, dead_letters: int) -> None:
        """One batch of telemetry: what was in it and what came of it."""
        _counter("meshplane.telemetry.records", "{record}").add(records)
        _counter("meshplane.telemetry.alerts", "{alert}").add(alerts)
        _counter("meshplane.telemetry.dead_letters", "{letter}").add(dead_letters)


class ArmCall:
    """One call that is under way; `result` is the HTTP status, or the error's name where there was no answer."""

    result = ""


@contextmanager
def arm_call(method: str, resource_type: str) -> Iterator[ArmCall]:
    """A span around one request, and one count and one duration by kind (read, write, delete), type and result."""
    from opentelemetry.trace import SpanKind

    kind = "read" if method in ("GET", "HEAD") else "delete" if method == "DELETE" else "write"
    attributes = {"arm.kind": kind, "arm.type": resource_type}
    call, started = ArmCall(), perf_counter()
    name = f"{method} {resource_type}"
    with _tracer().start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes) as span:
        try:
            yield call
        except Exception as error:
            call.result = type(error).__name__
            raise
        finally:
            span.set_attribute("arm.result", call.result)
            measured = {**attributes, "arm.result": call.result}
            _counter("meshplane.arm.calls", "{call}").add(1, measured)
            _histogram("meshplane.arm.call.duration").record(perf_counter() - started, measured)


@cache
def _tracer() -> "Tracer":
    from opentelemetry.trace import get_tracer

    return get_tracer(_SCOPE)


@cache
def _meter() -> "Meter":
    from opentelemetry.metrics import get_meter

    return get_meter(_SCOPE)


@cache
def _counter(name: str, unit: str) -> "Counter":
    return _meter().create_counter(name, unit)


@cache
def _histogram(name: str) -> "Histogram":
    return _meter().create_histogram(name, "s")
