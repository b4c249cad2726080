"""Event Hub triggers: partitions in order, one batch at a time, checkpointed when their function is done.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-event-hubs-trigger. As in Azure the
checkpoint moves on when the function failed and its retries are used up. It does not move when a worker dies,
which stands for the loss of an instance: the partition is read again from its checkpoint.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from azure.core.exceptions import ResourceExistsError
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.storage.blob.aio import BlobServiceClient

from local.functions_host.host import hub_events
from local.functions_host.host.functions import Function
from local.functions_host.host.host_json import EventHubs, InitialOffset, seconds
from local.functions_host.host.hub_clients import CHECKPOINTS
from local.functions_host.host.invocation import Call, Invoker
from local.functions_host.host.logs import HOST
from local.functions_host.host.retries import invoke_with_retries
from local.functions_host.host.settings import ConfigurationError
from local.functions_host.host.worker_process import WorkerLost
from local.functions_host.messages import TypedData


@dataclass(slots=True)
class _Partition:
    """What one partition waits for and has behind it since it was claimed."""

    waiting: list[EventData] = field(default_factory=list)
    since: float = 0.0
    batches: int = 0


@dataclass(frozen=True, slots=True)
class EventHubTrigger:
    """A function with the client of its consumer group."""

    function: Function
    client: EventHubConsumerClient
    options: EventHubs


class EventHubListener:
    """Receives from every partition this host owns; partition p belongs to instance p modulo N."""

    def __init__(
        self, trigger: EventHubTrigger, invoker: Invoker, blobs: BlobServiceClient, instances: int
    ) -> None:
        self._trigger = trigger
        self._invoker = invoker
        self._blobs = blobs
        self._instances = instances
        self._partitions: dict[str, _Partition] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._longest_wait = seconds(trigger.options.max_wait_time)

    async def run(self) -> None:
        """Receive until cancelled; then finish the batches that are running and checkpoint them."""
        options = self._trigger.options
        with suppress(ResourceExistsError):
            await self._blobs.create_container(CHECKPOINTS)
        receiving = asyncio.create_task(
            self._trigger.client.receive_batch(
                self._on_batch,
                max_batch_size=options.max_event_batch_size,
                max_wait_time=self._longest_wait if options.min_event_batch_size > 1 else None,
                prefetch=max(options.prefetch_count, options.max_event_batch_size),
                starting_position=starting_position(options.initial_offset_options),
                on_partition_initialize=self._on_claimed,
            )
        )
        try:
            await asyncio.shield(receiving)
        finally:
            self._stopping = True
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._trigger.client.close()
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _on_claimed(self, context: PartitionContext) -> None:
        self._partitions[context.partition_id] = _Partition()

    async def _on_batch(self, context: PartitionContext, events: Sequence[EventData]) -> None:
        if self._stopping:
            # Nothing new is begun; the client is closed once running batches are done.
            await asyncio.Event().wait()
        partition = self._partitions[context.partition_id]
        if not partition.waiting:
            partition.since = monotonic()
        partition.waiting += events
        is_due = monotonic() - partition.since >= self._longest_wait
        if partition.waiting and (
            is_due or len(partition.waiting) >= self._trigger.options.min_event_batch_size
        ):
            largest = self._trigger.options.max_event_batch_size
            batch, partition.waiting = partition.waiting[:largest], partition.waiting[largest:]
            # A task of its own: when the partition moves to another host, the function still ends.
            running = asyncio.create_task(self._process(context, partition, batch))
            self._running.add(running)
            running.add_done_callback(self._running.discard)
            await asyncio.shield(running)

    async def _process(
        self, context: PartitionContext, partition: _Partition, batch: list[EventData]
    ) -> None:
        for call in self._calls(context, batch):
            try:
                await invoke_with_retries(self._invoker, self._trigger.function, call)
            except WorkerLost:
                HOST.warning("Partition %s will be read again from its checkpoint", context.partition_id)
                raise
        partition.batches += 1
        if partition.batches % self._trigger.options.batch_checkpoint_frequency == 0:
            await context.update_checkpoint(batch[-1])

    def _calls(self, context: PartitionContext, batch: list[EventData]) -> list[Call]:
        function, described = self._trigger.function, _described(context)
        instance = int(context.partition_id) % self._instances
        binary = function.trigger.is_binary
        made = (
            [hub_events.many(batch, described, binary=binary)]
            if is_many(function)
            else [hub_events.one(event, described, binary=binary) for event in batch]
        )
        reason = f"partition {context.partition_id}, from sequence number {batch[0].sequence_number}"
        return [Call(data, metadata, reason, instance) for data, metadata in made]


def starting_position(options: InitialOffset) -> str | datetime:
    """Where a partition without a checkpoint begins. Raises ConfigurationError for a malformed time."""
    if options.type == "fromStart":
        return "-1"
    if options.type == "fromEnd":
        return "@latest"
    try:
        return datetime.fromisoformat(options.enqueued_time_utc or "")
    except ValueError:
        raise ConfigurationError(
            f"initialOffsetOptions.enqueuedTimeUtc '{options.enqueued_time_utc}' is not a time"
        ) from None


def event_hub_call(function: Function, text: str, reason: str) -> Call:
    """A call with one event that is in no hub, for running a function by hand."""
    make = hub_events.many if is_many(function) else _first
    return Call(*make([EventData(text)], {}, binary=function.trigger.is_binary), reason)


def is_many(function: Function) -> bool:
    """Whether the function takes batches, the default."""
    return function.trigger.text("cardinality", "many").lower() == "many"


def _first(
    events: Sequence[EventData], partition: Mapping[str, str], *, binary: bool
) -> tuple[TypedData, dict[str, TypedData]]:
    return hub_events.one(events[0], partition, binary=binary)


def _described(context: PartitionContext) -> dict[str, str]:
    return {
        "FullyQualifiedNamespace": context.fully_qualified_namespace,
        "EventHubName": context.eventhub_name,
        "ConsumerGroup": context.consumer_group,
        "PartitionId": context.partition_id,
    }
