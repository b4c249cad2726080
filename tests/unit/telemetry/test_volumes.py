"""Volumes are gathered, and written from time to time; what they fail of holds nothing up."""

from collections.abc import Sequence

from shared.domain.errors import Transient
from shared.ports.telemetry import Volume
from shared.telemetry.volumes import VolumeMeter
from tests.fakes.clock import FakeClock
from tests.fakes.windows import InMemoryVolumes
from tests.unit.telemetry.samples import SALES, envelope, sample
from tests.unit.telemetry.streams import Instance, Stores, event_of

NODE = str(SALES)


async def test_what_a_node_streams_is_written_every_half_minute() -> None:
    stores = Stores(())
    instance = Instance(stores)
    body = envelope(sample(), sample(category="Other"), sample())
    for second in range(31):
        await instance.process(event_of(body, "0", second, stores.clock.now()))
        stores.clock.advance(1)
    found = {v.category: (v.bytes, v.records) for v in await stores.volumes.of(NODE)}
    assert set(found) == {"AuditEvent", "Other"}
    assert found["AuditEvent"][1] == 2 * found["Other"][1] == 62
    assert sum(size for size, _ in found.values()) == 31 * len(body)


async def test_a_store_that_fails_costs_an_estimate_and_no_batch() -> None:
    class Down(InMemoryVolumes):
        async def add(self, volumes: Sequence[Volume]) -> None:
            raise Transient("ServerBusy", "the table is down")

    clock = FakeClock()
    meter = VolumeMeter(Down(clock), clock)
    for _ in range(3):
        await meter.add({(NODE, "Audit"): (10.0, 1)}, clock.now())
        clock.advance(31)


async def test_a_clock_that_jumps_back_stops_no_writing() -> None:
    clock = FakeClock()
    volumes = InMemoryVolumes(clock)
    meter = VolumeMeter(volumes, clock)
    await meter.add({(NODE, "Audit"): (10.0, 1)}, clock.now())
    clock.advance(-3600)
    await meter.add({(NODE, "Audit"): (10.0, 1)}, clock.now())
    assert [v.records for v in await volumes.of(NODE)] == [2]
