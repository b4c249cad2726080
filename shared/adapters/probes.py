"""Probes: one cheap question to each dependency, for the health page."""

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.adapters.event_hub import EventHubStream
from shared.adapters.queue import StorageWorkQueue
from shared.adapters.storage import StorageErrors
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import NotFound


class TablesProbe:
    """Asks for one row that need not be there."""

    name = "tables"

    def __init__(self, storage: TableStorage) -> None:
        self._storage = storage

    async def check(self) -> str:
        await self._storage.table("nodes").get("health", "health", ["PartitionKey"])
        return "Table Storage answers."


class QueueProbe:
    """Asks for the approximate length of the work queue."""

    name = "queue"

    def __init__(self, queue: StorageWorkQueue) -> None:
        self._queue = queue

    async def check(self) -> str:
        try:
            with StorageErrors("queue"):
                properties = await self._queue.client().get_queue_properties()
        except NotFound:
            return "Queue Storage answers; nothing was queued yet."
        return f"About {properties.approximate_message_count} messages wait."


class ResourceManagerProbe:
    """Reads the subscription."""

    name = "resource-manager"

    def __init__(self, resource_manager: ArmResourceManager, subscription: str) -> None:
        self._resource_manager = resource_manager
        self._subscription = subscription

    async def check(self) -> str:
        state = await self._resource_manager.check_subscription(self._subscription)
        return f"Subscription {self._subscription} is {state}."


class EventHubProbe:
    """Asks for the hub's partitions."""

    def __init__(self, stream: EventHubStream, hub: str) -> None:
        self._stream = stream
        self.name = f"event-hub {hub}"

    async def check(self) -> str:
        return f"The hub has {await self._stream.partitions()} partitions."
