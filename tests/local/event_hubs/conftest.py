"""Fixtures: one namespace on a thread per test, quick to start, with the hubs that the tests share."""

from collections.abc import Iterator

import pytest

from local.events.hubs.namespace import HubDescription
from local.events.hubs.server import Endpoint, Server, serving_in_thread

HUBS = [
    HubDescription("telemetry", 4, ("meshplane",)),
    HubDescription("single", 1, tuple(f"group-{number}" for number in range(6))),
]


@pytest.fixture
def namespace() -> Iterator[Endpoint]:
    """`telemetry` with four partitions and the consumer group `meshplane`, `single` with one partition."""
    with serving_in_thread(Server(HUBS)) as endpoint:
        yield endpoint
