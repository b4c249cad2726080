"""What holds for any stream: nothing raises, no record is lost or counted twice, breaks are told exactly."""

import json
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.telemetry.attribute import Attribution
from shared.telemetry.decode import decode
from shared.telemetry.event import StreamEvent
from shared.telemetry.former import Findings, read_batch
from shared.telemetry.record import Undecodable
from shared.telemetry.rules import error_level
from tests.unit.telemetry.samples import OTHER, SALES, VAULT, envelope, event, resource, sample

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
    operationName=st.sampled_from(["SecretGet", "secretget", "SecretSet", None]),
    resultType=st.sampled_from(["Failed", "Success", None]),
)


def read(events: list[StreamEvent]) -> Findings:
    return read_batch(events, Attribution([SALES]), error_level)


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
    items = decode(body)
    assert items
    assert all(item.reason for item in items if isinstance(item, Undecodable))
    found = read([event(body)])
    assert found.records + len(found.letters) == len(items)
    assert all(letter.reason and b"ada@" not in letter.body for letter in found.letters)


@given(st.binary(max_size=300) | st.text(alphabet="{}[]\",:'\\ \nrecods", max_size=120).map(str.encode))
def test_any_bytes_at_all_are_answered(body: bytes) -> None:
    items = decode(body)
    assert items or not body.strip(b"\0 \t\r\n,[]}") or b"records" in body


@given(st.lists(RECORDS, min_size=1, max_size=12), st.data())
def test_any_split_of_records_over_events_and_batches_gives_the_same_alerts(
    records: list[dict[str, object]], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)))) | {0, len(records)})
    order = data.draw(st.permutations(records))
    events = [event(envelope(*order[a:b]), offset=a) for a, b in pairwise(cuts)]
    middle = data.draw(st.integers(0, len(events)))
    split = counts(read(events[:middle])) + counts(read(events[middle:]))
    assert split == counts(read([event(envelope(*records))]))


def counts(found: Findings) -> Counter[str]:
    return Counter({alert.id: alert.count for alert in found.alerts.values()})


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
    assert sum(counts(found).values()) == found.records == len(plan) - len(expected)


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
