"""HTTP: edges between nodes: asking for one, deciding about it, and what has become of it."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer, NotAllowed
from functions.parameters import (
    CONTINUATION,
    HISTORY,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    TOP,
    Parameter,
    node_named,
)
from functions.routes import Routes
from shared.domain.actor import Role
from shared.domain.errors import Conflict
from shared.domain.ids import EdgeKey

if TYPE_CHECKING:
    from functions.bodies import Decision, EdgeAsk, Extension
    from functions.call import Call
    from functions.views.edges import EdgeDetail, EdgeItem, EdgePreview
    from functions.views.pages import KeyTaken, List
    from shared.domain.edge import EdgeRecord, EdgeRequest

routes = Routes("edges")

STATES = (
    "Requested",
    "PendingApproval",
    "Approved",
    "Provisioning",
    "Active",
    "Expiring",
    "Revoking",
    "Revoked",
    "Rejected",
    "Failed",
)
CONSUMER = Parameter("consumer", "only edges of this consumer node, `<subscription>/<group>`")
PROVIDER = Parameter("provider", "only edges to this provider node, `<subscription>/<group>`")
STATE = Parameter("state", "only edges in this state", allowed=STATES)
EDGE = Parameter(
    "id",
    "an edge's id",
    place="path",
    required=True,
    pattern="[0-9A-Za-z-]{1,64}",
    example="0d5f3a1c9b7e4f60a1b2c3d4e5f60718",
)
TOLD = ("ETag",)
REFUSALS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
UNSEEN = (*REFUSALS, HTTPStatus.PRECONDITION_REQUIRED)


@routes.route(
    "POST",
    "edges",
    IDEMPOTENCY_KEY,
    role=Role.REQUESTER,
    status=HTTPStatus.CREATED,
    headers=("ETag", "Location"),
    problems=(HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def request_edge(call: "Call", body: "EdgeAsk") -> "Answer[EdgeDetail]":
    """Asks for an edge; the same one is answered again to the same Idempotency-Key."""
    record = await call.app.desk.request(call.actor, _request(body), call.text(IDEMPOTENCY_KEY))
    answer = await _detail(call, record)
    return Answer(answer.view, headers={**answer.headers, "Location": f"/api/edges/{record.key.id}"})


@routes.route(
    "POST",
    "edges/plan",
    role=Role.READER,
    problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def plan_edge(call: "Call", body: "EdgeAsk") -> "Answer[EdgePreview]":
    """How a request would be carried and what each way would cost. Reads Azure, stores and writes nothing."""
    from functions.views.edges import preview

    return Answer(preview(await call.app.edge_engine.preview(_request(body))))


@routes.route("GET", "edges", CONSUMER, PROVIDER, STATE, TOP, CONTINUATION)
async def list_edges(call: "Call") -> "Answer[List[EdgeItem]]":
    """A page of edges."""
    from functions.views.edges import edge_item
    from functions.views.pages import List

    consumer, provider = call.text(CONSUMER), call.text(PROVIDER)
    page = await call.app.desk.list(
        call.actor,
        consumer=node_named("consumer", consumer) if consumer else None,
        provider=node_named("provider", provider) if provider else None,
        state=call.text(STATE),
        size=call.top,
        continuation=call.continuation,
    )
    return Answer(List([edge_item(edge) for edge in page.items], page.continuation))


@routes.route("GET", "edges/{id}", EDGE, HISTORY, headers=TOLD, problems=(HTTPStatus.NOT_FOUND,))
async def get_edge(call: "Call") -> "Answer[EdgeDetail]":
    """One edge: how it is carried and why, what that costs, conditions, addresses, and history."""
    record = await call.app.desk.get(call.actor, _key(call))
    return await _detail(call, record, call.text(HISTORY))


@routes.route("POST", "edges/{id}/approve", EDGE, IF_MATCH, role=Role.READER, headers=TOLD, problems=UNSEEN)
async def approve_edge(call: "Call", body: "Decision") -> "Answer[EdgeDetail]":
    """Grants an edge: its lease begins.

    The caller has the role Mesh.Approver, or owns the provider; nobody approves their own request, unless a rule
    lets them. A way that exposes more than was approved before (`MoreExposing`) needs If-Match with the ETag that
    came with it.
    """
    desk, key = call.app.desk, _key(call)
    return await _decided(call, desk.approve(call.actor, key, body.reason, _etag(call)))


@routes.route("POST", "edges/{id}/reject", EDGE, IF_MATCH, role=Role.READER, headers=TOLD, problems=REFUSALS)
async def reject_edge(call: "Call", body: "Decision") -> "Answer[EdgeDetail]":
    """Refuses an edge that was asked for.

    The caller has the role Mesh.Approver, or owns the provider.
    """
    desk, key = call.app.desk, _key(call)
    return await _decided(call, desk.reject(call.actor, key, body.reason, _etag(call)))


@routes.route("POST", "edges/{id}/extend", EDGE, IF_MATCH, role=Role.READER, headers=TOLD, problems=REFUSALS)
async def extend_edge(call: "Call", body: "Extension") -> "Answer[EdgeDetail]":
    """Lengthens the lease of an edge.

    The caller may approve it, or asked for it and a rule would grant as much without asking anybody.
    """
    desk, key = call.app.desk, _key(call)
    return await _decided(call, desk.extend(call.actor, key, body.reason, body.lease_days, _etag(call)))


@routes.route("POST", "edges/{id}/revoke", EDGE, IF_MATCH, role=Role.READER, headers=TOLD, problems=REFUSALS)
async def revoke_edge(call: "Call", body: "Decision") -> "Answer[EdgeDetail]":
    """Takes an edge away; it is Revoked once everything that it needed was read back as gone.

    The caller asked for it, owns one of its nodes, or has the role Mesh.Approver.
    """
    desk, key = call.app.desk, _key(call)
    return await _decided(call, desk.revoke(call.actor, key, body.reason, _etag(call)))


@routes.route(
    "POST",
    "edges/{id}/reconcile",
    EDGE,
    role=Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    problems=(HTTPStatus.NOT_FOUND,),
)
async def reconcile_edge(call: "Call") -> "Answer[KeyTaken]":
    """Looks at an edge again, soon; one that Failed is tried anew."""
    from functions.views.pages import KeyTaken

    key = _key(call)
    await call.app.edge_intake.bump(key, "asked for over HTTP")
    return Answer(KeyTaken(str(key)))


async def _decided(call: "Call", command: "Awaitable[EdgeRecord]") -> "Answer[EdgeDetail]":
    """The edge after a command. Raises NotAllowed with the commands that people could give it instead."""
    from functions.views.edges import commands

    try:
        return await _detail(call, await command)
    except Conflict as error:
        if error.reason != "TransitionNotAllowed":
            raise
        record = await call.app.desk.get(call.actor, _key(call))
        raise NotAllowed(error, commands(record.state)) from None


async def _detail(call: "Call", record: "EdgeRecord", continuation: str = "") -> "Answer[EdgeDetail]":
    from functions.views.edges import edge_detail
    from functions.views.plans import history_view

    page = await call.app.history.recent(str(record.key), continuation=continuation)
    detail = edge_detail(record, [history_view(e) for e in page.items], page.continuation)
    return Answer(detail, headers={"ETag": record.etag or ""})


def _request(body: "EdgeAsk") -> "EdgeRequest":
    from shared.domain.edge import EdgeRequest

    return EdgeRequest(
        consumer=node_named("consumer", body.consumer),
        provider=node_named("provider", body.provider),
        interface=body.interface,
        target=body.target,
        purpose=body.purpose,
        gigabytes=body.gigabytes,
        lease_days=body.lease_days,
        exposure=body.exposure,
        part=body.part,
    )


def _key(call: "Call") -> EdgeKey:
    """Ids are made in lower case."""
    return EdgeKey(call.text(EDGE).lower())


def _etag(call: "Call") -> str | None:
    etag = call.text(IF_MATCH)
    return None if etag in ("", "*") else etag
