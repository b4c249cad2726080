"""Handling a dead letter again."""

import msgspec

from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey
from shared.domain.node import EVERYTHING
from shared.ports import DeadLetter, DeadLetters
from shared.reconcile.intake import Intake, ResourceEvent


class Replay:
    """Gives a dead letter back to whatever failed on it, and removes it once that took it."""

    def __init__(self, intake: Intake, dead_letters: DeadLetters) -> None:
        self._intake = intake
        self._dead_letters = dead_letters

    async def replay(self, letter: DeadLetter) -> None:
        """Raises Terminal where the letter cannot be handled, NotFound where the mesh does not govern its subscription;
        either way it is kept."""
        if letter.key:
            await self._intake.bump(NodeKey.parse(letter.key), "replayed", EVERYTHING)
        elif letter.kind == "event":
            await self._event(letter)
        else:
            message = f"A {letter.kind} letter that {letter.reason} has nothing to handle again."
            raise Terminal("NotReplayable", message, target=letter.id)
        await self._dead_letters.remove(letter.id)

    async def _event(self, letter: DeadLetter) -> None:
        try:
            event = msgspec.json.decode(letter.body, type=ResourceEvent)
            await self._intake.touch(event.resource, event.operation)
        except (msgspec.DecodeError, ValueError) as error:
            raise Terminal("NotReplayable", f"It is still malformed: {error}.", target=letter.id) from None
