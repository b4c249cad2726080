"""Records a second and core: our own code beside a bare `orjson.loads` of the same bytes, a straightforward program and
the binding, and the memory that the largest batch takes."""

import json
import multiprocessing
import random
import resource
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from statistics import median

import msgspec
import orjson
from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.meta import Datum
from rich.console import Console
from rich.table import Table

from benchmarks import straightforward
from benchmarks.target import Target
from benchmarks.telemetry_rules import ERRORS as ERROR_RULE
from benchmarks.telemetry_rules import rules_of
from demo.records import Json, recorded_records, sample_records
from shared.domain.ids import NodeKey
from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import read_batch
from shared.telemetry.event import StreamEvent
from shared.telemetry.matching import Matcher

EVENTS, RECORDS_AN_EVENT = 20, 200
RECORDS = EVENTS * RECORDS_AN_EVENT
ERRORS = 0.02  # of the records
ROUNDS = 25
AT_MOST = {50: 0.6, 500: 0.8}
RULES = (1, 50, 500)
SLOW_EVENTS = {1: 20, 50: 4, 500: 1}
LARGEST_BATCH = 256  # events of 1 MB each

BASE = "orjson.loads"
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
    records = records or _own_samples()
    mixed, runs = _mixed(records), _runs(records)
    console.print(
        f"{EVENTS} events of {RECORDS_AN_EVENT} records, {sum(map(len, mixed)) / RECORDS:.0f} bytes a record, "
        f"{ERRORS:.0%} at error level, from {source}. CPU time of one core, median of {ROUNDS} rounds."
    )
    seconds = _measure(_candidates(mixed))
    console.print(_table(seconds, "the hardest order: each record from another resource"))
    in_runs = _measure({name: c for name, c in _candidates(runs).items() if not name.startswith("straight")})
    console.print(_table(in_runs, "as recorded deliveries are: each resource's records one after the other"))
    binding, ours = median(seconds[BINDING]), median(seconds[_ours(50)])
    console.print(
        f"Of the time in Python, the binding takes {binding / (binding + ours):.1%}: "
        f"{binding / EVENTS * 1e6:.0f} µs an event, whatever its size."
    )
    console.print(_memory())
    return [
        Target(
            f"decoding, attribution and {n} rules beside orjson.loads, as a part of its time",
            _ratio(in_runs, _ours(n)),
            most,
        )
        for n, most in AT_MOST.items()
    ]


def _straight(rules: int) -> str:
    return f"straightforward, {rules} rule{'s' if rules > 1 else ''}"


def _ours(rules: int) -> str:
    return f"decode, attribute, match {rules} rule{'s' if rules > 1 else ''}"


def _candidates(bodies: Sequence[bytes]) -> Mapping[str, Callable[[], object]]:
    events = [StreamEvent(body, "0", str(n), n, _ENQUEUED) for n, body in enumerate(bodies)]
    attribution = Attribution(_nodes(1000))
    groups = frozenset(node.group_id.lower() for node in attribution.nodes)
    data, metadata = _as_the_host_sends(bodies)
    matchers = {n: Matcher(rules_of(n)) for n in RULES}
    decoder = matchers[50].decoder
    candidates: dict[str, Callable[[], object]] = {
        BASE: lambda: [orjson.loads(body) and None for body in bodies],
        "our decoding alone": lambda: [decoder.records(body) and None for body in bodies],
    }
    for number, matcher in matchers.items():
        candidates[_ours(number)] = partial(read_batch, events, attribution, matcher)
    # The slow ones read a part of the events; their times are of that part.
    for number, rules in ((n, rules_of(n)) for n in RULES):
        part = bodies[: SLOW_EVENTS[number]]
        candidates[_straight(number)] = partial(straightforward.read, part, rules, groups)
    candidates[BINDING] = lambda: EventHubTriggerConverter.decode(data, trigger_metadata=metadata)
    return candidates


