"""What an Event Hub trigger hands to its function: bodies, and the metadata arrays beside them.

Names and shapes are those of the Event Hubs extension, as `azure.functions.EventHubEvent` reads them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

import msgspec
from azure.eventhub import EventData
from azure.eventhub.amqp import AmqpMessageBodyType

from local.functions_host.messages import CollectionBytes, CollectionSInt64, CollectionString, TypedData


def body_of(event: EventData) -> bytes:
    """The event's data sections, joined; a body that is an AMQP value or sequence as JSON text."""
    if event.body_type is not AmqpMessageBodyType.DATA:
        return event.body_as_str().encode()
    return b"".join(cast(Iterable[bytes], event.body))


def one(
    event: EventData, partition: Mapping[str, str], *, binary: bool
) -> tuple[TypedData, dict[str, TypedData]]:
    """Data and metadata of a single event (cardinality one)."""
    body = body_of(event)
    system = _system_properties(event)
    return TypedData(bytes=body) if binary else TypedData(string=_text(body)), {
        "PartitionContext": _json(partition),
        "PartitionKey": TypedData(string=str(system["PartitionKey"] or "")),
        "Offset": TypedData(string=str(system["Offset"])),
        "SequenceNumber": _json(system["SequenceNumber"]),
        "EnqueuedTimeUtc": _json(system["EnqueuedTimeUtc"]),
        "Properties": _json(_properties(event)),
        "SystemProperties": _json(system),
    }


def many(
    events: Sequence[EventData], partition: Mapping[str, str], *, binary: bool
) -> tuple[TypedData, dict[str, TypedData]]:
    """Data and metadata of a batch (cardinality many)."""
    bodies = [body_of(event) for event in events]
    system = [_system_properties(event) for event in events]
    data = (
        TypedData(collection_bytes=CollectionBytes(bodies))
        if binary
        else TypedData(collection_string=CollectionString([_text(body) for body in bodies]))
    )
    return data, {
        "PartitionContext": _json(partition),
        "PartitionKeyArray": _strings([each["PartitionKey"] or "" for each in system]),
        "OffsetArray": _strings([each["Offset"] for each in system]),
        "SequenceNumberArray": TypedData(
            collection_sint64=CollectionSInt64([event.sequence_number or 0 for event in events])
        ),
        "EnqueuedTimeUtcArray": _json([each["EnqueuedTimeUtc"] for each in system]),
        "PropertiesArray": _json([_properties(event) for event in events]),
        "SystemPropertiesArray": _json(system),
    }


def _system_properties(event: EventData) -> dict[str, object]:
    others = {_plain(name): _plain(value) for name, value in event.system_properties.items()}
    partition_key = event.partition_key
    return {
        **{str(name): value for name, value in others.items() if not str(name).startswith("x-opt-")},
        "SequenceNumber": event.sequence_number,
        "Offset": event.offset,
        "PartitionKey": partition_key.decode() if partition_key else None,
        "EnqueuedTimeUtc": _iso(event.enqueued_time),
    }


def _properties(event: EventData) -> dict[str, object]:
    return {str(_plain(name)): _plain(value) for name, value in (event.properties or {}).items()}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return _text(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _text(body: bytes) -> str:
    # Azure's host does this too: bytes that are not UTF-8 survive only with dataType binary.
    return body.decode(errors="replace")


def _json(value: object) -> TypedData:
    return TypedData(json=msgspec.json.encode(value).decode())


def _strings(values: Sequence[object]) -> TypedData:
    return TypedData(collection_string=CollectionString([str(value) for value in values]))
