"""An approval is for what was shown: a way that exposes more needs another one, and what is there stays meanwhile."""

from datetime import timedelta

import msgspec
import pytest

from shared.domain.approval import Rule
from shared.domain.edge import EdgeRecord, asked_anew
from shared.domain.errors import Conflict, Denied, Terminal
from tests.unit.reconcile.edges.mesh import EdgeMesh
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, OWNER, REQUEST

ACCEPTED = Rule(name="small", ruling="accept")
SQL_ONLY = msgspec.structs.replace(REQUEST, exposure="private-endpoint")


async def asked(mesh: EdgeMesh, seconds: float = 0.0) -> EdgeRecord:
    """An edge that was Active by a private endpoint, whose consumer has taken an option that resolves no names."""
    edge = await mesh.active()
    assert (edge.granted, len(mesh.endpoints)) == ("private-endpoint", 1)
    mesh.clock.advance(seconds)
    mesh.arm.calls.clear()
    await mesh.change_node(CONSUMER, network="none")
    await mesh.until_quiet()
    return await mesh.edge(edge.key)


async def test_a_more_exposing_way_waits_for_a_person_and_what_is_there_stays() -> None:
    mesh = await EdgeMesh().start()
    edge = await asked(mesh)
    assert (edge.state, asked_anew(edge)) == ("PendingApproval", True)
    assert edge.conditions[0].reason == "MoreExposing"
    assert "by service-endpoint only, which exposes more than private-endpoint" in edge.conditions[0].message
    assert edge.proposed
    assert (edge.proposed.exposure, edge.route and edge.route.exposure) == (
        "service-endpoint",
        "private-endpoint",
    )
    assert mesh.states(edge.key)[-1] == "PendingApproval"
    await mesh.later(days=1)
    assert (mesh.writes(), len(mesh.endpoints), len(edge.owned)) == ([], 1, 1)
    assert (await mesh.edge(edge.key)).state == "PendingApproval"


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_once_approved_it_is_led_that_way_and_its_lease_goes_on(seconds: float) -> None:
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    before = await asked(mesh, seconds=86400.0)
    approved = await mesh.desk.approve(BERT, before.key, "they may", before.etag)
    assert (approved.state, approved.expires_at, approved.proposed) == ("Approved", before.expires_at, None)
    assert approved.granted == "service-endpoint"
    await mesh.until_quiet()
    edge = await mesh.edge(before.key)
    assert (edge.state, edge.route and edge.route.exposure) == ("Active", "service-endpoint")
    assert (mesh.endpoints, len(edge.owned)) == ([], 2)
    await mesh.change_node(CONSUMER, network="hub")
    await mesh.later(hours=2)
    assert mesh.states(edge.key)[-1] == "Active"


async def test_whoever_asked_does_not_approve_it_now_either() -> None:
    mesh = await EdgeMesh().start()
    edge = await asked(mesh)
    for actor in (ANNE, msgspec.structs.replace(OWNER, subject="anne")):
        with pytest.raises(Denied):
            await mesh.desk.approve(actor, edge.key, "mine")
    assert (await mesh.edge(edge.key)).state == "PendingApproval"


async def test_it_is_approved_only_as_it_was_seen() -> None:
    """Who named no version may have looked before anybody proposed it; who named another one did."""
    mesh = await EdgeMesh().start()
    before = await mesh.active()
    await mesh.change_node(CONSUMER, network="none")
    await mesh.until_quiet()
    with pytest.raises(Terminal) as unseen:
        await mesh.desk.approve(BERT, before.key, "they may")
    assert unseen.value.reason == "PreconditionRequired"
    with pytest.raises(Conflict) as outdated:
        await mesh.desk.approve(BERT, before.key, "they may", before.etag)
    assert outdated.value.reason == "EdgeChanged"
    with pytest.raises(Denied):
        await mesh.desk.approve(ANNE, before.key, "mine")
    seen = await mesh.edge(before.key)
    assert (seen.state, seen.granted) == ("PendingApproval", "private-endpoint")
    assert (await mesh.desk.approve(BERT, seen.key, "they may", seen.etag)).granted == "service-endpoint"


@pytest.mark.parametrize("command", ["reject", "revoke"])
async def test_refused_it_is_taken_away_and_read_back_as_gone(command: str) -> None:
    mesh = await EdgeMesh().start()
    edge = await asked(mesh)
    refused = await getattr(mesh.desk, command)(BERT, edge.key, "not that way")
    assert refused.state == "Revoking"
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, mesh.endpoints, edge.owned) == ("Revoked", [], ())


@pytest.mark.parametrize(
    ("day", "left", "reason"),
    [(40, 29, "nobody has decided about it in 30 days"), (70, 19, "the lease ended")],
)
async def test_undecided_for_long_or_beyond_its_lease_it_is_taken_away(
    day: int, left: int, reason: str
) -> None:
    """The thirty days are counted from when it was asked about anew, the ninety of its lease from its approval."""
    mesh = await EdgeMesh().start()
    edge = await asked(mesh, seconds=day * 86400.0)
    await mesh.later(days=left)
    assert (await mesh.edge(edge.key)).state == "PendingApproval"
    await mesh.later(days=2)
    edge = await mesh.edge(edge.key)
    assert (edge.state, mesh.endpoints, edge.owned) == ("Revoked", [], ())
    assert reason in " ".join(c for e in mesh.history.entries for c in e.changes)


async def test_when_what_was_approved_works_again_nobody_is_asked_any_more() -> None:
    mesh = await EdgeMesh().start()
    edge = await asked(mesh)
    await mesh.change_node(CONSUMER, network="endpoints")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.proposed, len(mesh.endpoints)) == ("Active", None, 1)
    assert mesh.states(edge.key)[-3:] == ["PendingApproval", "Provisioning", "Active"]
    assert mesh.writes() == []


async def test_an_approval_does_not_cover_what_became_of_the_way_before_it_was_made() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.desk.request(ANNE, REQUEST)
    await mesh.until_quiet()
    await mesh.desk.approve(BERT, edge.key, "fine")
    await mesh.change_node(CONSUMER, network="none")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.granted, mesh.writes()) == ("PendingApproval", "private-endpoint", [])


async def test_what_a_rule_accepted_unseen_is_the_first_way_that_it_is_led() -> None:
    mesh = await EdgeMesh(rules=(ACCEPTED,)).start()
    await mesh.change_node(CONSUMER, network="none")
    edge = await mesh.active()
    assert (edge.granted, edge.route and edge.route.exposure) == ("service-endpoint", "service-endpoint")
    mesh.cloud.close_firewall(REQUEST.target)
    await mesh.change_node(CONSUMER, network="endpoints")
    await mesh.later(hours=2)
    assert (await mesh.edge(edge.key)).state == "Active"


async def test_a_way_that_was_asked_for_fails_rather_than_giving_way() -> None:
    mesh = await EdgeMesh().start()
    edge = await mesh.active(SQL_ONLY)
    await mesh.change_node(CONSUMER, network="none")
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.conditions[0].reason) == ("Failed", "OptionForbids")


async def test_where_no_way_is_left_while_a_person_is_asked_the_reason_is_told() -> None:
    mesh = await EdgeMesh().start()
    edge = await asked(mesh)
    mesh.cloud.delete_resource(REQUEST.target)
    await mesh.later(hours=2)
    edge = await mesh.edge(edge.key)
    assert (edge.state, edge.conditions[0].reason, edge.proposed) == (
        "PendingApproval",
        "TargetNotFound",
        None,
    )
    assert edge.expires_at
    assert edge.expires_at - mesh.clock.now() > timedelta(days=80)
