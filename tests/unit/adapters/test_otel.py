"""Measures of calls reach OpenTelemetry once somebody installs its SDK."""

from collections.abc import Iterator

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.adapters import otel
from shared.adapters.instruments import Instruments
from shared.adapters.otel import arm_call

PEERINGS = "microsoft.network/virtualnetworks/virtualnetworkpeerings"


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader: InMemoryMetricReader) -> Meter:
    """Of a provider for this test alone: the global one may be set only once in a process."""
    return MeterProvider([reader]).get_meter("test")


@pytest.fixture
def measured(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Calls are measured with this test's meter."""
    monkeypatch.setattr(otel, "_meter", lambda: meter)
    _forget()
    yield
    _forget()


def _forget() -> None:
    for cached in (otel._calls, otel._seconds):
        cached.cache_clear()


@pytest.mark.usefixtures("measured")
def test_a_call_is_counted_by_kind_type_and_result(reader: InMemoryMetricReader) -> None:
    for method, result in (("GET", "200"), ("GET", "200"), ("PUT", "429"), ("DELETE", "202")):
        with arm_call(method, PEERINGS) as call:
            call.result = result
    with pytest.raises(TimeoutError), arm_call("GET", PEERINGS):
        raise TimeoutError
    assert _points(reader, "meshplane.arm.calls") == {
        ("read", PEERINGS, "200"): 2,
        ("write", PEERINGS, "429"): 1,
        ("delete", PEERINGS, "202"): 1,
        ("read", PEERINGS, "TimeoutError"): 1,
    }


def test_the_triggers_count_their_work(reader: InMemoryMetricReader, meter: Meter) -> None:
    instruments = Instruments()
    instruments._meter = meter
    instruments.event("accepted", coalesced=2)
    instruments.event("malformed")
    instruments.records(10, 2, 1)
    instruments.records(5, 0, 0)
    with instruments.reconciling("node/s/g"):
        pass
    with pytest.raises(KeyError), instruments.reconciling("node/s/g"):
        raise KeyError
    assert _points(reader, "meshplane.events") == {("accepted",): 1, ("malformed",): 1}
    assert _points(reader, "meshplane.keys.coalesced") == {(): 2}
    assert _points(reader, "meshplane.telemetry.records") == {
        ("read",): 15,
        ("alert",): 2,
        ("dead-letter",): 1,
    }
    durations = _points(reader, "meshplane.reconcile.duration")
    assert set(durations) == {("handled",), ("failed",)}
    assert all(seconds >= 0 for seconds in durations.values())


def _points(reader: InMemoryMetricReader, name: str) -> dict[tuple[object, ...], float]:
    data = reader.get_metrics_data()
    assert data is not None
    metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
    [points] = [m.data.data_points for m in metrics if m.name == name]
    return {tuple((p.attributes or {}).values()): getattr(p, "value", getattr(p, "sum", 0)) for p in points}
