"""Records a second and core: our own code beside a bare `orjson.loads` of the same bytes, and the binding's share."""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

import msgspec
import orjson
from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.meta import Datum
from rich.console import Console
from rich.table import Table

from benchmarks.target import Target
from demo.records import Json, recorded_records, sample_records
from shared.domain.ids import NodeKey
from shared.telemetry.attribute import Attribution
from shared.telemetry.decode import decode
from shared.telemetry.event import StreamEvent
from shared.telemetry.former import read_batch
from shared.telemetry.record import Record
from shared.telemetry.rules import error_level

EVENTS, RECORDS_AN_EVENT = 20, 200
RECORDS = EVENTS * RECORDS_AN_EVENT
ERRORS = 0.02  # of the records
ROUNDS = 15
AT_MOST = 0.8

BASE = "orjson.loads"
OURS = "our own code: decode, attribute, judge"
BINDING = "the Functions binding, before our code"

_LARGEST = 8192  # bytes a record: a few recorded sign-ins are larger than what resources send
_SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
_ENQUEUED = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


class _CollectionBytes(msgspec.Struct):
    """What the host sends for many events: the worker protocol's `CollectionBytes`."""

    bytes: Sequence[bytes]


def run(console: Console) -> list[Target]:
    """Measures in turn, round by round, so that a busy machine disturbs all alike."""
    records = recorded_records()
    source = (
        "recorded samples" if records else "the repository's own samples: no recordings beside the checkout"
    )
    bodies = _bodies(records or _own_samples())
    seconds = _measure(_candidates(bodies))
    console.print(
        f"{EVENTS} events of {RECORDS_AN_EVENT} records, {sum(map(len, bodies)) / RECORDS:.0f} bytes a record, "
        f"{ERRORS:.0%} at error level, from {source}. CPU time of one core, median of {ROUNDS} rounds."
    )
    console.print(_table(seconds))
    binding, ours = median(seconds[BINDING]), median(seconds[OURS])
    console.print(
        f"Of the time in Python, the binding takes {binding / (binding + ours):.1%}: "
        f"{binding / EVENTS * 1e6:.0f} µs an event, whatever its size."
    )
    return [Target("our own code beside orjson.loads, as a part of its time", _ratio(seconds, OURS), AT_MOST)]


def _candidates(bodies: Sequence[bytes]) -> Mapping[str, Callable[[], object]]:
    events = [StreamEvent(body, "0", str(n), n, _ENQUEUED) for n, body in enumerate(bodies)]
    attribution = Attribution(_nodes(1000))
    data, metadata = _as_the_host_sends(bodies)
    return {
        BASE: lambda: [orjson.loads(body) and None for body in bodies],
        "our decoding alone": lambda: [decode(body) and None for body in bodies],
        OURS: lambda: read_batch(events, attribution, error_level),
        BINDING: lambda: EventHubTriggerConverter.decode(data, trigger_metadata=metadata),
    }


def _measure(candidates: Mapping[str, Callable[[], object]]) -> Mapping[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, candidate in candidates.items():
            started = time.process_time()
            candidate()
            seconds[name].append(time.process_time() - started)
    return seconds


def _ratio(seconds: Mapping[str, list[float]], name: str) -> float:
    return median(ours / base for ours, base in zip(seconds[name], seconds[BASE], strict=True))


def _table(seconds: Mapping[str, list[float]]) -> Table:
    table = Table("what", "records/s/core", "µs a record", "beside orjson.loads")
    for name, measured in seconds.items():
        each = median(measured) / RECORDS
        table.add_row(name, f"{1 / each:,.0f}", f"{each * 1e6:.3f}", f"{_ratio(seconds, name):.3f}")
    return table


def _nodes(number: int) -> list[NodeKey]:
    return [NodeKey.of(_SUBSCRIPTION, f"rg-product-{n:04}") for n in range(number)]


def _bodies(records: Sequence[Json]) -> list[bytes]:
    """Records in random order, each sent from one of fifty nodes."""
    chooser = random.Random(20260105)  # the same batches in every run
    nodes = _nodes(50)
    small = [r for r in records if len(json.dumps(r)) <= _LARGEST]
    errors, others = [r for r in small if _is_error(r)], [r for r in small if not _is_error(r)]

    def sent() -> Json:
        kind = errors if chooser.random() < ERRORS else others
        return _sent_from(chooser.choice(nodes), chooser.choice(kind))

    return [
        json.dumps({"records": [sent() for _ in range(RECORDS_AN_EVENT)]}).encode() for _ in range(EVENTS)
    ]


def _is_error(record: Json) -> bool:
    items = decode(json.dumps([record]).encode())
    return any(isinstance(i, Record) and error_level(i) for i in items)


def _sent_from(node: NodeKey, record: Json) -> Json:
    provider = (
        str(record["resourceId"]).upper().partition("/PROVIDERS/")[2] or "MICROSOFT.STORAGE/STORAGEACCOUNTS/X"
    )
    return {**record, "resourceId": f"{node.group_id.upper()}/PROVIDERS/{provider}"}


def _own_samples() -> list[Json]:
    group = _nodes(1)[0].group_id
    types = ("Storage/storageAccounts", "KeyVault/vaults", "Sql/servers/s/databases", "DataFactory/factories")
    return [r for t in types for r in sample_records(f"{group}/providers/Microsoft.{t}/product")]


def _as_the_host_sends(bodies: Sequence[bytes]) -> tuple[Datum, Mapping[str, Datum]]:
    properties = [
        {
            "EnqueuedTimeUtc": _ENQUEUED.isoformat(),
            "SequenceNumber": n,
            "Offset": str(n),
            "PartitionKey": None,
        }
        for n in range(len(bodies))
    ]
    system = Datum(json.dumps(properties), "json")
    return Datum(_CollectionBytes(bodies), "collection_bytes"), {"SystemPropertiesArray": system}
