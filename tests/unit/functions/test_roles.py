"""Who may call what: every route by every role, and what a forged header is worth."""

import logging
from base64 import b64encode

import pytest

from shared.domain.actor import KEY_HOLDER, Role, digest
from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import ASK, CONSUMER, POOL, ROUTES, Api, api, principal

NODE = {"subscription": SUBSCRIPTION, "group": "sales"}
EDGE = {"id": "0" * 32}
ALERT = {"id": "0" * 32}
REASON: dict[str, object] = {"reason": "because"}

# What each route needs, and a request that it understands.
NEEDS: dict[str, tuple[Role, dict[str, str], dict[str, object] | None]] = {
    "list_nodes": (Role.READER, {}, None),
    "get_node": (Role.READER, NODE, None),
    "plan_node": (Role.READER, NODE, None),
    "reconcile_node": (Role.OPERATOR, NODE, None),
    "mesh_coverage": (Role.READER, {}, None),
    "list_coverage": (Role.READER, {}, None),
    "node_coverage": (Role.READER, NODE, None),
    "governance": (Role.READER, {}, None),
    "list_governance_findings": (Role.READER, {}, None),
    "request_edge": (Role.REQUESTER, {}, ASK),
    "list_edges": (Role.READER, {}, None),
    "get_edge": (Role.READER, EDGE, None),
    "approve_edge": (Role.READER, EDGE, REASON),
    "reject_edge": (Role.READER, EDGE, REASON),
    "extend_edge": (Role.READER, EDGE, {**REASON, "lease_days": 9}),
    "revoke_edge": (Role.READER, EDGE, REASON),
    "plan_edge": (Role.READER, {}, ASK),
    "reconcile_edge": (Role.OPERATOR, EDGE, None),
    "move_node": (Role.OPERATOR, NODE, {"hub": "hub"}),
    "list_hubs": (Role.READER, {}, None),
    "get_hub": (Role.READER, {"id": "hub"}, None),
    "reconcile_hub": (Role.OPERATOR, {"id": "hub"}, None),
    "list_pools": (Role.READER, {}, None),
    "list_allocations": (Role.READER, {}, None),
    "list_alerts": (Role.READER, {}, None),
    "get_alert": (Role.READER, ALERT, None),
    "acknowledge_alert": (Role.READER, ALERT, REASON),
    "resolve_alert": (Role.READER, ALERT, REASON),
    "create_silence": (Role.READER, {}, {**REASON, "node": CONSUMER, "until": "2026-01-06T00:00:00Z"}),
    "list_silences": (Role.READER, {}, None),
    "delete_silence": (Role.READER, ALERT, None),
    "list_queries": (Role.READER, {}, None),
    "run_query": (Role.READER, {"query": "errors"}, None),
    "list_dead_letters": (Role.READER, {}, None),
    "replay_dead_letters": (Role.OPERATOR, {}, None),
    "replay_dead_letter": (Role.OPERATOR, {"id": "nothing"}, None),
    "health": (Role.READER, {}, None),
    "doctor": (Role.OPERATOR, {}, None),
    "openapi": (Role.READER, {}, None),
}
QUERY = {"list_allocations": {"pool": POOL}}


def test_the_matrix_names_every_route() -> None:
    assert {route.name for route in ROUTES} == set(NEEDS)


async def _status(on: Api, name: str) -> int:
    _, path, body = NEEDS[name]
    return (await on.ask(name, body, path=path, query=QUERY.get(name))).status


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("role", Role)
async def test_a_role_opens_what_it_and_those_below_it_may(name: str, role: Role) -> None:
    """403 below the role that a route needs; with it or above, whatever the route then has to say."""
    on = api(authenticated=True)
    on.principal = principal(role, groups="owner-of-marketing")
    order = list(Role)
    assert (await _status(on, name) == 403) is (order.index(role) < order.index(NEEDS[name][0]))


@pytest.mark.parametrize("name", NEEDS)
async def test_nobody_without_a_role_or_a_name_gets_anywhere(name: str) -> None:
    """403 for a caller whom nobody gave a role, 401 for none."""
    on = api(authenticated=True)
    assert await _status(on, name) == 401
    on.principal = principal()
    assert await _status(on, name) == 403
    on.principal = principal("Mesh.operator", "Operator", "mesh.Reader ")
    assert await _status(on, name) == 403


