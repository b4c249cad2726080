"""What holds for any stream: nothing raises, no record is lost or counted twice, breaks are told exactly."""

import json
import re
from collections.abc import Iterable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.telemetry.aggregate import Aggregate, Tally, merge
from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import Findings, read_batch
from shared.telemetry.decode import decode
from shared.telemetry.event import StreamEvent
from shared.telemetry.matching import Matcher
from shared.telemetry.record import Undecodable
from shared.telemetry.rule import Absence, Count, FieldMatch, Match, Threshold
from tests.unit.telemetry.recordings import ABSENT, RECORDED, body_of, files
from tests.unit.telemetry.samples import OTHER, SALES, VAULT, envelope, event, resource, rule, sample

BODIES = [
    envelope(sample(), sample(operationName="SecretSet")),
    json.dumps([sample(), {"resourceId": VAULT, "metricName": "ServiceApiHit", "average": 1.5}]).encode(),
    json.dumps(sample()).replace('"', "'").encode(),
    "\n".join(json.dumps(sample(level=level)) for level in (2, "Warning", None)).encode(),
]
BROKEN = [
    b"",
    b"broken",
    b"[5]",
    b'{"records": 5}',
    b'{"resourceId": 5}',
    b'{"time": "2026',
    b"\x1f\x8b",
    b"\xff",
]

RECORDS = st.builds(
    sample,
    resourceId=st.sampled_from([VAULT, VAULT.upper(), resource("Microsoft.Sql/servers/s", OTHER), None]),
    level=st.sampled_from(["Error", "Critical", "Informational", 2, 4, None]),
    time=st.sampled_from(
        ["2026-01-05T08:15:30Z", "2026-01-05T08:15:31Z", "2026-01-05T08:19:00Z", "soon", None]
    ),
    durationMs=st.sampled_from([1, 2.5, "3", -7, 0, "x", None]),
    properties=st.sampled_from(
        [{"statusCode": 403, "kind": "A"}, '{"StatusCode": "403", "KIND": "a"}', "x", None]
    ),
    operationName=st.sampled_from(["SecretGet", "secretget", "SecretSet", None]),
    resultType=st.sampled_from(["Failed", "Success", None]),
)


RULES = [
    rule("errors", match=Match(level=("error", "critical"))),
    rule(
        "failures", match=Match(result=("failure",)), condition=Count(at_least=2, window=300), group_by="node"
    ),
    rule("denied", match=Match(fields=(FieldMatch(path=("properties", "statusCode"), any_of=(403,)),))),
    rule("by field", match=Match(), dedupe=(("properties", "kind"), ("callerIpAddress",))),
    rule(
        "slow",
        match=Match(),
        condition=Threshold(
            aggregation="percentile", of=("durationMs",), comparison="gt", value=9, window=60
        ),
    ),
    rule("silent", match=Match(), condition=Absence(period=600), group_by="node"),
]
MATCHER = Matcher(RULES)


def read(events: list[StreamEvent]) -> Findings:
    return read_batch(events, Attribution([SALES]), MATCHER)


def assert_answered(body: bytes) -> None:
    """Every piece is a record or a dead letter with a reason, which gives nobody away."""
    items = decode(body)
    broken = [item for item in items if isinstance(item, Undecodable)]
    assert all(item.reason for item in broken)
    found = read([event(body)])
    undecodable = [letter for letter in found.letters if not letter.rules]
    told = sum(1 + len(letter.others) for letter in undecodable)
    assert (found.records, told) == (len(items) - len(broken), len(broken))
    for letter in found.letters:
        assert letter.reason
        assert letter.index is not None
        assert b"ada@" not in letter.body


