"""Recorded telemetry, one record at a time, as it lies beside the repository."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "real-data" / "D-telemetry"
ABSENT = "no recorded samples: ../shared/real-data/D-telemetry is absent"

type Json = dict[str, object]

_WITH_SOURCES = "derived/dynatrace-records.json"
"""This collection keeps its records inside objects that name their source."""

_BETWEEN = re.compile(r"[\s,\]}\ufeff]*")
_JSON = json.JSONDecoder(strict=False)


def files() -> list[str]:
    """All recorded deliveries; what other projects made of them is none."""
    found = (p for p in RECORDED.rglob("*") if p.suffix in (".json", ".log") and "expected" not in p.name)
    return sorted(p.relative_to(RECORDED).as_posix() for p in found)


def body_of(name: str) -> bytes:
    """A file as the body of an event."""
    content = (RECORDED / name).read_bytes()
    return json.dumps({"records": records_in(name)}).encode() if name == _WITH_SOURCES else content


@cache
def records_in(name: str) -> tuple[Json, ...]:
    """The records of a file, out of their envelopes, in their order."""
    text = (RECORDED / name).read_text(encoding="utf-8")
    return tuple(record for value in _values(text) for record in _flat(value))


def _values(text: str) -> Iterator[object]:
    place = 0
    while (between := _BETWEEN.match(text, place)) and between.end() < len(text):
        value, place = _JSON.raw_decode(text, between.end())
        yield value


def _flat(value: object) -> Iterator[Json]:
    if isinstance(value, list):
        for part in value:
            yield from _flat(part)
    elif isinstance(value, dict):
        inner = value.get("records") or value.get("record")
        if inner is None:
            yield value
        else:
            yield from _flat(inner)
