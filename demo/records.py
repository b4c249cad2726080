"""Diagnostic records for the demo: recorded ones where a checkout of them lies beside this one, else our own.

Each is sent by a resource of the demo that has its type: the id is replaced and, where a time is given, the time; all
else stays as it was recorded.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched, chain
from pathlib import Path

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "real-data" / "D-telemetry"
SAMPLES = Path(__file__).parent / "samples"
RECORDS_AN_EVENT = 200

type Json = Mapping[str, object]


def event_bodies(resources: Sequence[str], recorded: Path = RECORDED) -> list[bytes]:
    """Event Hub bodies with every record whose type a resource has, and one event with a broken record last.

    A type of which there is no recording takes the repository's own samples. Ids in `resources` are
    those of resources themselves (a database, not its server). The activity log's record of a deleted
    peering, which concerns a virtual network, is not among them: it would say what did not happen.
    """
    by_type = _recorded_by_type(recorded)
    texts = list(chain.from_iterable(_sent_by(resource, by_type) for resource in resources))
    bodies = [_envelope(part) for part in batched(texts, RECORDS_AN_EVENT, strict=False)]
    return [*bodies, broken(resources[0])] if resources else []


def sent_by(resource: str, at: datetime, recorded: Path = RECORDED) -> list[Json]:
    """The records that a resource of the demo sends, as if it were then."""
    texts = _sent_by(resource, _recorded_by_type(recorded))
    return [{**json.loads(text), "time": at.isoformat()} for text in texts]


def event_body(records: Sequence[Json]) -> bytes:
    """The body of an event with these records."""
    return _envelope([json.dumps(record) for record in records])


def broken(resource: str) -> bytes:
    """The body of an event whose one record is cut off in the middle of a text."""
    return _envelope([_sample("broken", resource)])


def peering_deleted(network: str) -> bytes:
    """The body of an event in which the activity log tells that a peering of a network was deleted."""
    return _envelope([_sample("peering_deleted", network)])


def recorded_records(recorded: Path = RECORDED) -> list[Json]:
    """Every recorded record that is JSON and says which resource sent it; empty where there are none."""
    files = sorted(p for p in recorded.rglob("*") if p.suffix in (".json", ".log"))
    return [r for p in files if "expected" not in p.name for r in _records_in(p.read_text("utf-8"))]


def sample_records(resource: str) -> list[Json]:
    """The repository's own samples for the type of a resource."""
    return [json.loads(text) for text in _samples_for(resource)]


def _sent_by(resource: str, by_type: Mapping[str, Sequence[Json]]) -> Iterator[str]:
    recorded = by_type.get(_type_of(resource), ())
    yield from (json.dumps({**record, "resourceId": resource}) for record in recorded)
    if not recorded:
        yield from _samples_for(resource)


def _recorded_by_type(recorded: Path) -> Mapping[str, Sequence[Json]]:
    by_type: dict[str, list[Json]] = defaultdict(list)
    for record in recorded_records(recorded):
        by_type[_type_of_sender(str(record["resourceId"]))].append(record)
    return by_type


def _records_in(text: str) -> Iterator[Json]:
    try:
        yield from _flat(json.loads(text))
    except ValueError:
        for line in text.splitlines():
            try:
                yield from _flat(json.loads(line))
            except ValueError:
                continue


def _flat(value: object) -> Iterator[Json]:
    if isinstance(value, list):
        yield from chain.from_iterable(map(_flat, value))
    elif isinstance(value, dict):
        inner = value.get("records") or value.get("record")
        if inner:
            yield from _flat(inner)
        elif isinstance(value.get("resourceId"), str):
            yield value


def _samples_for(resource: str) -> list[str]:
    names = [p.stem for p in sorted(SAMPLES.glob("*.json")) if p.stem not in ("broken", "peering_deleted")]
    texts = [_sample(name, resource) for name in names]
    return [t for t in texts if _type_of_sender(json.loads(t)["resourceId"]) == _type_of(resource)]


def _type_of_sender(resource_id: str) -> str:
    """The storage account of a blob service: services of an account send, the group lists the account."""
    return _type_of(resource_id).removesuffix("/blobservices")


def _type_of(resource_id: str) -> str:
    """The resource type in lower case, such as `microsoft.sql/servers/databases`."""
    namespace, *segments = resource_id.lower().rpartition("/providers/")[2].split("/")
    return "/".join([namespace, *segments[::2]])


def _sample(name: str, resource: str) -> str:
    """A sample with its placeholders filled from `/subscriptions/S/resourceGroups/G/providers/N/T/P[/T/C]`."""
    segments = resource.split("/")
    values = {
        "subscription": segments[2],
        "group": segments[4],
        "parent": segments[-3],
        "name": segments[-1],
    }
    text = (SAMPLES / f"{name}.json").read_text("utf-8")
    for placeholder, value in values.items():
        text = text.replace(f"{{{placeholder}}}", value)
    return text


def _envelope(texts: Sequence[str]) -> bytes:
    return f'{{"records": [{",".join(texts)}]}}'.encode()
