"""What the triggers measure, on OpenTelemetry's API alone: events taken in, keys coalesced, reconciles, records."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter


class Instruments:
    """Counters and a histogram; without an SDK around the app they cost next to nothing."""

    def event(self, outcome: str, coalesced: int = 0) -> None:
        """One resource event: `accepted`, `ignored` (our own, or above groups) or `malformed`.

        `coalesced` of its keys were on their way already.
        """
        self._events.add(1, {"event.outcome": outcome})
        if coalesced:
            self._coalesced.add(coalesced)

    @contextmanager
    def reconciling(self, key: str) -> Iterator[None]:
        """A span around one message of the queue, and its duration by how it ended."""
        from opentelemetry.trace import get_tracer

        started, ended = perf_counter(), "handled"
        try:
            with get_tracer("meshplane").start_as_current_span("reconcile", attributes={"mesh.key": key}):
                yield
        except BaseException:
            ended = "failed"
            raise
        finally:
            self._seconds.record(perf_counter() - started, {"reconcile.ended": ended})

    def records(self, read: int, alerts: int, dead_letters: int) -> None:
        """One batch of telemetry."""
        for outcome, count in (("read", read), ("alert", alerts), ("dead-letter", dead_letters)):
            if count:
                self._records.add(count, {"record.outcome": outcome})

    @cached_property
    def _meter(self) -> "Meter":
        from opentelemetry.metrics import get_meter

        return get_meter("meshplane")

    @cached_property
    def _events(self) -> "Counter":
        return self._meter.create_counter(
            "meshplane.events", "{event}", "Resource events taken in, by outcome."
        )

    @cached_property
    def _coalesced(self) -> "Counter":
        return self._meter.create_counter(
            "meshplane.keys.coalesced", "{key}", "Keys that a reconcile yet to start covers already."
        )

    @cached_property
    def _seconds(self) -> "Histogram":
        return self._meter.create_histogram(
            "meshplane.reconcile.duration", "s", "Seconds of one queue message."
        )

    @cached_property
    def _records(self) -> "Counter":
        return self._meter.create_counter(
            "meshplane.telemetry.records", "{record}", "Records, alerts, dead letters."
        )
