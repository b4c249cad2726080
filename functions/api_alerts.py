"""HTTP: alerts."""

from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import CONTINUATION, TOP, Parameter
from functions.routes import Routes

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.pages import List
    from shared.ports import Alert

routes = Routes("alerts")

NODE = Parameter("node", "only alerts of this node, `node/<subscription>/<group>`")
STATE = Parameter("state", "only alerts in this state", allowed=("Firing", "Acknowledged", "Resolved"))


@routes.route("GET", "alerts", NODE, STATE, TOP, CONTINUATION)
async def list_alerts(call: "Call") -> "Answer[List[Alert]]":
    """A page of alerts in the order of nodes and ids."""
    from functions.views.pages import List

    page = await call.app.alerts.list(
        node=call.text(NODE).lower(),
        state=call.text(STATE),
        size=call.top,
        continuation=call.continuation,
    )
    return Answer(List(list(page.items), page.continuation))
