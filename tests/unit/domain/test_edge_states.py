"""The transitions of an edge: every pair of a state and a command either leads where the table says or is refused."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from shared.domain.edge import GRANTED, LIVE, EdgeRecord, EdgeRequest, EdgeState
from shared.domain.edge_states import TRANSITIONS, Command, Move, allowed, is_move, move, moved
from shared.domain.errors import Conflict
from shared.domain.ids import EdgeKey, NodeKey

STATES: tuple[EdgeState, ...] = get_args(EdgeState.__value__)
COMMANDS: tuple[Command, ...] = get_args(Command.__value__)
NOW = datetime(2026, 1, 5, tzinfo=UTC)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(("state", "command"), TRANSITIONS)
def test_each_row_leads_to_its_state_and_is_written_down(state: EdgeState, command: Command) -> None:
    after = move(edge(state), Move(command, "anne", NOW, "because"))
    assert after.state == TRANSITIONS[state, command] == moved(state, command)
    [entry], [event] = after.journal, after.outbox
    assert entry.cause == f"{command} by anne"
    assert entry.changes == (f"state: {state} -> {after.state}", "reason: because")
    assert is_move(entry)
    assert (event.data["before"], event.data["state"], event.data["by"]) == (state, after.state, "anne")
    assert event.type == ("EdgeExpiring" if command == "warn" else "EdgeChanged")


def test_commands_of_one_moment_are_told_in_their_order() -> None:
    record = edge("Approved")
    for command, at in (("provision", NOW), ("activate", NOW), ("revoke", NOW - timedelta(seconds=1))):
        record = move(record, Move(command, "meshplane", at, "because"))  # type: ignore[arg-type]
    times = [entry.at for entry in record.journal]
    assert times[0] == NOW
    assert times == sorted(set(times))
    assert times[-1] - NOW < timedelta(milliseconds=1)


@pytest.mark.parametrize("state", STATES)
def test_every_other_command_is_refused_and_the_allowed_ones_are_named(state: EdgeState) -> None:
    for command in set(COMMANDS) - set(allowed(state)):
        with pytest.raises(Conflict) as refused:
            moved(state, command)
        assert refused.value.reason == "TransitionNotAllowed"
        assert all(f"{c} (to {TRANSITIONS[state, c]})" in refused.value.message for c in allowed(state))


def test_only_an_approval_leads_to_what_is_granted() -> None:
    into = {(before, command) for (before, command), after in TRANSITIONS.items() if after in GRANTED}
    from_outside = {command for before, command in into if before not in (*GRANTED, "Failed")}
    # An edge that was asked about anew has its approval: for the way to which it goes back.
    assert from_outside == {"approve", "resume"}


def test_every_live_state_may_be_revoked_and_nothing_leads_back_from_what_was_refused() -> None:
    assert {state for state in STATES if "revoke" in allowed(state)} == LIVE - {"Revoking"}
    assert allowed("Rejected") == ()
    assert allowed("Revoked") == ("reopen",)


def test_active_is_reached_from_provisioning_alone_but_for_a_longer_lease() -> None:
    into = {before: command for (before, command), after in TRANSITIONS.items() if after == "Active"}
    assert into == {"Provisioning": "activate", "Active": "extend", "Expiring": "extend"}


def edge(state: EdgeState) -> EdgeRecord:
    consumer, provider = NodeKey.of(SUBSCRIPTION, "a"), NodeKey.of(SUBSCRIPTION, "b")
    request = EdgeRequest(consumer=consumer, provider=provider, interface="peering")
    return EdgeRecord(key=EdgeKey("e"), request=request, state=state, requested_by="x", requested_at=NOW)
