"""What `library_samples.yaml` holds, made into records, and what a rule says to them."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from shared.domain.ids import NodeKey
from shared.telemetry.aggregate import Aggregate, Tally, merge
from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import Findings, read_batch
from shared.telemetry.evaluate import judge_ended, judge_growing, judged_at_once
from shared.telemetry.event import StreamEvent
from shared.telemetry.matching import Matcher
from shared.telemetry.rule import Absence, Condition, Each, Rule
from tests.unit.telemetry.recordings import Json, records_in
from tests.unit.telemetry.samples import SALES

MANIFEST = Path(__file__).with_suffix(".yaml")
METRICS = "Stream Azure monitoring data to an event hub"
_UNITS = {"m": 60, "h": 3600}

type Side = Literal["fires", "quiet"]


class Sample(msgspec.Struct, rename={"as_type": "as", "changes": "with"}, forbid_unknown_fields=True):
    """See the head of `library_samples.yaml`."""

    recorded: str = ""
    index: int = 0
    constructed: str = ""
    record: Json | None = None
    metric: str = ""
    type: str = ""
    number: float = 0.0
    as_type: str = ""
    times: int = 1
    changes: dict[str, object] = {}
    silence: str = ""

    @property
    def source(self) -> str:
        """Where it comes from, as the documentation shows it."""
        if not self.recorded:
            return f"constructed: {self.constructed or METRICS}"
        changed = f", {', '.join(self.changes)} changed" if self.changes else ""
        return f"`{self.recorded}` {self.index}{changed}"


@cache
def manifest() -> Mapping[str, Mapping[Side, Sample]]:
    """By rule. A quiet sample that names nothing of its own is the one that fires, with what differs."""
    found = msgspec.convert(
        yaml.safe_load(MANIFEST.read_text(encoding="utf-8")), dict[str, dict[Side, Sample]]
    )
    for sides in found.values():
        fires, quiet = sides["fires"], sides["quiet"]
        if not (quiet.recorded or quiet.constructed or quiet.metric):
            quiet.constructed, quiet.record = fires.constructed, fires.record
    return found


def record_of(sample: Sample) -> Json:
    """The record of a sample. Raises FileNotFoundError where recordings are absent."""
    if sample.metric:
        return _metric(sample)
    record = copy.deepcopy(
        records_in(sample.recorded)[sample.index] if sample.recorded else sample.record or {}
    )
    for path, value in sample.changes.items():
        *parents, name = path.split(".")
        place = record
        for parent in parents:
            inner = place[parent]
            assert isinstance(inner, dict)
            place = inner
        place[name] = value
    if sample.as_type:
        record["resourceId"] = _id_of(sample.as_type)
    return {name: value for name, value in record.items() if value is not None}


def _metric(sample: Sample) -> Json:
    number = sample.number
    return {
        "count": 1,
        "total": number,
        "minimum": number,
        "maximum": number,
        "average": number,
        "resourceId": _id_of(sample.type).upper(),
        "time": "2026-01-05T08:15:00.0000000Z",
        "metricName": sample.metric,
        "timeGrain": "PT1M",
    }


def _id_of(resource_type: str) -> str:
    namespace, *types = resource_type.split("/")
    return f"{SALES.group_id}/providers/{namespace}/" + "/".join(f"{kind}/{kind[:4]}-sales" for kind in types)


def fires(rule: Rule, sample: Sample) -> bool:
    """Whether the rule raises an alert when the sample comes as often as it says, through decoding and matching."""
    found = read([rule], sample)
    assert not found.letters, found.letters
    assert found.records == sample.times
    return any(_holds(rule, tally, sample) for tally in found.tallies)


def read(rules: list[Rule], sample: Sample) -> Findings:
    """One event with the sample's records, of which each belongs to a node of the domain `sales`."""
    record = record_of(sample)
    body = json.dumps({"records": [record] * sample.times}).encode()
    node = NodeKey.containing(str(record["resourceId"]))
    assert node, record
    event = StreamEvent(body, "0", "100", 1, datetime(2026, 1, 5, 8, 30, tzinfo=UTC))
    return read_batch([event], Attribution([node], {node: "sales"}), Matcher(rules))


def _holds(rule: Rule, tally: Tally, sample: Sample) -> bool:
    if isinstance(rule.condition, Absence):
        return int(sample.silence[:-1]) * _UNITS[sample.silence[-1]] >= rule.condition.period
    return holds(rule.condition, tally)


def holds(condition: Condition, tally: Tally) -> bool:
    """Whether a tally alone amounts to an alert, once its windows are over."""
    assert not isinstance(condition, Absence)
    if isinstance(condition, Each):
        return True
    buckets: dict[int, Aggregate] = {}
    for by_bucket in tally.samples.values():
        for start, aggregate in by_bucket.items():
            merge(buckets.setdefault(start, Aggregate()), aggregate)
    if judged_at_once(condition):
        return judge_growing(condition, [buckets], buckets) is not None
    return judge_ended(condition, [buckets], 0, 10**11) is not None
