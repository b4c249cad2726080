"""The `$management` node: what a client asks about an event hub and its partitions.

Operation and field names as the Azure clients send and read them. Times are milliseconds since 1970.
"""

from collections.abc import Mapping
from typing import cast

from proton import UNDESCRIBED, Array, Data, timestamp

from local.events.hubs.namespace import EventHub
from local.events.hubs.partition import NEVER, Partition
from local.events.hubs.refusal import Refused

HUB = "com.microsoft:eventhub"
PARTITION = "com.microsoft:partition"


def read(hub: EventHub, request: Mapping[str, object]) -> dict[str, object]:
    """The answer to a READ, as the map of the response's body. Raises Refused."""
    if request.get("operation") != "READ":
        raise Refused("amqp:not-implemented", "The operation is not supported.", status=501)
    if request.get("type") == HUB:
        return _describe_hub(hub)
    if request.get("type") == PARTITION:
        return _describe_partition(hub, hub.partition(str(request.get("partition"))))
    raise Refused("amqp:not-implemented", "The type is not supported.", status=501)


def _describe_hub(hub: EventHub) -> dict[str, object]:
    ids = [partition.id for partition in hub.partitions]
    return {
        "name": hub.name,
        "type": HUB,
        "created_at": timestamp(hub.created_at),
        "partition_count": len(ids),
        "partition_ids": Array(cast(int, UNDESCRIBED), Data.STRING, *ids),
    }


def _describe_partition(hub: EventHub, partition: Partition) -> dict[str, object]:
    last = partition.last
    return {
        "name": hub.name,
        "type": PARTITION,
        "partition": partition.id,
        "begin_sequence_number": partition.first_sequence,
        "last_enqueued_sequence_number": last.sequence if last else -1,
        "last_enqueued_offset": str(last.offset) if last else "-1",
        "last_enqueued_time_utc": timestamp(last.enqueued_at if last else NEVER),
        "is_partition_empty": partition.is_empty,
    }
