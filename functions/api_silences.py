"""HTTP: silences: alerts that are to be recorded and not told of for a while."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import Parameter, node_named
from functions.routes import Routes
from shared.domain.actor import Role

if TYPE_CHECKING:
    from functions.bodies import SilenceAsk
    from functions.call import Call
    from functions.views.alerts import SilenceItem
    from functions.views.pages import List

routes = Routes("silences")

SILENCE = Parameter(
    "id",
    "a silence's id",
    place="path",
    required=True,
    pattern="[0-9A-Fa-f]{32}",
    example="8a6b0c1d2e3f4a5b3c7d0a5b1e9f4c2d",
)


@routes.route("POST", "silences", role=Role.READER, status=HTTPStatus.CREATED)
async def create_silence(call: "Call", body: "SilenceAsk") -> "Answer[SilenceItem]":
    """Keeps alerts of a node, of a rule, or of a rule at a node quiet until a time; they are still recorded.

    The caller has the role Mesh.Operator, or owns the node.
    """
    from functions.views.alerts import silence_item

    node = str(node_named("node", body.node)) if body.node else ""
    desk = call.app.alert_desk
    made = await desk.silence(call.actor, node, body.rule, body.until, body.reason)
    return Answer(silence_item(made, call.app.clock.now()))


@routes.route("GET", "silences")
async def list_silences(call: "Call") -> "Answer[List[SilenceItem]]":
    """Every silence, the one that ends last first; those that ended are kept for a while."""
    from functions.views.alerts import silence_item
    from functions.views.pages import List

    now = call.app.clock.now()
    return Answer(List([silence_item(s, now) for s in await call.app.alert_desk.silences()], ""))


@routes.route("DELETE", "silences/{id}", SILENCE, role=Role.READER, problems=(HTTPStatus.NOT_FOUND,))
async def delete_silence(call: "Call") -> "Answer[SilenceItem]":
    """Ends a silence: what still fires is told of soon.

    The caller has the role Mesh.Operator, or owns the node.
    """
    from functions.views.alerts import silence_item

    ended = await call.app.alert_desk.unsilence(call.actor, call.text(SILENCE).lower())
    return Answer(silence_item(ended, call.app.clock.now()))
