"""Values and time spans as the query API writes and reads them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from local.logs.answers import table_reply
from local.logs.store import Answer
from local.logs.timespan import interval

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("string", None, ""),
        ("long", None, None),
        ("datetime", datetime(2026, 1, 5, 8, tzinfo=UTC), "2026-01-05T08:00:00Z"),
        ("datetime", datetime(2026, 1, 5, 8, 0, 0, 120_000, tzinfo=UTC), "2026-01-05T08:00:00.12Z"),
        ("timespan", timedelta(hours=1, microseconds=5), "01:00:00.0000050"),
        ("timespan", timedelta(days=-2, hours=-3), "-2.03:00:00"),
        ("guid", UUID("5f1c9a52-3f0e-4a55-9f4d-2d1f4f7f5a10"), "5f1c9a52-3f0e-4a55-9f4d-2d1f4f7f5a10"),
        ("real", float("inf"), "Infinity"),
        ("real", float("-inf"), "-Infinity"),
        ("real", 2.5, 2.5),
    ],
)
def test_cells_are_written_as_the_service_writes_them(kind: str, value: object, written: object) -> None:
    reply = table_reply(Answer((("a", kind),), [(value,)]))
    assert reply.body == {
        "tables": [{"name": "PrimaryResult", "columns": [{"name": "a", "type": kind}], "rows": [[written]]}]
    }


def test_an_answer_that_was_cut_is_a_partial_one() -> None:
    body = table_reply(Answer((("a", "long"),), [(1,)], cut=True)).body
    assert "'code': 'PartialError'" in str(body["error"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, None)),
        ("PT1H", (NOW - timedelta(hours=1), NOW)),
        ("PT7200.0S", (NOW - timedelta(hours=2), NOW)),
        ("P1DT12H", (NOW - timedelta(hours=36), NOW)),
        ("2026-01-05T08:00:00Z/PT30M", (NOW - timedelta(hours=4), NOW - timedelta(hours=3.5))),
        ("PT1H/2026-01-05T12:00:00+00:00", (NOW - timedelta(hours=1), NOW)),
        ("2026-01-05T11:00:00Z/2026-01-05T12:00:00Z", (NOW - timedelta(hours=1), NOW)),
    ],
)
def test_timespans_are_read_in_each_form_of_the_standard(text: str, expected: object) -> None:
    assert interval(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "P", "PT", "1h", "/PT1H", "PT1H/"])
def test_what_is_no_timespan_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        interval(text, NOW)
