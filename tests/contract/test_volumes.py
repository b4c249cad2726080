"""Volumes, in memory and on tables."""

import asyncio

import pytest

from shared.adapters.tables.volumes import TableVolumes
from shared.ports.telemetry import Volume, Volumes
from tests.contract.conftest import AZURITE, FAKE
from tests.fakes.clock import FakeClock
from tests.fakes.windows import InMemoryVolumes

DAY = 86400


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=[FAKE, AZURITE])
def volumes(request: pytest.FixtureRequest, clock: FakeClock) -> Volumes:
    if request.param == FAKE:
        return InMemoryVolumes(clock)
    return TableVolumes(request.getfixturevalue("table_storage"), clock)


def volume(clock: FakeClock, size: int, category: str = "Audit", node: str = "node/s/g") -> Volume:
    day = clock.now().date().isoformat()
    return Volume(node=node, category=category, day=day, bytes=size, records=size // 10)


async def test_volumes_of_one_day_and_category_are_added_up(volumes: Volumes, clock: FakeClock) -> None:
    more = [volume(clock, 100), volume(clock, 30, "SQL/Insights"), volume(clock, 10, node="node/s/other")]
    await asyncio.gather(*(volumes.add(more) for _ in range(5)))
    assert await volumes.of("node/s/g") == [volume(clock, 500), volume(clock, 150, "SQL/Insights")]
    assert await volumes.of("node/s/nobody") == []


async def test_days_come_in_their_order_and_no_more_than_asked_for(
    volumes: Volumes, clock: FakeClock
) -> None:
    known = []
    for size in (10, 20, 30):
        known.append(volume(clock, size))
        await volumes.add(known[-1:])
        clock.advance(DAY)
    assert await volumes.of("node/s/g") == known
    assert await volumes.of("node/s/g", days=3) == known[1:]
    clock.advance(29 * DAY)
    await volumes.add([volume(clock, 40)])
    assert [v.bytes for v in await volumes.of("node/s/g", days=365)] == [30, 40]
