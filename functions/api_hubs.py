"""HTTP: the hubs of the mesh."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import HISTORY, Parameter
from functions.routes import Routes
from shared.domain.actor import Role
from shared.domain.errors import NotFound

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.hubs import HubDetail, HubItem
    from functions.views.pages import KeyTaken, List
    from shared.domain.hub import HubRecord
    from shared.domain.network import Hub

routes = Routes("hubs")

HUB = Parameter(
    "id", "a hub's id, as the settings name it", place="path", required=True, example="westeurope"
)


@routes.route("GET", "hubs")
async def list_hubs(call: "Call") -> "Answer[List[HubItem]]":
    """Every hub of the settings: how many peerings it has and takes."""
    from functions.views.hubs import hub_item
    from functions.views.pages import List

    items = [hub_item(hub, await _record(call, hub)) for hub in call.app.mesh.hubs]
    return Answer(List(items, ""))


@routes.route("GET", "hubs/{id}", HUB, HISTORY, problems=(HTTPStatus.NOT_FOUND,))
async def get_hub(call: "Call") -> "Answer[HubDetail]":
    """One hub: peerings, pools, peers, conditions and history."""
    from functions.views.hubs import hub_detail
    from functions.views.plans import history_view

    hub = _hub(call)
    record = await _record(call, hub)
    page = await call.app.history.recent(str(record.key), continuation=call.text(HISTORY))
    return Answer(hub_detail(hub, record, [history_view(e) for e in page.items], page.continuation))


@routes.route(
    "POST",
    "hubs/{id}/reconcile",
    HUB,
    role=Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    problems=(HTTPStatus.NOT_FOUND,),
)
async def reconcile_hub(call: "Call") -> "Answer[KeyTaken]":
    """Looks at a hub again, soon."""
    from functions.views.pages import KeyTaken
    from shared.domain.ids import HubKey

    key = HubKey(_hub(call).id)
    await call.app.hub_intake.bump(key, "asked for over HTTP")
    return Answer(KeyTaken(str(key)))


async def _record(call: "Call", hub: "Hub") -> "HubRecord":
    """What is known of a hub; nothing yet where nobody has looked at it."""
    from shared.domain.hub import HubRecord
    from shared.domain.ids import HubKey

    key = HubKey(hub.id)
    return await call.app.hubs.get(key) or HubRecord(key=key)


def _hub(call: "Call") -> "Hub":
    hub = call.app.mesh.hub(call.text(HUB))
    if hub is None:
        raise NotFound("HubNotFound", "The settings name no such hub.", target=call.text(HUB))
    return hub
