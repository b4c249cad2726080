"""What people may do to edges, and what is refused by name."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.domain.actor import KEY_HOLDER, SYSTEM, Actor, Role
from shared.domain.approval import Rule
from shared.domain.edge import EdgeRecord
from shared.domain.edge_request import Terms
from shared.domain.edge_states import is_move
from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import NodeRecord
from tests.support.mesh import SUBSCRIPTION
from tests.unit.reconcile.edges.people import (
    ANNE,
    BERT,
    CONSUMER,
    OWNER,
    PROVIDER,
    READER,
    REQUEST,
    SERVER,
    Desk,
)


async def refused(call: object, reason: str, kind: type[MeshError] = Terminal) -> str:
    assert asyncio.iscoroutine(call)
    with pytest.raises(kind) as raised:
        await call
    assert raised.value.reason == reason
    return raised.value.message


async def test_a_request_waits_for_a_person_where_no_rule_decides() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    assert (edge.state, edge.requested_by, edge.expires_at) == ("PendingApproval", "anne", None)
    assert [e.cause for e in mesh.history.entries] == ["request by anne", "ask by default"]
    assert [item.key for item in mesh.queue.items] == [str(edge.key)]
    assert edge.next_due == mesh.clock.now()


@pytest.mark.parametrize("approver", [BERT, OWNER])
async def test_an_approver_or_the_providers_owner_approves_and_the_lease_begins(approver: Actor) -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    mesh.clock.advance(3600)
    edge = await mesh.desk.approve(approver, edge.key, "they need it")
    assert edge.state == "Approved"
    assert edge.verdict
    assert (edge.verdict.by, edge.verdict.reason) == (approver.subject, "they need it")
    assert edge.expires_at == mesh.clock.now() + timedelta(days=90)
    entry = mesh.history.entries[-1]
    assert entry.cause == f"approve by {approver.subject}"
    assert entry.changes == ("state: PendingApproval -> Approved", "reason: they need it")
    assert [e.data["command"] for e in edge.outbox] == ["ask", "approve"]


async def test_neither_a_stranger_nor_the_consumers_owner_approves() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(BERT, REQUEST)
    consumer_owner = Actor("rita", frozenset({Role.REQUESTER}), frozenset({"report-team"}))
    for actor in (READER, ANNE, consumer_owner):
        await refused(mesh.desk.approve(actor, edge.key, "please"), "NotApprover", Denied)
    assert (await mesh.desk.get(READER, edge.key)).state == "PendingApproval"


ALSO_CONSUMER = msgspec.structs.replace(OWNER, identities=OWNER.identities | {"report-team"})


@pytest.mark.parametrize("actor", [BERT, ALSO_CONSUMER])
async def test_nobody_approves_their_own_request(actor: Actor) -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(actor, REQUEST)
    await refused(mesh.desk.approve(actor, edge.key, "it is mine"), "OwnRequest", Denied)
    assert (await mesh.desk.reject(actor, edge.key, "a mistake")).state == "Rejected"


async def test_where_callers_are_not_told_apart_whoever_holds_the_key_decides() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(KEY_HOLDER, REQUEST)
    assert (await mesh.desk.approve(KEY_HOLDER, edge.key, "one of the platform team")).state == "Approved"


async def test_a_rule_may_let_people_approve_their_own_request() -> None:
    mesh = await Desk([Rule(name="trusted", ruling="ask", self_approval=True)]).start()
    edge = await mesh.desk.request(BERT, REQUEST)
    assert (await mesh.desk.approve(BERT, edge.key, "it is mine")).state == "Approved"


async def test_a_rule_may_accept_or_reject_at_once() -> None:
    rules = [
        Rule(name="no-bulk", ruling="reject", interfaces=("storage",)),
        Rule(name="open-data", ruling="accept", provider_domains=("Retail",)),
    ]
    mesh = await Desk(rules).start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    assert edge.state == "Approved"
    assert edge.verdict
    assert edge.verdict.by == "open-data"
    account = f"{PROVIDER.group_id}/providers/Microsoft.Storage/storageAccounts/a"
    storage = msgspec.structs.replace(REQUEST, interface="storage", target=account)
    assert (await mesh.desk.request(ANNE, storage)).state == "Rejected"


@pytest.mark.parametrize("actor", [ANNE, BERT, KEY_HOLDER])
async def test_the_consumers_owner_an_approver_or_the_key_asks(actor: Actor) -> None:
    mesh = await Desk().start()
    assert (await mesh.desk.request(actor, REQUEST)).requested_by == actor.subject


async def test_nobody_asks_for_a_node_of_others_unless_the_settings_let_them() -> None:
    mesh = await Desk().start()
    stranger = Actor("eve", frozenset({Role.REQUESTER}), frozenset({"eve", "sales-team"}))
    said = await refused(mesh.desk.request(stranger, REQUEST), "NotConsumerOwner", Denied)
    assert str(CONSUMER) in said
    assert mesh.edges.records == {}
    open_desk = await Desk(terms=Terms(anyone_asks=True)).start()
    assert (await open_desk.desk.request(stranger, REQUEST)).state == "PendingApproval"


async def test_where_the_owner_is_a_mere_text_or_none_every_requester_asks() -> None:
    mesh = await Desk().start()
    await mesh.node(NodeRecord(key=CONSUMER, state="Ready", owner="the reporting people"))
    stranger = Actor("eve", frozenset({Role.REQUESTER}), frozenset({"eve"}))
    assert (await mesh.desk.request(stranger, REQUEST)).state == "PendingApproval"


async def test_asking_needs_the_role() -> None:
    mesh = await Desk().start()
    await refused(mesh.desk.request(READER, REQUEST), "RoleRequired", Denied)
    await refused(mesh.desk.list(Actor("nobody")), "RoleRequired", Denied)
    await refused(mesh.desk.get(Actor("nobody"), EdgeKey("x")), "RoleRequired", Denied)


OTHER = NodeKey.of(SUBSCRIPTION, "other")
P = PROVIDER.group_id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"provider": CONSUMER}, "SameNode"),
        ({"provider": OTHER}, "TargetOutsideProvider"),
        ({"consumer": OTHER}, "NodeUnknown"),
        ({"target": ""}, "TargetRequired"),
        ({"target": f"{OTHER.group_id}/providers/Microsoft.Sql/servers/x"}, "TargetOutsideProvider"),
        ({"target": f"{P}/../other/providers/Microsoft.Sql/servers/x"}, "TargetInvalid"),
        ({"target": f"{P}/providers/Microsoft.Sql/servers/.."}, "TargetInvalid"),
        ({"target": f"{P}/providers/Microsoft.Sql/servers/./databases/d"}, "TargetInvalid"),
        ({"target": f"{P}/providers/Microsoft.Sql/servers/%2e%2e"}, "TargetInvalid"),
        ({"target": f"{P}/providers/Microsoft.Sql/servers/a?x=y"}, "TargetInvalid"),
        ({"target": f"{P}/providers/Microsoft.Sql/servers/a\n"}, "TargetInvalid"),
        ({"target": f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings/d"}, "TargetInvalid"),
        (
            {"target": f"{P}/providers/A.B/c/d{OTHER.group_id}/providers/Microsoft.Sql/servers/x"},
            "TargetInvalid",
        ),
        ({"target": f"{P}/providers/Microsoft.Sql/servers"}, "TargetInvalid"),
        ({"target": P}, "TargetInvalid"),
        ({"target": "https://elsewhere.example/" + SERVER}, "TargetInvalid"),
        ({"target": SERVER + "/databases/" + "d" * 3000}, "TargetInvalid"),
        ({"interface": "storage"}, "InterfaceMismatch"),
        ({"target": f"{P}/providers/Microsoft.Sql/serversfarm/x"}, "InterfaceMismatch"),
        ({"purpose": " \n"}, "PurposeRequired"),
        ({"purpose": "p" * 501}, "TextTooLong"),
        ({"gigabytes": -1.0}, "VolumeInvalid"),
        ({"gigabytes": float("nan")}, "VolumeInvalid"),
        ({"gigabytes": float("inf")}, "VolumeInvalid"),
        ({"lease_days": 0}, "LeaseInvalid"),
        ({"lease_days": 59 / 86400}, "LeaseInvalid"),
        ({"lease_days": float("nan")}, "LeaseInvalid"),
        ({"lease_days": 366}, "LeaseInvalid"),
    ],
)
async def test_what_no_edge_may_say_is_refused_by_name(changes: dict[str, object], reason: str) -> None:
    mesh = await Desk().start()
    await refused(mesh.desk.request(ANNE, msgspec.structs.replace(REQUEST, **changes)), reason)
    assert mesh.edges.records == {}


@pytest.mark.parametrize(
    "target",
    [SERVER.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), f"{SERVER}/databases/d", SERVER + "/"],
)
async def test_ids_are_taken_in_any_case_and_children_belong_to_their_service(target: str) -> None:
    mesh = await Desk().start()
    request = msgspec.structs.replace(REQUEST, target=target)
    assert (await mesh.desk.request(ANNE, request)).request.target == target


async def test_hostile_text_is_kept_as_it_is() -> None:
    mesh = await Desk().start()
    purpose = "<script>alert(1)</script>'; DROP TABLE edges; --\x00\ud800 \N{RIGHT-TO-LEFT OVERRIDE}"
    edge = await mesh.desk.request(ANNE, msgspec.structs.replace(REQUEST, purpose=purpose))
    assert edge.request.purpose == purpose.replace("\ud800", "?")
    assert msgspec.json.decode(msgspec.json.encode(edge), type=EdgeRecord) == edge


@pytest.mark.parametrize("state", ["NotReady", "Offboarding"])
async def test_a_node_that_is_not_ready_takes_no_new_edges(state: str) -> None:
    mesh = await Desk().start()
    await mesh.node(
        msgspec.convert({"key": {"subscription": SUBSCRIPTION, "group": "sales"}, "state": state}, NodeRecord)
    )
    await refused(mesh.desk.request(ANNE, REQUEST), "NodeNotReady")


async def test_the_same_idempotency_key_finds_the_same_edge() -> None:
    mesh = await Desk().start()
    first = await mesh.desk.request(ANNE, REQUEST, "once")
    again = await mesh.desk.request(ANNE, REQUEST, "once")
    assert again == first
    assert len(mesh.edges.records) == 1
    assert (await mesh.desk.request(BERT, REQUEST, "once")).key != first.key
    other = msgspec.structs.replace(REQUEST, gigabytes=5.0)
    await refused(mesh.desk.request(ANNE, other, "once"), "IdempotencyKeyReused")
    await refused(mesh.desk.request(ANNE, REQUEST, "k" * 256), "IdempotencyKeyInvalid")


async def test_retries_at_once_make_one_edge() -> None:
    mesh = await Desk().start()
    edges = await asyncio.gather(*(mesh.desk.request(ANNE, REQUEST, "once") for _ in range(5)))
    assert len({edge.key for edge in edges}) == len(mesh.edges.records) == 1
    assert len([e for e in mesh.history.entries if e.cause.startswith("request")]) == 1


async def test_a_command_on_an_old_version_is_refused() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    approved = await mesh.desk.approve(BERT, edge.key, "fine", edge.etag)
    await refused(mesh.desk.revoke(BERT, edge.key, "no more", edge.etag), "EdgeChanged", Conflict)
    assert (await mesh.desk.revoke(BERT, edge.key, "no more", approved.etag)).state == "Revoking"


async def test_of_two_opposite_decisions_at_once_one_wins() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    results = await asyncio.gather(
        mesh.desk.approve(BERT, edge.key, "yes"),
        mesh.desk.reject(OWNER, edge.key, "no"),
        return_exceptions=True,
    )
    assert sum(isinstance(r, Conflict) and r.reason == "TransitionNotAllowed" for r in results) == 1
    states = [e.outcome for e in mesh.history.entries if is_move(e)]
    assert states[-1] == (await mesh.desk.get(READER, edge.key)).state


async def test_what_a_state_does_not_take_is_refused_with_what_it_takes() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await mesh.desk.reject(BERT, edge.key, "no")
    message = await refused(mesh.desk.approve(BERT, edge.key, "yes"), "TransitionNotAllowed", Conflict)
    assert message == "An edge that is Rejected does not take 'approve'; it takes: none."
    other = await mesh.desk.request(ANNE, REQUEST)
    message = await refused(mesh.desk.extend(BERT, other.key, "more", 5), "TransitionNotAllowed", Conflict)
    assert "approve (to Approved), reject (to Rejected), revoke (to Revoking)" in message


@pytest.mark.parametrize("command", ["approve", "reject", "revoke"])
async def test_every_decision_needs_a_reason(command: str) -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await refused(getattr(mesh.desk, command)(BERT, edge.key, "  "), "ReasonRequired")
    await refused(getattr(mesh.desk, command)(BERT, edge.key, "r" * 501), "TextTooLong")
    await refused(getattr(mesh.desk, command)(BERT, EdgeKey("nothing"), "why"), "EdgeNotFound", NotFound)


async def test_who_asked_and_both_owners_may_revoke_and_nobody_else() -> None:
    report_owner = Actor("rita", frozenset({Role.REQUESTER}), frozenset({"report-team"}))
    for actor in (ANNE, OWNER, report_owner, BERT, SYSTEM):
        mesh = await Desk().start()
        edge = await mesh.desk.request(ANNE, REQUEST)
        assert (await mesh.desk.revoke(actor, edge.key, "done")).state == "Revoking"
    stranger = Actor("sven", frozenset({Role.REQUESTER}), frozenset({"sven"}))
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await refused(mesh.desk.revoke(stranger, edge.key, "mischief"), "NotApprover", Denied)


async def test_an_extension_adds_days_up_to_the_longest_lease() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    edge = await mesh.desk.approve(BERT, edge.key, "fine")
    assert edge.expires_at
    longer = await mesh.desk.extend(BERT, edge.key, "still needed", 30)
    assert longer.expires_at == edge.expires_at + timedelta(days=30)
    longest = await mesh.desk.extend(BERT, edge.key, "still needed", 365)
    assert longest.expires_at == mesh.clock.now() + timedelta(days=365)
    await refused(mesh.desk.extend(BERT, edge.key, "for ever", 366), "LeaseInvalid")
    await refused(mesh.desk.extend(ANNE, edge.key, "mine", 30), "NotApprover", Denied)


async def test_a_rule_that_accepts_lets_requesters_extend_by_themselves() -> None:
    mesh = await Desk([Rule(name="short", ruling="accept", most_lease_days=90)]).start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    assert edge.expires_at
    mesh.clock.advance(timedelta(days=10).total_seconds())
    longer = await mesh.desk.extend(ANNE, edge.key, "still needed", 10)
    assert longer.expires_at == edge.expires_at + timedelta(days=10)
    await refused(mesh.desk.extend(ANNE, edge.key, "still needed", 1), "NotApprover", Denied)


async def test_a_command_counts_even_if_nobody_can_be_told() -> None:
    mesh = await Desk().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    mesh.queue.fault = Transient("QueueDown", "try again")
    edge = await mesh.desk.approve(BERT, edge.key, "fine")
    assert edge.state == "Approved"
    assert [k async for k in mesh.edges.due(mesh.clock.now() + timedelta(seconds=1))] == [edge.key]


async def test_lists_are_filtered_and_paged() -> None:
    mesh = await Desk().start()
    for _ in range(5):
        await mesh.desk.request(ANNE, REQUEST)
    first = await mesh.desk.list(READER, consumer=CONSUMER, size=3)
    rest = await mesh.desk.list(READER, consumer=CONSUMER, size=3, continuation=first.continuation)
    assert len({row.id for row in (*first.items, *rest.items)}) == 5
    assert (await mesh.desk.list(READER, state="Active")).items == ()
    assert (await mesh.desk.list(READER, provider=CONSUMER)).items == ()
