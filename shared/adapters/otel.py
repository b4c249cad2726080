"""What is told to OpenTelemetry of calls to Resource Manager: a span, a count and a duration each.

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
            _calls().add(1, measured)
            _seconds().record(perf_counter() - started, measured)


@cache
def _tracer() -> "Tracer":
    from opentelemetry.trace import get_tracer

    return get_tracer(_SCOPE)


@cache
def _meter() -> "Meter":
    from opentelemetry.metrics import get_meter

    return get_meter(_SCOPE)


@cache
def _calls() -> "Counter":
    return _meter().create_counter("meshplane.arm.calls", "{call}", "Calls to Resource Manager.")


@cache
def _seconds() -> "Histogram":
    return _meter().create_histogram("meshplane.arm.call.duration", "s", "Until Resource Manager answered.")
