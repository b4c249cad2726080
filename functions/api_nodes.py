"""HTTP: the nodes of the mesh, their plans, and asking for a look at one.

Views are imported by the answer that shows them: a cold start indexes every trigger and runs one.
"""

from http import HTTPStatus

import azure.functions as func

from functions.answers import answering, chosen, json_answer, node_key, page_size
from shared.bootstrap import application
from shared.domain.errors import NotFound

blueprint = func.Blueprint()

STATES = ("Pending", "Ready", "NotReady", "Offboarding", "Offboarded")
NODE = "nodes/{subscription}/{group}"


@blueprint.function_name("list_nodes")
@blueprint.route("nodes", methods=["GET"])
@answering
async def list_nodes(req: func.HttpRequest) -> func.HttpResponse:
    """`?state=&top=&continuation=`: a page of nodes in the order of their keys."""
    from functions.views import List, node_item

    page = await application().nodes.list(
        state=chosen(req, "state", STATES),
        size=page_size(req),
        continuation=req.params.get("continuation", ""),
    )
    return json_answer(List([node_item(n) for n in page.items], page.continuation))


@blueprint.function_name("get_node")
@blueprint.route(NODE, methods=["GET"])
@answering
async def get_node(req: func.HttpRequest) -> func.HttpResponse:
    """One node: conditions, resources covered, peerings, last plan and history (`?history=` continues it)."""
    from functions.views import history_view, node_detail

    app, key = application(), node_key(req)
    record = await app.nodes.get(key)
    if record is None:
        raise NotFound(
            "NodeNotFound", "The mesh knows no such node: is the group tagged mesh-node?", target=str(key)
        )
    page = await app.history.recent(str(key), continuation=req.params.get("history", ""))
    return json_answer(node_detail(record, [history_view(e) for e in page.items], page.continuation))


@blueprint.function_name("reconcile_node")
@blueprint.route(f"{NODE}/reconcile", methods=["POST"])
@answering
async def reconcile_node(req: func.HttpRequest) -> func.HttpResponse:
    """Looks at a group and everything in it again, soon."""
    from shared.domain.node import EVERYTHING

    key = node_key(req)
    await application().intake.bump(key, "asked for over HTTP", EVERYTHING)
    return json_answer({"key": str(key)}, HTTPStatus.ACCEPTED)


@blueprint.function_name("plan_node")
@blueprint.route(f"{NODE}/plan", methods=["GET"])
@answering
async def plan_node(req: func.HttpRequest) -> func.HttpResponse:
    """What a reconcile would write now, and why. Reads Azure, writes nothing."""
    from functions.views import plan_view

    key = node_key(req)
    decision = await application().engine.plan(key)
    if decision.group is None and decision.plan.empty:
        raise NotFound("GroupNotFound", "There is no such resource group.", target=str(key))
    return json_answer(plan_view(decision.plan))
