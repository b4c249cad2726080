"""A batch of the Event Hub trigger, from its events to what is stored and asked for."""

from asyncio import Semaphore, gather
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from shared.domain.alert import Alert
from shared.domain.ids import NodeKey
from shared.ports import Clock, DeadLetter, DeadLetters
from shared.telemetry.aggregate import Tally
from shared.telemetry.batch import Findings, read_batch
from shared.telemetry.event import StreamEvent
from shared.telemetry.judge import Judge, NotTaken
from shared.telemetry.known_nodes import KnownNodes
from shared.telemetry.position import Position
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.volumes import VolumeMeter
from shared.telemetry.windows import Arrivals

type Touch = Callable[[NodeKey, str, str], Awaitable[None]]
"""Asks for a look at a key: the key of a group, the resource id as the record spells it, and the cause."""

type Touches = list[tuple[tuple[NodeKey, str], str]]
"""Key and resource, and the cause."""

AT_ONCE = 16
"""Dead letters of one batch that are stored, groups asked for, and tallies judged, at the same time."""


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch came to; `alerts` and `touched` count distinct ones, `dead_letters` pieces of events."""

    events: int
    records: int
    unattributed: int
    alerts: int
    touched: int
    dead_letters: int


class TelemetryProcessor:
    """Handles batches at least once, and counts them once: a batch that raised is delivered again.

    Nothing is acknowledged before its dead letter, its window and its alert are stored. Each bears a repetition:
    a dead letter has one id for one piece of an event, a key is looked at once more without harm, and a window and an
    alert know up to which event they have counted.
    """

    def __init__(
        self,
        nodes: KnownNodes,
        rules: Rulebook,
        judge: Judge,
        dead_letters: DeadLetters,
        touch: Touch,
        volumes: VolumeMeter,
        position: Position,
        clock: Clock,
    ) -> None:
        self._nodes = nodes
        self._rules = rules
        self._judge = judge
        self._dead_letters = dead_letters
        self._touch = touch
        self._volumes = volumes
        self._position = position
        self._clock = clock

    async def process(self, batch: Sequence[StreamEvent]) -> BatchResult:
        """Takes events of one partition. Raises what a store raises, so that the batch is tried again."""
        found = read_batch(batch, await self._nodes.attribution(), self._rules.matcher)
        arrivals = arrivals_of(batch)
        alerts = await self.take(found, arrivals)
        await self._position.reached(arrivals)
        await self._volumes.add(found.volumes, batch[-1].enqueued_at if batch else self._clock.now())
        return BatchResult(
            events=len(batch),
            records=found.records,
            unattributed=found.unattributed,
            alerts=alerts,
            touched=len(found.touches),
            dead_letters=len(found.letters),
        )

    async def take(self, found: Findings, arrivals: Arrivals) -> int:
        """Stores what was found, and answers how many alerts that raised. Raises what a store raises."""
        await _all_of(self._dead_letters.add, found.letters)
        await _all_of(self._ask, _by_key(found.touches))

        async def judge(tally: Tally) -> Alert | None:
            return await self._judged(tally, arrivals)

        alerts = await _all_of(judge, found.tallies)
        return sum(alert is not None for alert in alerts)

    async def _ask(self, touches: Touches) -> None:
        """One after the other: they concern the same row."""
        for (key, resource), cause in touches:
            await self._touch(key, resource, cause)

    async def _judged(self, tally: Tally, arrivals: Arrivals) -> Alert | None:
        """What no try can store is kept as a dead letter, and the others go on."""
        try:
            return await self._judge.judge(self._rules.by_name[tally.rule], tally, arrivals)
        except NotTaken as error:
            await self._dead_letters.add(not_taken(tally, arrivals, error))
            return None


def _by_key(touches: Mapping[tuple[NodeKey, str], str]) -> Sequence[Touches]:
    found: dict[NodeKey, Touches] = {}
    for touch in touches.items():
        found.setdefault(touch[0][0], []).append(touch)
    return list(found.values())


async def _all_of[T, R](do: Callable[[T], Awaitable[R]], things: Sequence[T]) -> list[R]:
    """Does something with each, some at a time; all are tried before the first failure is raised: what is done then is
    not done again."""
    limit = Semaphore(AT_ONCE)

    async def one(thing: T) -> R:
        async with limit:
            return await do(thing)

    outcomes = await gather(*map(one, things), return_exceptions=True)
    done: list[R] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        done.append(outcome)
    return done


def arrivals_of(batch: Sequence[StreamEvent]) -> Arrivals:
    """Where a batch comes from."""
    enqueued = {event.sequence_number: event.enqueued_at.timestamp() for event in batch}
    return Arrivals(batch[0].partition if batch else "", enqueued)


def not_taken(tally: Tally, arrivals: Arrivals, error: NotTaken) -> DeadLetter:
    """The dead letter of a tally, the same however often its events are delivered."""
    first = min(tally.samples)
    name = f"{tally.rule}\n{tally.group}\n{first}\n{arrivals.enqueued[first]}"
    return DeadLetter(
        id=f"tally-{arrivals.partition}-{sha256(name.encode()).hexdigest()[:32]}",
        kind="telemetry",
        at=datetime.fromtimestamp(arrivals.enqueued[first], UTC),
        reason=f"{tally.rule}: {error.reason}: {error.message}",
        source=f"event-hub/{arrivals.partition}/{first}",
        body=msgspec.json.encode(error.kept),
        node=tally.node,
        partition=arrivals.partition,
        sequence=first,
    )
