"""Bodies of every form that services send become records; what is none is said to be none, and why."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from shared.telemetry.decode import decode
from shared.telemetry.record import Record, Undecodable
from shared.telemetry.redact import KEPT, redacted
from tests.unit.telemetry.samples import ENQUEUED, VAULT, broken_in, envelope, records_of, sample

GOOD = json.dumps(sample())
TWO = [json.dumps(sample(operationName="SecretGet")), json.dumps(sample(operationName="SecretSet"))]
FORMS = {
    "an envelope": f'{{"records": [{TWO[0]}, {TWO[1]}]}}',
    "a bare array": f"[{TWO[0]}, {TWO[1]}]",
    "one object a line": "\n".join(TWO),
    "one object a line, Windows ends": "\r\n".join(TWO) + "\r\n",
    "objects without anything between": "".join(TWO),
    "the rest of an envelope": f"{TWO[0]},{TWO[1]}]}}",
    "an envelope inside an array": f'[{TWO[0]}, {{"records": [{TWO[1]}]}}]',
    "two envelopes": f'{{"records": [{TWO[0]}]}}{{"records": [{TWO[1]}]}}',
    "an envelope with a name before": f'{{"source": "x", "records": [{TWO[0]}, {TWO[1]},]}}',
    "a trailing comma in the array": f'{{"records": [{TWO[0]}, {TWO[1]},]}}',
    "a trailing comma in an object": f'{{"records": [{TWO[0][:-1]},}}, {TWO[1]}]}}',
    "an envelope with doubled quotes": f"{{''\"records\"'': [{TWO[0]}, {TWO[1]}]}}",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_body_gives_its_records_in_order(form: str) -> None:
    assert [r.operation for r in records_of(FORMS[form].encode())] == ["SecretGet", "SecretSet"]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_may_be_compressed_or_begin_with_a_mark(form: str) -> None:
    body = FORMS[form].encode()
    for packed in (gzip.compress(body), b"\xef\xbb\xbf" + body, gzip.compress(b"\xef\xbb\xbf" + body)):
        assert len(records_of(packed)) == 2


def test_one_object_without_an_envelope_is_a_record() -> None:
    assert [r.resource for r in records_of(GOOD.encode())] == [VAULT]


def test_single_quotes_are_read_with_apostrophes_and_quotes_inside() -> None:
    """Function apps write their properties so (recorded)."""
    text = GOOD.replace(
        '"properties": {', "\"properties\": {'message':'it\\'s \"so\" and it's not','kind':'x', "
    )
    assert [r.operation for r in records_of(f'{{"records": [{text}, {GOOD}]}}'.encode())] == ["SecretGet"] * 2


def test_an_apostrophe_that_json_does_not_know_how_to_escape_is_read() -> None:
    text = GOOD.replace("a brace", "a \\' brace")
    assert len(records_of(text.encode())) == 1


@pytest.mark.parametrize("name", ["ResourceId", "_ResourceId", "resourceUri", "RESOURCEID"])
def test_the_id_is_found_in_other_spellings_of_its_name(name: str) -> None:
    (record,) = records_of(envelope(sample(resourceId=None, **{name: VAULT})))
    assert (record.resource, record.category, record.level_lower) == (VAULT, "AuditEvent", "Error")


def test_a_record_without_any_id_is_a_record_of_nobody() -> None:
    (record,) = records_of(envelope(sample(resourceId=None)))
    assert record.resource == ""


@pytest.mark.parametrize("level", [{"level": 2}, {"level": "2"}, {"level": None, "Level": 2}])
def test_a_level_may_be_a_number_and_be_spelled_with_a_capital(level: dict[str, object]) -> None:
    (record,) = records_of(envelope(sample(**level)))
    assert str(record.level_lower or record.level_upper) == "2"


def test_a_metric_has_neither_category_nor_operation() -> None:
    metric = {
        "resourceId": VAULT,
        "time": "2026-01-05T08:15:00Z",
        "metricName": "ServiceApiHit",
        "average": 1.5,
    }
    (record,) = records_of(envelope(metric))
    assert (record.resource, record.category, record.operation) == (VAULT, None, "")


def test_operational_logs_of_event_hubs_have_names_of_their_own() -> None:
    (record,) = records_of(
        envelope(
            {
                "resourceId": VAULT,
                "category": "OperationalLogs",
                "EventName": "Create ConsumerGroup",
                "Status": "Failed",
                "EventTimeString": "11/3/2020 9:06:42 PM +02:00",
            }
        )
    )
    assert (record.operation, record.result) == ("Create ConsumerGroup", "Failed")
    assert record.seconds(0.0) == datetime(2020, 11, 3, 19, 6, 42, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("time", "2026-01-05T08:15:30.1234567Z", datetime(2026, 1, 5, 8, 15, 30, 123456, tzinfo=UTC)),
        ("timeStamp", "2026-01-05T09:15:30+01:00", datetime(2026, 1, 5, 8, 15, 30, tzinfo=UTC)),
        ("time", "2026-01-05T08:15:30", datetime(2026, 1, 5, 8, 15, 30, tzinfo=UTC)),
        ("time", "01/05/2026 08:15:30", datetime(2026, 1, 5, 8, 15, 30, tzinfo=UTC)),
        ("time", "2026-01-05T08: 15: 30Z", datetime(2026, 1, 5, 8, 15, 30, tzinfo=UTC)),
        ("time", "1/5/2026 8:15:30 PM", datetime(2026, 1, 5, 20, 15, 30, tzinfo=UTC)),
        ("EventTimeString", "1/5/2026 12:15:30 AM -02:30", datetime(2026, 1, 5, 2, 45, 30, tzinfo=UTC)),
        ("time", "13/13/2026 08:15:30", ENQUEUED),
        ("time", "0001-01-01T00:00:00+14:00", ENQUEUED),
        ("time", "yesterday", ENQUEUED),
        ("time", ":" + " " * 5000, ENQUEUED),
        ("time", None, ENQUEUED),
    ],
)
def test_the_time_is_read_in_each_notation_or_is_that_of_the_event(
    field: str, text: str | None, expected: datetime
) -> None:
    (record,) = records_of(envelope(sample(**({"time": None} | {field: text}))))
    assert record.seconds(ENQUEUED.timestamp()) == expected.timestamp()


BROKEN = {
    "cut off": GOOD[:-40],
    "a missing quote": GOOD.replace('"operationName"', '"operationName'),
    "a missing colon": GOOD.replace('"level": ', '"level" '),
    "a number": "5",
    "no JSON at all": "2026-01-05 08:15:30 GET /index.html 200",
    "an id that is an object": json.dumps(sample(resourceId={"name": "x"})),
    "an id that is a number": json.dumps(sample(resourceId=7)),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_record_costs_only_itself(broken: str) -> None:
    body = f'{{"records": [{GOOD}, {BROKEN[broken]}, {GOOD}]}}'
    if broken == "cut off":
        body = f'{{"records": [{GOOD}, {GOOD}, {BROKEN[broken]}'
    items = decode(body.encode())
    assert sorted(type(i).__name__ for i in items) == ["Record", "Record", "Undecodable"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\x00", "empty"),
        (b"null", "not null"),
        (b'{"records": 5}', "records is a number"),
        (b'{"records": null}', "records is null"),
        (gzip.compress(GOOD.encode(), mtime=0)[:60], "gzip"),
        (b"\x1f\x8bnot gzip", "gzip"),
        (b"#Software: Internet Information Services", "Expecting value"),
        (b'{"a":' * 100_000, "recursion"),
        (b'{"records":[', "cut off"),
        (b'{"records":' + b"[" * 100_000, "cut off"),
        (b'[{"records": [', "Expecting value"),
    ],
)
def test_a_body_without_a_record_is_undecodable_with_a_reason(body: bytes, reason: str) -> None:
    (item,) = decode(body)
    assert isinstance(item, Undecodable)
    assert reason in item.reason


@pytest.mark.parametrize("body", [b'{"records": []}', b'{"records":[]}\r\n{"records": [ ]}\r\n\0'])
def test_a_whole_body_that_holds_nothing_comes_to_nothing(body: bytes) -> None:
    assert list(decode(body)) == []


def test_a_small_event_that_unpacks_to_a_huge_one_is_refused() -> None:
    packed = gzip.compress(b" " * (64 * 1024 * 1024 + 1))
    assert [b.reason for b in broken_in(packed)] == ["starts like gzip and is not: larger than 64 MiB"]


def test_a_lone_surrogate_becomes_text_that_can_be_stored() -> None:
    body = GOOD.replace("SecretGet", "Secret\\ud800Get").encode()
    (item,) = decode(body)
    assert isinstance(item, Record)
    assert item.operation.encode() == b"Secret?Get"


def test_no_field_that_could_hold_claims_or_addresses_is_decoded() -> None:
    (record,) = records_of(envelope(sample()))
    assert "ada@" not in repr(record)
    assert "203.0.113.7" not in repr(record)


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 500_000 + b"\\",
        b'{"records":[' * 20_000,
        b",'" * 100_000,
        b'{"a":1},{"a":' * 20_000,
        b'{"a":1}' + b" " * 500_000 + b"x",
    ],
)
def test_a_body_made_to_be_slow_is_answered_within_the_time_limit_of_a_test(body: bytes) -> None:
    broken = [item for item in decode(body) if isinstance(item, Undecodable)]
    assert broken
    assert len(redacted(broken[0].piece)) <= KEPT
