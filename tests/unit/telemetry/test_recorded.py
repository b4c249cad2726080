"""Every recorded sample decodes, with what it says of itself, or is a dead letter for the reason given here."""

import json

import msgspec
import pytest

from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import read_batch
from shared.telemetry.decode import decode
from shared.telemetry.matching import Matcher
from shared.telemetry.record import Record, Undecodable
from tests.unit.telemetry.recordings import ABSENT, RECORDED, body_of, files
from tests.unit.telemetry.samples import SALES, VAULT, event, rule

if not RECORDED.is_dir():
    pytest.skip(ABSENT, allow_module_level=True)

NO_JSON = {"sumologic/BlockBlobReader/tests/blob_fixtures.log": "Expecting value"}

# By folder: files, records; of them metrics, those of a resource, with a time, with a category or a metric's name; and
# pieces that are no record. What has no resource, time or category are events of Elastic's own pipelines
# (`sample_event.json`, `data.json`), alerts' payloads and table rows: they decode and belong to nobody.
OUTCOMES = {
    "azure-monitor-docs": (2, 2, 0, 0, 0, 0, 0),
    "datadog-lfo": (13, 172, 0, 172, 172, 172, 0),
    "derived": (1, 33, 0, 33, 33, 33, 0),
    "dynatrace": (1, 5, 0, 5, 5, 5, 0),
    "elastic-beats": (24, 27, 0, 16, 16, 16, 0),
    "elastic-integrations": (58, 148, 0, 122, 122, 122, 0),
    "logzio": (1, 5, 0, 5, 5, 5, 0),
    "otel-contrib": (18, 22, 0, 22, 22, 22, 0),
    "splunk-addon": (1, 1, 0, 0, 1, 1, 0),
    "splunk-sebastus": (3, 3, 2, 3, 3, 3, 0),
    "sumologic": (7, 31, 6, 15, 31, 31, 1),
}
# Records at error level of each file, found by reading the files.
ERRORS = {
    "derived/dynatrace-records.json": 1,
    "elastic-integrations/packages/azure/data_stream/platformlogs/_dev/test/pipeline/test-platformlogs-invalid-raw.log": 1,  # noqa: E501
    "dynatrace/tests/integration/events.json": 2,
    "logzio/LogzioShipper/sample_logs.json": 1,
}


def records_of(name: str) -> list[Record]:
    return [i for i in decode(body_of(name)) if isinstance(i, Record)]


def plain_count(body: bytes) -> int | None:
    """How many records a plain reading finds, or None where that cannot read it."""
    try:
        values = [json.loads(body)]
    except ValueError:
        try:
            values = [json.loads(line) for line in body.splitlines() if line.strip()]
        except ValueError:
            return None
    return sum(map(_count, values))


def _count(value: object) -> int:
    if isinstance(value, dict) and isinstance(value.get("records"), list):
        return _count(value["records"])
    return sum(map(_count, value)) if isinstance(value, list) else 1


@pytest.mark.parametrize("name", files())
def test_a_recorded_sample_decodes_or_has_its_reason(name: str) -> None:
    body = body_of(name)
    items = decode(body)
    broken = [i for i in items if isinstance(i, Undecodable)]
    assert [b.reason[:15] for b in broken] == [NO_JSON[n] for n in [name] if n in NO_JSON]
    assert len(items) == (plain_count(body) or len(items)) > 0


@pytest.mark.parametrize("folder", OUTCOMES)
def test_what_the_samples_of_a_source_say_of_themselves(folder: str) -> None:
    names = [n for n in files() if n.startswith(f"{folder}/")]
    records = [r for n in names for r in records_of(n)]
    assert OUTCOMES[folder] == (
        len(names),
        len(records),
        sum(r.metric is not None for r in records),
        sum(bool(r.resource) for r in records),
        sum(r.seconds(-1.0) >= 0 for r in records),
        sum(bool(r.category or r.metric) for r in records),
        sum(isinstance(i, Undecodable) for n in names for i in decode(body_of(n))),
    )


def test_there_is_no_source_without_its_outcome() -> None:
    assert {n.partition("/")[0] for n in files()} == set(OUTCOMES)


def test_records_at_error_level_are_those_that_reading_the_files_finds() -> None:
    """Ids in recordings are partly masked, so a node's id stands in for each."""
    matcher, attribution, found = Matcher([rule()]), Attribution([SALES]), {}
    for name in files():
        sent = [msgspec.structs.replace(r, resource=VAULT) for r in records_of(name)]
        body = b"[" + b",".join(map(msgspec.json.encode, sent)) + b"]"
        tallies = read_batch([event(body)], attribution, matcher).tallies
        if tallies:
            found[name] = tallies[0].samples[100][0].count
    assert found == ERRORS


def test_all_samples_in_one_batch_leave_one_dead_letter_each_where_expected() -> None:
    names = files()
    events = [event(body_of(name), offset=n) for n, name in enumerate(names)]
    found = read_batch(events, Attribution(()), Matcher([rule()]))
    assert [names[letter.sequence or 0] for letter in found.letters] == list(NO_JSON)
    assert found.records == sum(outcome[1] for outcome in OUTCOMES.values())
