"""Edges over HTTP: asked for, decided about, listed; and what is refused on the way."""

import msgspec
import pytest

from shared.domain.actor import Role
from shared.domain.approval import Rule
from shared.domain.edge import Route
from shared.domain.errors import Waiting
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import NodeRecord
from tests.support.mesh import SUBSCRIPTION
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
    on.principal = principal(Role.REQUESTER, subject="asker", groups="owner-of-marketing")
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


async def test_a_command_that_does_not_fit_says_which_would() -> None:
    """409 with the commands that people may give an edge in its state, as an extension member of the problem."""
    on = with_approver()
    key = await requested(on)
    refused = await on.ask("extend_edge", {**REASON, "lease_days": 30}, path={"id": key})
    assert (refused.status, refused.body["code"]) == (409, "TransitionNotAllowed")
    assert refused.body["allowed"] == ["approve", "reject", "revoke"]
    await on.ask("reject_edge", REASON, path={"id": key})
    ended = await on.ask("approve_edge", REASON, path={"id": key})
    assert (ended.status, "allowed" in ended.body) == (409, False)


async def test_a_change_meant_for_another_version_is_refused() -> None:
    """412 while the ETag is old; `*`, and none, mean whatever version there is."""
    on = with_approver()
    key = {"id": await requested(on)}
    old = (await on.ask("get_edge", path=key)).headers["ETag"]
    assert (await on.ask("approve_edge", REASON, path=key, headers={"If-Match": old})).status == 200
    stale = await on.ask("revoke_edge", REASON, path=key, headers={"If-Match": old})
    assert (stale.status, stale.body["code"]) == (412, "EdgeChanged")
    assert (await on.ask("get_edge", path=key)).body["state"] == "Approved"
    assert (await on.ask("revoke_edge", REASON, path=key, headers={"If-Match": "*"})).status == 200


async def test_a_more_exposing_way_is_approved_only_with_the_version_that_showed_it() -> None:
    """428 without If-Match, and for `*`, which names none; 412 while it is old."""
    on = with_approver()
    key = {"id": await requested(on)}
    old = (await on.ask("get_edge", path=key)).headers["ETag"]
    record = on.edges.records[EdgeKey(key["id"])]
    proposed = Route(exposure="service-endpoint", why="the consumer resolves no names")
    await on.edges.save(msgspec.structs.replace(record, granted="private-endpoint", proposed=proposed))
    for headers, status, code in (
        ({}, 428, "PreconditionRequired"),
        ({"If-Match": "*"}, 428, "PreconditionRequired"),
        ({"If-Match": old}, 412, "EdgeChanged"),
    ):
        said = await on.ask("approve_edge", REASON, path=key, headers=headers)
        assert (said.status, said.body["code"]) == (status, code)
    seen = (await on.ask("get_edge", path=key)).headers["ETag"]
    assert (await on.ask("approve_edge", REASON, path=key, headers={"If-Match": seen})).status == 200


async def test_an_extension_is_counted_in_days_and_bounded() -> None:
    """The lease ends later; more than the longest lease is refused."""
    on = with_approver()
    key = {"id": await requested(on, lease_days=10)}
    before = (await on.ask("approve_edge", REASON, path=key)).body["expires_at"]
    after = await on.ask("extend_edge", {**REASON, "lease_days": 5}, path=key)
    assert (after.status, after.body["expires_at"] > before) == (200, True)
    refused = await on.ask("extend_edge", {**REASON, "lease_days": 3650}, path=key)
    assert (refused.status, refused.body["code"]) == (400, "LeaseInvalid")


@pytest.mark.parametrize("command", ["approve_edge", "reject_edge", "revoke_edge", "reconcile_edge"])
async def test_an_edge_that_is_not_there_is_not_found(command: str) -> None:
    body = None if command == "reconcile_edge" else REASON
    said = await api().ask(command, body, path={"id": "0" * 32})
    assert (said.status, said.body["code"]) == (404, "EdgeNotFound")


@pytest.mark.parametrize(
    ("group", "status", "code"), [("nobody", 422, "NodeUnknown"), ("leaving", 409, "NodeNotReady")]
)
async def test_an_edge_needs_two_nodes_that_are_there(group: str, status: int, code: str) -> None:
    """A group that is no node, and one that is on its way out."""
    on = api()
    leaving = NodeKey.of(SUBSCRIPTION, "leaving")
    on.mesh.nodes.records[leaving] = NodeRecord(key=leaving, state="Offboarding", etag='W/"0"')
    said = await on.ask("request_edge", {**ASK, "consumer": f"{SUBSCRIPTION}/{group}"})
    assert (said.status, said.body["code"], on.edges.records) == (status, code, {})


async def test_a_request_can_be_priced_without_being_made() -> None:
    """Every way with its cost, or what speaks against it; no edge, no history and no write."""
    on = api()
    on.mesh.create_node("sales")
    on.mesh.create_node("marketing", "10.2.0.0/16")
    on.mesh.cloud.create_resource(TARGET)
    said = await on.ask("plan_edge", {**ASK, "gigabytes": 100})
    assert said.status == 200
    assert {way["exposure"] for way in said.body["ways"]} == {
        "private-endpoint",
        "service-endpoint",
        "hub",
        "peering",
    }
    assert all(way["possible"] or way["against"] for way in said.body["ways"])
    assert (on.edges.records, on.mesh.history.entries, on.mesh.queue.items) == ({}, [], ())


async def test_lists_are_filtered_by_either_node_and_by_state() -> None:
    on = with_approver()
    first, second = await requested(on), await requested(on)
    await on.ask("approve_edge", REASON, path={"id": second})
    for query, found in (
        ({"consumer": CONSUMER}, {first, second}),
        ({"provider": CONSUMER}, set[str]()),
        ({"provider": PROVIDER, "state": "Approved"}, {second}),
        ({"state": "PendingApproval"}, {first}),
    ):
        items = (await on.ask("list_edges", query=query)).body["items"]
        assert {item["id"] for item in items} == found


async def test_a_store_that_does_not_answer_is_told_with_when_to_come_back() -> None:
    """503 with Retry-After in whole seconds, at least one."""
    on = api()
    on.mesh.arm.inject("get_network", Waiting("TooManyRequests", "busy", retry_after=0.4), times=50)
    on.mesh.arm.inject("list_networks", Waiting("TooManyRequests", "busy", retry_after=0.4), times=50)
    on.mesh.create_node("sales")
    said = await on.ask("plan_edge", ASK)
    assert (said.status, said.headers["Retry-After"]) == (503, "1")


def with_approver() -> Api:
    """An app whose one caller may do everything, also approve what they asked for."""
    return api(rules=(Rule(name="alone", ruling="ask", self_approval=True),))
