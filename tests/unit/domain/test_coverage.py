"""Counting what reports where."""

from datetime import UTC, datetime, timedelta

import msgspec

from shared.domain.coverage import Counts, SinkCount, added_up, counted
from shared.domain.node import Coverage
from shared.domain.plan import PutSetting

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=3)


def test_each_kind_of_sink_and_each_exception_is_counted_with_the_age_of_the_oldest_look() -> None:
    rows = [
        Coverage(
            "/a", "covered", NOW, True, "", ("m",), ("workspace", "event-hub"), ("workspace", "event-hub")
        ),
        Coverage(
            "/b", "blocked", BEFORE, wanted=("workspace", "event-hub"), covers=("workspace",), code="Full"
        ),
        Coverage("/c", "unsupported", NOW, code="NoDiagnostics"),
        Coverage("/d", "missing", NOW, wanted=("workspace",)),
    ]
    assert counted(rows) == Counts(
        resources=4,
        supported=3,
        covered=1,
        sinks={"workspace": SinkCount(3, 2), "event-hub": SinkCount(2, 1)},
        exceptions={"Full": 1, "NoDiagnostics": 1, "missing": 1},
        checked_at=BEFORE,
    )


def test_rows_of_an_earlier_version_count_towards_the_workspace() -> None:
    rows = [Coverage("/a", "covered", NOW, owned=True), Coverage("/b", "unsupported", NOW)]
    found = counted(rows)
    assert (found.sinks, found.exceptions) == ({"workspace": SinkCount(1, 1)}, {"unsupported": 1})


def test_the_sum_over_nodes_is_the_count_over_all_their_rows() -> None:
    rows = [
        Coverage("/a", "covered", NOW, wanted=("workspace",), covers=("workspace",)),
        Coverage("/b", "blocked", BEFORE, wanted=("storage",), code="Full"),
        Coverage("/c", "blocked", NOW, wanted=("workspace", "storage"), covers=("storage",), code="Full"),
    ]
    assert added_up([counted(rows[:1]), counted(rows[1:]), counted([])]) == counted(rows)


def test_rows_and_plans_that_an_earlier_version_stored_are_read() -> None:
    """A row has four fields more since, a setting's step three; what it left out is empty."""
    row = msgspec.json.decode(b'["/a","covered","2026-01-05T00:00:00Z",true,""]', type=Coverage)
    assert row == Coverage("/a", "covered", NOW, owned=True)
    stored = (
        b'{"type":"PutSetting","resource":"/a","name":"mesh","workspace":"/w","selection":{},"why":"missing"}'
    )
    step = msgspec.json.decode(stored, type=PutSetting)
    assert (step.setting.workspace, step.setting.event_hub_rule, step.setting.storage_account) == (
        "/w",
        "",
        "",
    )
