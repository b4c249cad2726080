"""HTTP: what could not be handled, and handling it again."""

from http import HTTPStatus

import azure.functions as func

from functions.answers import answering, chosen, json_answer, page_size
from shared.bootstrap import application
from shared.domain.errors import NotFound

blueprint = func.Blueprint()


@blueprint.function_name("list_dead_letters")
@blueprint.route("deadletters", methods=["GET"])
@answering
async def list_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """`?kind=&top=&continuation=`: a page of dead letters, the newest first."""
    from functions.views import List, dead_letter_item

    page = await application().dead_letters.list(
        kind=chosen(req, "kind", ("event", "telemetry", "key")),
        size=page_size(req),
        continuation=req.params.get("continuation", ""),
    )
    return json_answer(List([dead_letter_item(letter) for letter in page.items], page.continuation))


@blueprint.function_name("replay_dead_letter")
@blueprint.route("deadletters/{id}/replay", methods=["POST"])
@answering
async def replay_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Handles it again: 200 and it is gone, or a problem that says why it still cannot be handled."""
    app = application()
    letter = await app.dead_letters.get(req.route_params["id"])
    if letter is None:
        raise NotFound("DeadLetterNotFound", "There is no such dead letter.", target=req.route_params["id"])
    await app.replay.replay(letter)
    return json_answer({"id": letter.id}, HTTPStatus.OK)
