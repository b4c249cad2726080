"""HTTP: alerts: what fires, what became of it, and who looks after it."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer, NotAllowed
from functions.parameters import CONTINUATION, HISTORY, IF_MATCH, TOP, Parameter, node_named
from functions.routes import Routes
from shared.domain.actor import Role
from shared.domain.errors import Conflict

if TYPE_CHECKING:
    from functions.bodies import Decision
    from functions.call import Call
    from functions.views.alerts import AlertDetail, AlertItem
    from functions.views.pages import List
    from shared.domain.alert import Alert

routes = Routes("alerts")

NODE = Parameter("node", "only alerts of this node, `<subscription>/<group>`")
STATE = Parameter("state", "only alerts in this state", allowed=("Firing", "Acknowledged", "Resolved"))
RULE = Parameter(
    "rule", "a rule's name: only its alerts", pattern="[a-z][a-z0-9-]{0,63}", example="sql-deadlocks"
)
SEVERITY = Parameter("severity", "only alerts so severe", allowed=("critical", "error", "warning"))
ALERT = Parameter(
    "id",
    "an alert's id",
    place="path",
    required=True,
    pattern="[0-9A-Fa-f]{32}",
    example="3c7d0a5b1e9f4c2d8a6b0c1d2e3f4a5b",
)
TOLD = ("ETag",)
REFUSALS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


@routes.route("GET", "alerts", NODE, STATE, RULE, SEVERITY, TOP, CONTINUATION)
async def list_alerts(call: "Call") -> "Answer[List[AlertItem]]":
    """A page of alerts in the order of nodes and ids."""
    from functions.views.alerts import alert_item
    from functions.views.pages import List

    node = call.text(NODE)
    page = await call.app.alert_desk.list(
        node=str(node_named("node", node)) if node else "",
        state=call.text(STATE),
        rule=call.text(RULE),
        severity=call.text(SEVERITY),
        size=call.top,
        continuation=call.continuation,
    )
    return Answer(List([alert_item(alert) for alert in page.items], page.continuation))


@routes.route("GET", "alerts/{id}", ALERT, HISTORY, headers=TOLD, problems=(HTTPStatus.NOT_FOUND,))
async def get_alert(call: "Call") -> "Answer[AlertDetail]":
    """One alert: what it is about, who has not been told of it yet, and its history."""
    return await _detail(call, await call.app.alert_desk.get(_key(call)), call.text(HISTORY))


@routes.route(
    "POST", "alerts/{id}/acknowledge", ALERT, IF_MATCH, role=Role.READER, headers=TOLD, problems=REFUSALS
)
async def acknowledge_alert(call: "Call", body: "Decision") -> "Answer[AlertDetail]":
    """Says that somebody looks after an alert.

    The caller has the role Mesh.Operator, or owns the node.
    """
    desk = call.app.alert_desk
    return await _decided(call, desk.acknowledge(call.actor, _key(call), body.reason, _etag(call)))


@routes.route(
    "POST", "alerts/{id}/resolve", ALERT, IF_MATCH, role=Role.READER, headers=TOLD, problems=REFUSALS
)
async def resolve_alert(call: "Call", body: "Decision") -> "Answer[AlertDetail]":
    """Says that an alert is over; its next firing is a new episode.

    The caller has the role Mesh.Operator, or owns the node.
    """
    desk = call.app.alert_desk
    return await _decided(call, desk.resolve(call.actor, _key(call), body.reason, _etag(call)))


async def _decided(call: "Call", command: "Awaitable[Alert]") -> "Answer[AlertDetail]":
    """The alert after a command. Raises NotAllowed with the commands that people could give it instead."""
    from functions.views.alerts import commands

    try:
        return await _detail(call, await command)
    except Conflict as error:
        if error.reason != "TransitionNotAllowed":
            raise
        alert = await call.app.alert_desk.get(_key(call))
        raise NotAllowed(error, commands(alert.state)) from None


async def _detail(call: "Call", alert: "Alert", continuation: str = "") -> "Answer[AlertDetail]":
    from functions.views.alerts import alert_detail
    from functions.views.plans import history_view

    page = await call.app.history.recent(f"alert/{alert.id}", continuation=continuation)
    detail = alert_detail(alert, [history_view(e) for e in page.items], page.continuation)
    return Answer(detail, headers={"ETag": alert.etag or ""})


def _key(call: "Call") -> str:
    """Ids are made in lower case."""
    return call.text(ALERT).lower()


def _etag(call: "Call") -> str | None:
    etag = call.text(IF_MATCH)
    return None if etag in ("", "*") else etag
