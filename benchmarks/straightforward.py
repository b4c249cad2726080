"""What judging records costs where it is done without any thought: json, dictionaries, and each rule asked in turn.

It counts what `read_batch` counts, in the same buckets, for envelopes of well-formed records: nothing is tolerated,
dead-lettered, or told apart by event.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from shared.domain.ids import type_of
from shared.telemetry.rule import FieldMatch, Match, Rule

type Json = Mapping[str, object]
type Counts = Counter[tuple[str, str, int]]

_LEVELS = {
    "1": "critical",
    "2": "error",
    "3": "warning",
    "4": "informational",
    "information": "informational",
}


def read(bodies: Sequence[bytes], rules: Sequence[Rule], groups: Collection[str]) -> Counts:
    """Records by rule, group and bucket; `groups` are the ids of the nodes' groups in lower case."""
    counts: Counts = Counter()
    for body in bodies:
        for record in json.loads(body)["records"]:
            resource = record["resourceId"].lower()
            group = "/".join(resource.split("/")[:5])
            if group not in groups:
                continue
            for rule in rules:
                if _matches(rule.match, record, resource):
                    counts[
                        rule.name, group if rule.group_by == "node" else resource, _bucket(rule, record)
                    ] += 1
    return counts


def _bucket(rule: Rule, record: Json) -> int:
    text = str(record.get("time"))
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return 0
    seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return int(seconds // (getattr(rule.condition, "window", 3600.0) / 10))


def _matches(match: Match, record: Json, resource: str) -> bool:
    if match == Match():
        return True
    metric, category = _lower(record, "metricName"), _lower(record, "category")
    operation, level, result = (
        _lower(record, "operationName"),
        _lower(record, "level", "Level"),
        _lower(record, "resultType", "status"),
    )
    if (metric not in match.metric) if match.metric else metric:
        return False
    if match.category and category not in match.category:
        return False
    if match.custom and (category != "meshcustom" or operation not in match.custom):
        return False
    if match.level and _LEVELS.get(level, level) not in match.level:
        return False
    if match.result and ("failure" if "fail" in result else "success") not in match.result:
        return False
    if match.operation and not _like(operation, match.operation):
        return False
    if match.resource_type and not _like(type_of(resource), match.resource_type):
        return False
    return all(_holds(field, record) for field in match.fields)


def _lower(record: Json, *names: str) -> str:
    return str(next((record[n] for n in names if record.get(n)), "")).lower()


def _like(text: str, patterns: Sequence[str]) -> bool:
    return any(text.startswith(p[:-1]) if p.endswith("*") else text == p for p in patterns)


def _holds(field: FieldMatch, record: Json) -> bool:
    value: object = record
    for name in field.path:
        value = value.get(name) if isinstance(value, dict) else None
    if field.exists is False:
        return value is None
    if value is None:
        return False
    text = str(value).lower()
    if field.any_of and text not in {str(v).lower() for v in field.any_of}:
        return False
    return field.contains.lower() in text and not any(text == str(v).lower() for v in field.none_of)
