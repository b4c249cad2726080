"""HTTP: what could not be handled, and handling it again."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import CONTINUATION, TOP, Parameter
from functions.routes import Routes
from shared.domain.actor import Role
from shared.domain.errors import NotFound

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.operations import DeadLetterItem
    from functions.views.pages import LetterTaken, List

routes = Routes("deadletters")

KIND = Parameter("kind", "only dead letters of this kind", allowed=("event", "telemetry", "key", "delivery"))
LETTER = Parameter(
    "id", "a dead letter's id", place="path", required=True, longest=4096, example="event-5f1c9a52"
)


@routes.route("GET", "deadletters", KIND, TOP, CONTINUATION)
async def list_dead_letters(call: "Call") -> "Answer[List[DeadLetterItem]]":
    """A page of dead letters, the newest first."""
    from functions.views.operations import dead_letter_item
    from functions.views.pages import List

    page = await call.app.dead_letters.list(
        kind=call.text(KIND), size=call.top, continuation=call.continuation
    )
    return Answer(List([dead_letter_item(letter) for letter in page.items], page.continuation))


@routes.route(
    "POST",
    "deadletters/{id}/replay",
    LETTER,
    role=Role.OPERATOR,
    problems=(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def replay_dead_letter(call: "Call") -> "Answer[LetterTaken]":
    """Handles it again: it is gone then, or a problem says why it still cannot be handled."""
    from functions.views.pages import LetterTaken

    letter = await call.app.dead_letters.get(call.text(LETTER))
    if letter is None:
        raise NotFound("DeadLetterNotFound", "There is no such dead letter.", target=call.text(LETTER))
    await call.app.replay.replay(letter)
    return Answer(LetterTaken(letter.id))
