"""HTTP: alerts."""

import azure.functions as func

from functions.answers import answering, chosen, json_answer, page_size
from shared.bootstrap import application

blueprint = func.Blueprint()


@blueprint.function_name("list_alerts")
@blueprint.route("alerts", methods=["GET"])
@answering
async def list_alerts(req: func.HttpRequest) -> func.HttpResponse:
    """`?node=&state=&top=&continuation=`: a page of alerts; `node` is a key, `node/<subscription>/<group>`."""
    from functions.views import List

    page = await application().alerts.list(
        node=req.params.get("node", "").lower(),
        state=chosen(req, "state", ("Firing", "Acknowledged", "Resolved")),
        size=page_size(req),
        continuation=req.params.get("continuation", ""),
    )
    return json_answer(List(list(page.items), page.continuation))
