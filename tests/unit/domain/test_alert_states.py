"""The states of an alert: what moves it, what that owes handlers, and what keeps it quiet."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from shared.domain.alert import Alert, AlertState, Occurrence, Silence
from shared.domain.alert_notices import claimed, owing_again, postponed, struck
from shared.domain.alert_states import (
    MOST_OWED,
    MOST_SEEN,
    TRANSITIONS,
    Command,
    acknowledged,
    allowed,
    cleared,
    fired,
    moved,
    resolved,
    told_if_quiet,
    with_due,
)
from shared.domain.errors import Conflict

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
STATES: tuple[AlertState, ...] = get_args(AlertState.__value__)
COMMANDS: tuple[Command, ...] = get_args(Command.__value__)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def found(sequence: int = 0, at: float = 0.0, **changes: object) -> Occurrence:
    made = Occurrence(
        id="a" * 32,
        rule="deadlocks",
        group="node/s/sales",
        node="node/s/sales",
        domain="",
        resource="/subscriptions/s/orders",
        severity="error",
        title="Deadlocks: orders",
        category="Deadlocks",
        operation="",
        first_at=after(at),
        last_at=after(at),
        partition="0",
        counts={sequence: (1, at)},
        cool_down=0.0,
        auto_resolve=600.0,
        handlers=("ops", "record", "ops", "chat"),
    )
    return replace(made, **changes)


def firing(sequence: int = 0, at: float = 0.0, **changes: object) -> Alert:
    return fired(None, found(sequence, at, **changes), NOW, None)


def quiet(until: float = 900.0) -> Silence:
    return Silence(id="s1", until=after(until), by="somebody", reason="works", created_at=NOW)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leads_where_the_table_says_or_is_refused_with_what_is_allowed(
    state: AlertState, command: Command
) -> None:
    if (state, command) in TRANSITIONS:
        assert moved(state, command) == TRANSITIONS[state, command]
        return
    with pytest.raises(Conflict, match="TransitionNotAllowed") as refused:
        moved(state, command)
    assert all(each in refused.value.message for each in allowed(state))


def test_the_first_firing_begins_an_episode_and_owes_each_handler_once() -> None:
    """`record` is owed nothing, for the history is written anyway."""
    alert = with_due(firing())
    assert (alert.state, alert.episode, alert.count, alert.told) == ("Firing", 1, 1, 1)
    assert [(o.handler, o.transition) for o in alert.owed] == [("ops", "fired"), ("chat", "fired")]
    assert (alert.due, alert.resolve_at) == (NOW, after(600))
    assert [e.changes[0] for e in alert.journal] == ["state: none -> Firing"]


def test_what_was_counted_before_changes_nothing_at_all() -> None:
    alert = firing(sequence=7, at=3.0)
    assert fired(alert, found(sequence=7, at=3.0), after(60), None) is alert
    more = found(counts={6: (5, 2.0), 7: (5, 3.0), 8: (2, 4.0)})
    assert fired(alert, more, after(60), None).count == 3


def test_partitions_count_apart() -> None:
    alert = fired(firing(sequence=7), found(sequence=7, partition="1"), NOW, None)
    assert (alert.count, set(alert.seen)) == (2, {"0", "1"})


def test_a_total_is_not_added_up_and_never_shrinks_within_an_episode() -> None:
    """The alert shows the most that a window came to."""
    alert = fired(firing(total=12), found(sequence=1, total=9), NOW, None)
    assert alert.count == 12
    assert fired(alert, found(sequence=2, total=15), NOW, None).count == 15


def test_a_timers_finding_is_news_only_when_it_is_later() -> None:
    alert = firing(counts={}, total=3)
    assert fired(alert, found(counts={}, total=3), after(60), None) is alert
    later = fired(alert, found(counts={}, total=4, at=30.0), after(60), None)
    assert (later.count, later.last_at, later.resolve_at) == (4, after(30), after(660))


def test_firing_again_tells_nobody_again_while_it_fires_or_is_acknowledged() -> None:
    alert = replace(firing(), owed=())
    assert fired(alert, found(sequence=1), after(60), None).owed == ()
    known = replace(acknowledged(alert, "somebody", "mine", NOW), owed=())
    again = fired(known, found(sequence=1), after(60), None)
    assert (again.state, again.count, again.owed, again.by) == ("Acknowledged", 2, (), "somebody")


def test_a_resolved_alert_fires_anew_in_another_episode() -> None:
    alert = resolved(firing(), "somebody", "mended", after(5))
    anew = fired(alert, found(sequence=1, at=60.0), after(60), None)
    assert (anew.state, anew.episode, anew.count, anew.first_at) == ("Firing", 2, 1, after(60))
    assert (anew.by, anew.reason) == ("", "")
    owed = [(o.handler, o.episode, o.transition) for o in anew.owed if o.handler == "ops"]
    assert owed == [("ops", 1, "fired"), ("ops", 1, "resolved"), ("ops", 2, "fired")]


def test_an_old_event_does_not_fire_a_resolved_alert_anew() -> None:
    alert = resolved(firing(sequence=9), "somebody", "mended", after(5))
    assert fired(alert, found(sequence=9), after(60), None) is alert


def test_a_silence_keeps_an_episode_quiet_and_its_end_tells_of_what_still_fires() -> None:
    alert = with_due(fired(None, found(auto_resolve=0.0), NOW, quiet()))
    assert (alert.owed, alert.told, alert.silenced_by, alert.due) == ((), 0, "s1", NOW)
    alert = with_due(replace(alert, journal=()))
    assert alert.due == after(900)
    assert told_if_quiet(alert, after(900), quiet()) is alert
    told = told_if_quiet(alert, after(900), None)
    assert ([o.handler for o in told.owed], told.silenced_by, told.told) == (["ops", "chat"], "", 1)


def test_nobody_hears_of_the_end_of_what_they_never_heard_of() -> None:
    alert = fired(None, found(), NOW, quiet())
    assert resolved(alert, "somebody", "mended", NOW).owed == ()
    assert told_if_quiet(resolved(alert, "somebody", "mended", NOW), after(900), None).owed == ()


def test_within_the_cool_down_an_episode_is_counted_and_not_told_until_it_is_over() -> None:
    alert = replace(firing(cool_down=300.0), owed=())
    alert = replace(cleared(alert, "calm", after(10)), owed=())
    again = fired(alert, found(sequence=1, at=60.0, cool_down=300.0), after(60), None)
    assert (again.state, again.owed, again.quiet_until) == ("Firing", (), after(300))
    assert told_if_quiet(again, after(299), None) is again
    assert len(told_if_quiet(again, after(300), None).owed) == 2
    still = fired(again, found(sequence=2, at=301.0, cool_down=300.0), after(301), None)
    assert (len(still.owed), still.told_at) == (2, after(301))


def test_what_is_cleared_twice_is_cleared_once() -> None:
    alert = cleared(firing(), "calm", after(10))
    assert (alert.state, alert.by, alert.reason) == ("Resolved", "meshplane", "calm")
    assert cleared(alert, "calm", after(20)) is alert


def test_an_alert_that_owes_very_much_is_quiet_until_its_handlers_have_caught_up() -> None:
    """Otherwise the row of an alert that flaps while a handler is down would outgrow the table."""
    alert, at = firing(), 0.0
    for sequence in range(1, 200):
        at += 60
        alert = cleared(alert, "calm", after(at))
        alert = fired(alert, found(sequence=sequence, at=at), after(at), None)
    assert MOST_OWED <= len(alert.owed) <= MOST_OWED + 4
    assert alert.episode == 200
    assert alert.quiet_until is not None


def test_the_times_of_its_history_never_go_back() -> None:
    """Clocks of instances differ, and histories are read by time."""
    alert = acknowledged(firing(), "somebody", "mine", after(-3600))
    alert = resolved(alert, "somebody", "mended", after(-7200))
    times = [e.at for e in alert.journal]
    assert times == sorted(set(times))


def test_what_acts_hears_of_every_firing_silence_or_not() -> None:
    """Somebody who deletes the same thing twice within an hour finds it mended twice."""

    def acting(sequence: int) -> Occurrence:
        return found(sequence, handlers=("remediate", "ops"), cool_down=900.0)

    alert = fired(None, acting(0), NOW, quiet())
    assert [o.handler for o in alert.owed] == ["remediate"]
    more = fired(alert, acting(1), after(1), quiet())
    assert [o.handler for o in more.owed] == ["remediate"]
    held, mine = claimed(more, after(2), 60)
    again = fired(held, acting(2), after(3), quiet())
    assert [(o.handler, o.attempts) for o in again.owed] == [("remediate", 1), ("remediate", 0)]
    assert [o.attempts for o in struck(again, mine).owed] == [0]
    assert [o.handler for o in cleared(again, "calm", after(9)).owed] == ["remediate", "remediate"]


def test_marks_of_very_many_partitions_do_not_outgrow_the_row() -> None:
    """Replayed events each have one of their own; the oldest are forgotten first."""
    alert = firing(at=1e6, partition="real", counts={7: (1, 1e6)})
    for number in range(MOST_SEEN + 50):
        alert = fired(alert, found(partition=f"replay-{number}", counts={0: (1, float(number))}), NOW, None)
    assert (len(alert.seen), alert.seen["real"]) == (MOST_SEEN, (7, 1e6))
    assert alert.count == MOST_SEEN + 51
    assert len(msgspec.json.encode(alert)) < 200_000


# --- what it owes


def test_one_notice_a_handler_is_claimed_the_oldest_first() -> None:
    alert = resolved(firing(), "somebody", "mended", NOW)
    held, mine = claimed(alert, NOW, 60)
    assert [(o.handler, o.transition, o.attempts) for o in mine] == [
        ("ops", "fired", 1),
        ("chat", "fired", 1),
    ]
    assert claimed(held, after(59), 60)[1] == ()
    again = claimed(held, after(60), 60)[1]
    assert [(o.handler, o.transition, o.attempts) for o in again] == [
        ("ops", "fired", 2),
        ("chat", "fired", 2),
    ]


def test_what_was_told_goes_whoever_has_claimed_it_meanwhile() -> None:
    held, mine = claimed(firing(), NOW, 60)
    later, others = claimed(held, after(61), 60)
    assert [o.handler for o in struck(later, mine[:1]).owed] == ["chat"]
    assert postponed(later, mine[1], replace(mine[1], at=after(500))) == later
    assert postponed(later, others[1], replace(others[1], at=after(500))).owed[1].at == after(500)


def test_what_is_owed_already_is_not_owed_twice() -> None:
    alert = firing()
    assert owing_again(alert, alert.owed[0]) is alert
    assert len(owing_again(struck(alert, alert.owed[:1]), alert.owed[0]).owed) == 2