@pytest.mark.parametrize(
    "header",
    [
        "",
        "%%%",
        "e30=",
        "bm90IGpzb24=",
        b64encode(b"[" * 100_000).decode(),
        b64encode(b'{"claims":[{"typ":"roles","val":"Mesh.Operator"}]}').decode(),
        b64encode(b'{"claims":[{"typ":"oid","val":5}]}').decode(),
        b64encode(b'{"claims":[{"typ":"oid","val":""}]}').decode(),
        b64encode(b'{"claims":"roles"}').decode(),
        b64encode(b"\xff\xfe").decode(),
        principal(Role.OPERATOR, subject=""),
        "ü" * 10,
        "A" * 70_000,
    ],
)
async def test_a_principal_that_cannot_be_read_is_no_principal(header: str) -> None:
    """401, and never what it might have meant."""
    on = api(authenticated=True)
    said = await on.ask("list_nodes", headers={"X-MS-CLIENT-PRINCIPAL": header})
    assert (said.status, said.body["code"], said.headers["WWW-Authenticate"]) == (
        401,
        "Unidentified",
        "Bearer",
    )


@pytest.mark.parametrize("header", [principal(Role.OPERATOR), principal(), "%%%", principal(subject="")])
async def test_a_forged_header_gives_nothing_and_takes_nothing(header: str) -> None:
    """Where the platform does not authenticate, whoever shows the key is the key's holder, header or not."""
    on = api()
    made = await on.ask("request_edge", ASK, headers={"X-MS-CLIENT-PRINCIPAL": header})
    assert (made.status, made.body["requested_by"]) == (201, KEY_HOLDER.subject)


async def test_the_owner_of_the_provider_approves_without_a_role_for_it() -> None:
    """Known by the digest of their address, which is all that a node's record holds; a stranger is refused."""
    on = api(authenticated=True)
    for key, record in on.mesh.nodes.records.items():
        if key.group == "sales":
            owned = {"owner_id": digest("Robin@Example.org")}
            on.mesh.nodes.records[key] = type(record)(
                **{f: getattr(record, f) for f in record.__struct_fields__} | owned
            )
    on.principal = principal(Role.REQUESTER, subject="asker", groups="owner-of-marketing")
    edge = (await on.ask("request_edge", ASK)).body["id"]
    on.principal = principal(Role.READER, subject="stranger", preferred_username="eve@example.org")
    refused = await on.ask("approve_edge", REASON, path={"id": edge})
    assert (refused.status, refused.body["code"]) == (403, "NotApprover")
    on.principal = principal(Role.READER, subject="owner", preferred_username="robin@example.org")
    assert (await on.ask("approve_edge", REASON, path={"id": edge})).status == 200


async def test_nobody_asks_in_the_name_of_somebody_else_s_node() -> None:
    """403 with what to do; the owner, a member of the group that owns it, and an approver may."""
    on = api(authenticated=True)
    on.principal = principal(Role.REQUESTER, subject="stranger", groups="owner-of-sales")
    refused = await on.ask("request_edge", ASK)
    assert (refused.status, refused.body["code"], on.edges.records) == (403, "NotConsumerOwner", {})
    assert "mesh-owner" in refused.body["detail"]
    for allowed in (
        principal(Role.REQUESTER, subject="OWNER-of-marketing"),
        principal(Role.REQUESTER, subject="member", groups="owner-of-marketing"),
        principal(Role.APPROVER, subject="approver"),
        principal(Role.OPERATOR, subject="operator"),
    ):
        on.principal = allowed
        assert (await on.ask("request_edge", ASK)).status == 201


async def test_nobody_approves_their_own_request() -> None:
    """403, whatever their role; and the edge waits on."""
    on = api(authenticated=True)
    on.principal = principal(Role.OPERATOR)
    edge = (await on.ask("request_edge", ASK)).body["id"]
    refused = await on.ask("approve_edge", REASON, path={"id": edge})
    assert (refused.status, refused.body["code"]) == (403, "OwnRequest")
    assert (await on.ask("get_edge", path={"id": edge})).body["state"] == "PendingApproval"


async def test_no_claim_is_stored_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Of a caller, an edge's record and history hold the object id; the log holds nothing."""
    on = api(authenticated=True)
    caplog.set_level(logging.DEBUG)
    on.principal = principal(
        Role.OPERATOR, subject="the-object-id", name="Robin Example", preferred_username="robin@example.org"
    )
    edge = (await on.ask("request_edge", ASK)).body["id"]
    await on.ask("revoke_edge", REASON, path={"id": edge})
    await on.ask("list_nodes", query={"top": "nonsense"})
    kept = repr((on.edges.records, on.mesh.history.entries, on.mesh.queue.items)) + caplog.text
    assert "the-object-id" in kept
    for claim in ("Robin", "robin", digest("robin@example.org")):
        assert claim not in kept