@given(
    st.sampled_from(BODIES),
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4
    ),
)
@settings(max_examples=400)
def test_any_change_of_bytes_decodes_or_is_undecodable_with_a_reason(
    body: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    for place, removed, added in changes:
        body = body[:place] + added + body[place + removed :]
    assert decode(body)
    assert_answered(body)


@given(st.binary(max_size=300) | st.text(alphabet="{}[]\",:'\\ \nrecods", max_size=120).map(str.encode))
def test_any_bytes_at_all_are_answered(body: bytes) -> None:
    items = decode(body)
    assert items or not body.strip(b"\0 \t\r\n,[]}") or b"records" in body


@pytest.mark.skipif(not RECORDED.is_dir(), reason=ABSENT)
@given(
    st.sampled_from(files() or [""]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2), st.binary(max_size=2)), min_size=1, max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_any_change_of_a_recorded_sample_decodes_or_is_undecodable_with_a_reason(
    name: str, changes: list[tuple[float, int, bytes]]
) -> None:
    body = sent_by_a_node(body_of(name))[:20_000]
    for place, removed, added in changes:
        at = int(place * len(body))
        body = body[:at] + added + body[at + removed :]
    assert_answered(body)


def sent_by_a_node(body: bytes) -> bytes:
    """With the node's id in the place of masked ones, so that rules look at the records."""
    return re.sub(rb'("resourceId"\s*:\s*)"[^"]*"', rb'\1"' + VAULT.encode() + b'"', body)


@given(st.lists(RECORDS, min_size=1, max_size=12), st.data())
def test_any_split_of_records_over_events_and_batches_adds_up_to_the_same(
    records: list[dict[str, object]], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)))) | {0, len(records)})
    order = data.draw(st.permutations(records))
    events = [event(envelope(*order[a:b]), offset=a) for a, b in pairwise(cuts)]
    middle = data.draw(st.integers(0, len(events)))
    split = added_up([*read(events[:middle]).tallies, *read(events[middle:]).tallies])
    assert split == added_up(read([event(envelope(*records))]).tallies)


def added_up(tallies: Iterable[Tally]) -> dict[tuple[str, ...], object]:
    """By rule and group: the buckets of all events merged, the times, and what the newest record was."""
    buckets: dict[tuple[str, ...], dict[int, Aggregate]] = {}
    facts: dict[tuple[str, ...], tuple[object, ...]] = {}
    for tally in tallies:
        key = (tally.rule, tally.group, tally.node)
        for sample_of_event in tally.samples.values():
            for start, aggregate in sample_of_event.items():
                merge(buckets.setdefault(key, {}).setdefault(start, Aggregate()), aggregate)
        newest = (tally.last_at, tally.resource, tally.category, tally.operation)
        first, last = facts.get(key, (tally.first_at, newest))
        facts[key] = (min(first, tally.first_at), max(last, newest))  # type: ignore[call-overload]
    return {
        key: (facts[key], {b: msgspec.to_builtins(a) for b, a in buckets[key].items()}) for key in buckets
    }


@given(
    st.lists(st.tuples(st.sampled_from(["0", "1", "2"]), st.none() | st.sampled_from(BROKEN)), max_size=12)
)
def test_a_batch_has_one_dead_letter_for_each_broken_event_at_its_place(
    plan: list[tuple[str, bytes | None]],
) -> None:
    events = [event(body or b"", offset, partition) for offset, (partition, body) in enumerate(plan)]
    whole = envelope(sample())
    events = [e if plan[n][1] is not None else event(whole, n, plan[n][0]) for n, e in enumerate(events)]
    found = read(events)
    expected = [f"event-hub/{p}/{offset}" for offset, (p, body) in enumerate(plan) if body is not None]
    assert [letter.source for letter in found.letters] == expected
    assert len({letter.id for letter in found.letters}) == len(expected)
    assert found.records == len(plan) - len(expected)


@given(
    st.lists(RECORDS, min_size=1, max_size=8),
    st.integers(0, 7),
    st.sampled_from(["}", '"x"', "null", "[]", "x"]),
)
def test_a_stray_piece_between_records_costs_no_record(
    records: list[dict[str, object]], place: int, stray: str
) -> None:
    texts = [json.dumps(r) for r in records]
    texts.insert(min(place, len(texts)), stray)
    items = decode(("[" + ",".join(texts) + "]").encode())
    assert sum(not isinstance(i, Undecodable) for i in items) == len(records)


@given(st.integers(0, 2), st.integers(0, 40))
def test_a_quote_that_is_missing_anywhere_costs_only_its_record(which: int, quote: int) -> None:
    texts = [json.dumps(sample(operationName=f"Secret{n}")) for n in range(3)]
    parts = texts[which].split('"')
    place = 1 + quote % (len(parts) - 1)
    texts[which] = '"'.join(parts[:place]) + '"'.join(["", *parts[place:]])[1:]
    items = decode(('{"records": [' + ", ".join(texts) + "]}").encode())
    read = [i.operation for i in items if not isinstance(i, Undecodable) and i.resource]
    assert set(read) >= {f"Secret{n}" for n in range(3) if n != which}
    assert len(read) <= 3
