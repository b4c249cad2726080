"""Conditions: the worst finding names the reason, and a condition keeps its date until it changes."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.conditions import Condition, Finding, carried, conditions_from

ERROR = Finding("Connected", "Broken", "b")
WARNING = Finding("Connected", "Odd", "o", "warning")
INFO = Finding("Connected", "Known", "k", "info")
RUNNING = Finding("Connected", "InProgress", "p", "info", waiting=True)
RETRIED = Finding("Connected", "Busy", "y", "error", waiting=True)
NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("findings", "ready", "connected"),
    [
        ([], ("True", "Converged"), ("True", "AsWanted")),
        ([WARNING], ("True", "Converged"), ("False", "Odd")),
        ([INFO], ("True", "Converged"), ("True", "Known")),
        ([RUNNING], ("False", "InProgress"), ("Unknown", "InProgress")),
        ([RETRIED, RUNNING], ("False", "Busy"), ("Unknown", "Busy")),
        ([RUNNING, ERROR, WARNING], ("False", "Broken"), ("False", "Broken")),
        ([RETRIED, ERROR], ("False", "Broken"), ("False", "Broken")),
        ([INFO, RETRIED], ("False", "Busy"), ("Unknown", "Busy")),
    ],
)
def test_what_does_not_pass_by_itself_is_named_before_what_does_and_errors_before_warnings(
    findings: list[Finding], ready: tuple[str, str], connected: tuple[str, str]
) -> None:
    shown = {c.type: (c.status, c.reason) for c in conditions_from(findings, ["Connected"])}
    assert shown == {"Ready": ready, "Connected": connected}


def test_a_condition_tells_all_messages_of_its_type_and_leaves_other_types_alone() -> None:
    conditions = conditions_from([ERROR, WARNING], ["TagsValid", "Connected"])
    assert [c.type for c in conditions] == ["Ready", "TagsValid", "Connected"]
    assert (conditions[1].status, conditions[2].message) == ("True", "b o")


def test_what_is_undecided_is_unknown() -> None:
    conditions = conditions_from([Finding("TagsValid", "InvalidTag", "t")], ["Connected"], ["Connected"])
    assert [(c.status, c.reason) for c in conditions] == [("False", "InvalidTag"), ("Unknown", "Undecided")]


def test_a_condition_is_dated_from_when_its_status_or_reason_changed() -> None:
    later = NOW + timedelta(hours=1)
    first = carried((), (Condition("Ready", "False", "Busy"),), NOW)
    same = carried(first, (Condition("Ready", "False", "Busy", "more words"),), later)
    other = carried(same, (Condition("Ready", "True", "Converged"),), later)
    assert [c[0].since for c in (first, same, other)] == [NOW, NOW, later]
