"""HTTP: the nodes of the mesh, their plans, and asking for a look at one.

Views are imported by the answer that shows them: a cold start indexes every trigger and runs one.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import CONTINUATION, GROUP, HISTORY, SUBSCRIPTION, TOP, Parameter
from functions.routes import Routes
from shared.domain.actor import Role
from shared.domain.errors import NotFound

if TYPE_CHECKING:
    from functions.bodies import Move
    from functions.call import Call
    from functions.views.nodes import NodeDetail, NodeItem
    from functions.views.pages import KeyTaken, List
    from functions.views.plans import PlanView

routes = Routes("nodes")

NODE = "nodes/{subscription}/{group}"
STATES = ("Pending", "Ready", "NotReady", "Offboarding", "Offboarded")
STATE = Parameter("state", "only nodes in this state", allowed=STATES)


@routes.route("GET", "nodes", STATE, TOP, CONTINUATION)
async def list_nodes(call: "Call") -> "Answer[List[NodeItem]]":
    """A page of nodes in the order of their keys."""
    from functions.views.nodes import node_item
    from functions.views.pages import List

    page = await call.app.nodes.list(state=call.text(STATE), size=call.top, continuation=call.continuation)
    return Answer(List([node_item(n) for n in page.items], page.continuation))


@routes.route("GET", NODE, SUBSCRIPTION, GROUP, HISTORY, headers=("ETag",), problems=(HTTPStatus.NOT_FOUND,))
async def get_node(call: "Call") -> "Answer[NodeDetail]":
    """One node: conditions, resources covered, peerings, last plan and history."""
    from functions.views.nodes import node_detail
    from functions.views.plans import history_view

    record = await call.app.nodes.get(call.node)
    if record is None:
        message = "The mesh knows no such node: is the group tagged mesh-node?"
        raise NotFound("NodeNotFound", message, target=str(call.node))
    page = await call.app.history.recent(str(record.key), continuation=call.text(HISTORY))
    detail = node_detail(record, [history_view(e) for e in page.items], page.continuation)
    return Answer(detail, headers={"ETag": record.etag or ""})


@routes.route(
    "POST",
    f"{NODE}/reconcile",
    SUBSCRIPTION,
    GROUP,
    role=Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    problems=(HTTPStatus.NOT_FOUND,),
)
async def reconcile_node(call: "Call") -> "Answer[KeyTaken]":
    """Looks at a group and everything in it again, soon."""
    from functions.views.pages import KeyTaken
    from shared.domain.node import EVERYTHING

    await call.app.intake.bump(call.node, "asked for over HTTP", EVERYTHING)
    return Answer(KeyTaken(str(call.node)))


@routes.route(
    "POST",
    f"{NODE}/move",
    SUBSCRIPTION,
    GROUP,
    role=Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
async def move_node(call: "Call", body: "Move") -> "Answer[KeyTaken]":
    """Moves a node to another hub: the peering with the old one goes once that with the new one is Connected."""
    from functions.views.pages import KeyTaken

    record = await call.app.moves.to_hub(call.node, body.hub)
    return Answer(KeyTaken(str(record.key)))


@routes.route("GET", f"{NODE}/plan", SUBSCRIPTION, GROUP, problems=(HTTPStatus.NOT_FOUND,))
async def plan_node(call: "Call") -> "Answer[PlanView]":
    """What a reconcile would write now, and why. Reads Azure, writes nothing."""
    from functions.views.plans import plan_view

    decision = await call.app.engine.plan(call.node)
    if decision.group is None and decision.plan.empty:
        raise NotFound("GroupNotFound", "There is no such resource group.", target=str(call.node))
    return Answer(plan_view(decision.plan))
