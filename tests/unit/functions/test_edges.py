"""Edges over HTTP: asked for, decided about, listed; and what is refused on the way."""

import pytest

from shared.domain.actor import Role
from tests.unit.functions.api import ASK, CONSUMER, PROVIDER, TARGET, Api, api, principal

REASON = {"reason": "agreed"}


async def requested(on: Api, **changed: object) -> str:
    """The id of a new edge."""
    made = await on.ask("request_edge", {**ASK, **changed})
    assert made.status == 201, made.body
    return str(made.body["id"])


async def test_a_request_is_created_with_its_address_and_version() -> None:
    """201, and Location leads to the same edge under the same ETag."""
    on = api()
    made = await on.ask("request_edge", ASK)
    assert (made.status, made.body["state"]) == (201, "PendingApproval")
    key = made.headers["Location"].removeprefix("/api/edges/")
    found = await on.ask("get_edge", path={"id": key})
    assert (found.status, found.headers["ETag"]) == (200, made.headers["ETag"])
    assert (found.body["consumer"], found.body["provider"], found.body["target"]) == (
        CONSUMER,
        PROVIDER,
        TARGET,
    )
    assert [entry["outcome"] for entry in found.body["history"]].count("PendingApproval") == 1


async def test_a_repeated_request_finds_the_edge_that_the_first_one_made() -> None:
    """The same Idempotency-Key and body: the same id; another body: 422."""
    on, headers = api(), {"Idempotency-Key": "one"}
    first = await on.ask("request_edge", ASK, headers=headers)
    again = await on.ask("request_edge", ASK, headers=headers)
    assert (again.status, again.body["id"], len(on.edges.records)) == (201, first.body["id"], 1)
    other = await on.ask("request_edge", {**ASK, "purpose": "another"}, headers=headers)
    assert (other.status, other.body["code"]) == (422, "IdempotencyKeyReused")


@pytest.mark.parametrize(
    ("command", "before", "after"),
    [("approve", [], "Approved"), ("reject", [], "Rejected"), ("revoke", ["approve"], "Revoking")],
)
async def test_a_decision_moves_an_edge(command: str, before: list[str], after: str) -> None:
    """By somebody other than who asked for it; the answer shows the new state and version."""
    on = api(authenticated=True)
    on.principal = principal(Role.REQUESTER, subject="asker")
    key = await requested(on)
    on.principal = principal(Role.APPROVER, subject="approver")
    for each in before:
        await on.ask(f"{each}_edge", REASON, path={"id": key})
    read = await on.ask("get_edge", path={"id": key})
    said = await on.ask(
        f"{command}_edge", REASON, path={"id": key}, headers={"If-Match": read.headers["ETag"]}
    )
    assert (said.status, said.body["state"]) == (200, after)
    assert said.headers["ETag"] != read.headers["ETag"]