def _measure(candidates: Mapping[str, Callable[[], object]]) -> Mapping[str, list[float]]:
    """CPU seconds that all events take, by round."""
    parts = {_straight(n): EVENTS / events for n, events in SLOW_EVENTS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, candidate in candidates.items():
            started = time.process_time()
            candidate()
            seconds[name].append((time.process_time() - started) * parts.get(name, 1.0))
    return seconds


# --- memory


def _memory() -> str:
    """What the largest batch takes, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        size, python, before, after = pool.apply(_largest_batch)
    return (
        f"{LARGEST_BATCH} events of 1 MB ({size:,.0f} MB): {python:.1f} MB beside the events themselves at most, "
        f"{after:.0f} MB resident in all, {before:.0f} MB before."
    )


def _largest_batch() -> tuple[float, float, float, float]:
    """Megabytes: of the events, what Python allocates beside them, and resident before and at most."""
    records = recorded_records() or _own_samples()
    body = b""
    for more in _mixed(records):
        body = (body[:-2] + b", " + more.partition(b"[")[2]) if body else more
        if len(body) > 1_000_000:
            break
    events = [StreamEvent(bytes(bytearray(body)), "0", str(n), n, _ENQUEUED) for n in range(LARGEST_BATCH)]
    attribution, matcher = Attribution(_nodes(1000)), Matcher(rules_of(50))
    read_batch(events[:2], attribution, matcher)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    read_batch(events, attribution, matcher)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tracemalloc.start()
    read_batch(events[: LARGEST_BATCH // 8], attribution, matcher)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    return sum(len(e.body) for e in events) / 1e6, peak, before, after


def _ratio(seconds: Mapping[str, list[float]], name: str) -> float:
    """Of the time of `orjson.loads` in the same round."""
    return median(ours / base for ours, base in zip(seconds[name], seconds[BASE], strict=True))


def _table(seconds: Mapping[str, list[float]], title: str) -> Table:
    table = Table("what", "records/s/core", "µs a record", "beside orjson.loads", title=title)
    for name, measured in seconds.items():
        each = median(measured) / RECORDS
        table.add_row(name, f"{1 / each:,.0f}", f"{each * 1e6:.3f}", f"{_ratio(seconds, name):.3f}")
    return table


def _nodes(number: int) -> list[NodeKey]:
    return [NodeKey.of(_SUBSCRIPTION, f"rg-product-{n:04}") for n in range(number)]


def _mixed(records: Sequence[Json]) -> list[bytes]:
    """Records in random order, each sent from one of fifty nodes: the hardest for a memory of kinds."""
    chooser, nodes, kinds = random.Random(20260105), _nodes(50), _Kinds(records)
    return [
        _envelope([_sent_from(chooser.choice(nodes), kinds.choose(chooser)) for _ in range(RECORDS_AN_EVENT)])
        for _ in range(EVENTS)
    ]


def _runs(records: Sequence[Json]) -> list[bytes]:
    """Records in runs of twenty: in the recorded deliveries of many records, neighbours come from one resource."""
    chooser, nodes, kinds = random.Random(20260105), _nodes(50), _Kinds(records)
    run = 20

    def event() -> list[Json]:
        sent = [
            _sent_from(chooser.choice(nodes), kinds.choose(chooser)) for _ in range(RECORDS_AN_EVENT // run)
        ]
        return [record for record in sent for _ in range(run)]

    return [_envelope(event()) for _ in range(EVENTS)]


class _Kinds:
    """Records to choose from, so many of them at error level as there should be."""

    def __init__(self, records: Sequence[Json]) -> None:
        small = [r for r in records if len(json.dumps(r)) <= _LARGEST]
        self._errors = [r for r in small if _is_error(r)]
        self._others = [r for r in small if r not in self._errors]

    def choose(self, chooser: random.Random) -> Json:
        return chooser.choice(self._errors if chooser.random() < ERRORS else self._others)


def _envelope(records: Sequence[Json]) -> bytes:
    return json.dumps({"records": records}).encode()


def _is_error(record: Json) -> bool:
    node = _nodes(1)[0]
    events = [StreamEvent(_envelope([_sent_from(node, record)]), "0", "0", 0, _ENQUEUED)]
    return bool(read_batch(events, Attribution([node]), Matcher([ERROR_RULE])).tallies)


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
