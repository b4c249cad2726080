"""Handling a dead letter again."""

from asyncio import Semaphore, gather
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from shared.domain.errors import MeshError, Terminal
from shared.domain.ids import AlertKey, EdgeKey, HubKey, NodeKey, parse_key
from shared.domain.node import EVERYTHING
from shared.ports import DeadLetter, DeadLetters
from shared.reconcile.edges.intake import EdgeIntake
from shared.reconcile.hubs.intake import HubIntake
from shared.reconcile.intake import Intake, ResourceEvent

CAUSE = "replayed"
AT_ONCE = 4
"""Of one page: five may read a partition of an Event Hub side by side."""


class Replay:
    """Gives a dead letter back to whatever failed on it, and removes it once that took it."""

    def __init__(
        self,
        intake: Intake,
        edges: EdgeIntake,
        hubs: HubIntake,
        dead_letters: DeadLetters,
        alerts: Callable[[AlertKey, DeadLetter], Awaitable[None]],
        telemetry: Callable[[DeadLetter], Awaitable[None]],
    ) -> None:
        self._intake = intake
        self._edges = edges
        self._hubs = hubs
        self._alerts = alerts
        self._telemetry = telemetry
        self._dead_letters = dead_letters

    async def replay(self, letter: DeadLetter) -> None:
        """Raises Terminal where the letter cannot be handled, NotFound where the mesh does not govern its subscription,
        or has no such edge, or the Event Hub no longer has the event; either way it is kept."""
        if letter.key:
            await self._key(letter)
        elif letter.kind == "event":
            await self._event(letter)
        elif letter.kind == "telemetry":
            await self._telemetry(letter)
        else:
            message = f"A {letter.kind} letter that {letter.reason} has nothing to handle again."
            raise Terminal("NotReplayable", message, target=letter.id)
        await self._dead_letters.remove(letter.id)

    async def replay_all(self, letters: Sequence[str]) -> tuple[list[str], dict[str, MeshError]]:
        """Which letters were taken, and what was wrong with the others, by their ids. One that is gone is neither."""
        taken: list[str] = []
        kept: dict[str, MeshError] = {}
        limit = Semaphore(AT_ONCE)

        async def take(name: str) -> None:
            try:
                async with limit:
                    letter = await self._dead_letters.get(name)
                    if letter is not None:
                        await self.replay(letter)
                        taken.append(name)
            except MeshError as error:
                kept[name] = error

        await gather(*map(take, letters))
        return taken, kept

    async def _key(self, letter: DeadLetter) -> None:
        try:
            key = parse_key(letter.key)
        except ValueError as error:
            raise Terminal("NotReplayable", f"It names no key: {error}.", target=letter.id) from None
        match key:
            case NodeKey():
                await self._intake.bump(key, CAUSE, EVERYTHING)
            case EdgeKey():
                await self._edges.bump(key, CAUSE)
            case HubKey():
                await self._hubs.bump(key, CAUSE)
            case AlertKey():
                await self._alerts(key, letter)

    async def _event(self, letter: DeadLetter) -> None:
        try:
            event = msgspec.json.decode(letter.body, type=ResourceEvent)
            await self._intake.touch(event.resource, event.operation)
        except (msgspec.DecodeError, ValueError) as error:
            raise Terminal("NotReplayable", f"It is still malformed: {error}.", target=letter.id) from None
