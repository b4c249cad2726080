"""Every port in memory, on a clock that only tests move."""

from tests.fakes.addresses import InMemoryAddressBook
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import Cloud
from tests.fakes.messages import InMemoryEventStream, InMemoryWorkQueue
from tests.fakes.nodes import InMemoryHistory, InMemoryNodeStore
from tests.fakes.records import InMemoryDeadLetters, InMemoryLeases
from tests.fakes.resource_manager import FakeResourceManager

__all__ = [
    "Cloud",
    "FakeClock",
    "FakeResourceManager",
    "InMemoryAddressBook",
    "InMemoryDeadLetters",
    "InMemoryEventStream",
    "InMemoryHistory",
    "InMemoryLeases",
    "InMemoryNodeStore",
    "InMemoryWorkQueue",
]
