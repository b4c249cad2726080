"""HTTP: what could not be handled, and handling it again."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer, BadRequest
from functions.parameters import CONTINUATION, TOP, Parameter, node_named
from functions.routes import Routes
from shared.domain.actor import Role
from shared.domain.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from functions.call import Call
    from functions.views.operations import DeadLetterItem
    from functions.views.pages import LettersTaken, LetterTaken, List
    from shared.ports import DeadLetter, Page

routes = Routes("deadletters")

KIND = Parameter("kind", "only dead letters of this kind", allowed=("event", "telemetry", "key", "delivery"))
NODE = Parameter("node", "only dead letters of this node, `<subscription>/<group>`")
FROM = Parameter(
    "from", "only dead letters since then, as ISO 8601 with its zone", example="2026-01-05T08:00:00Z"
)
TO = Parameter("to", "only dead letters until then", example="2026-01-05T09:00:00Z")
FEW = Parameter("top", "how many are handled at most", most=100, default="25", example="50")
LETTER = Parameter(
    "id", "a dead letter's id", place="path", required=True, longest=4096, example="event-5f1c9a52"
)


@routes.route("GET", "deadletters", KIND, NODE, FROM, TO, TOP, CONTINUATION)
async def list_dead_letters(call: "Call") -> "Answer[List[DeadLetterItem]]":
    """A page of dead letters, the newest first."""
    from functions.views.operations import dead_letter_item
    from functions.views.pages import List

    page = await _page(call)
    return Answer(List([dead_letter_item(letter) for letter in page.items], page.continuation))


@routes.route("POST", "deadletters/replay", KIND, NODE, FROM, TO, FEW, CONTINUATION, role=Role.OPERATOR)
async def replay_dead_letters(call: "Call") -> "Answer[LettersTaken]":
    """Handles a page of them again, the newest first; one that still cannot be handled is kept, with the reason."""
    from functions.views.pages import LetterKept, LettersTaken

    page = await _page(call)
    taken, kept = await call.app.replay.replay_all([letter.id for letter in page.items])
    problems = [LetterKept(letter, error.reason, error.message) for letter, error in kept.items()]
    return Answer(LettersTaken(taken, problems, page.continuation))


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


async def _page(call: "Call") -> "Page[DeadLetter]":
    node = call.text(NODE)
    return await call.app.dead_letters.list(
        kind=call.text(KIND),
        node=str(node_named("node", node)) if node else "",
        since=_time(call, FROM),
        until=_time(call, TO),
        size=call.top,
        continuation=call.continuation,
    )


def _time(call: "Call", parameter: Parameter) -> "datetime | None":
    """Raises BadRequest."""
    from datetime import UTC, datetime

    text = call.text(parameter).replace(" ", "+")  # what a plus in a query comes to
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise BadRequest(f"{parameter.name} must be a time such as 2026-01-05T08:00:00Z.") from None
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
