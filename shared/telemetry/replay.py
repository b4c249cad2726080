"""Dead letters of telemetry, taken up again: the event is read once more, and only what had failed of it is counted."""

from hashlib import sha256

import msgspec

from shared.domain.errors import Terminal
from shared.ports import Clock, DeadLetter
from shared.ports.telemetry import EventReader
from shared.telemetry.alerting import Alerting
from shared.telemetry.batch import read_batch
from shared.telemetry.decode import Decoder
from shared.telemetry.event import StreamEvent
from shared.telemetry.judge import Judge, Kept
from shared.telemetry.known_nodes import KnownNodes
from shared.telemetry.matching import Matcher
from shared.telemetry.process import TelemetryProcessor, arrivals_of
from shared.telemetry.record import Undecodable
from shared.telemetry.rule import Rule
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.windows import Arrivals


class TelemetryReplay:
    """Handles letters of the stream again.

    What is replayed lies below the marks of its partition, whose other records were counted: it counts as if it came
    from a partition of its own, which knows what of it was counted when somebody tries again.
    """

    def __init__(
        self,
        reader: EventReader,
        nodes: KnownNodes,
        rules: Rulebook,
        judge: Judge,
        alerting: Alerting,
        processor: TelemetryProcessor,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._nodes = nodes
        self._rules = rules
        self._judge = judge
        self._alerting = alerting
        self._processor = processor
        self._clock = clock

    async def replay(self, letter: DeadLetter) -> None:
        """Raises NotFound where the Event Hub no longer has the event, Terminal where it still cannot be handled, and
        what the stores raise: the letter is to be kept then."""
        if letter.sequence is None:
            raise Terminal("NotReplayable", "It does not say which event it is about.", target=letter.id)
        if letter.index is None:
            await self._kept(letter)
        else:
            await self._event(letter, letter.sequence, letter.index)

    async def _event(self, letter: DeadLetter, sequence: int, index: int) -> None:
        stored = await self._reader.read(letter.partition, sequence, letter.at)
        matcher = self._rules.matcher
        if letter.rules:
            matcher = Matcher([self._rule(letter, name) for name in letter.rules])
        # Of an event of which nothing was read, all its letters are about the whole.
        whole = letter.pieces > 0 and letter.read == 0
        body = stored.body if whole else _pieces(letter, index, stored.body, matcher.decoder)
        name = f"{letter.partition}/{stored.offset}/{stored.enqueued_at}" if whole else letter.id
        event = StreamEvent(body, _partition(name), stored.offset, stored.sequence, stored.enqueued_at)
        found = read_batch([event], await self._nodes.attribution(), matcher)
        if found.letters:
            raise Terminal("StillUnreadable", found.letters[0].reason, target=letter.id)
        await self._processor.take(found, arrivals_of([event]))

    async def _kept(self, letter: DeadLetter) -> None:
        """A tally that could not be counted, or an alert that could not be stored: event by event, for another letter
        may be about some of them too."""
        try:
            kept = msgspec.json.decode(letter.body, type=Kept)
        except msgspec.DecodeError as error:
            raise Terminal("NotReplayable", f"It is malformed: {error}.", target=letter.id) from None
        if kept.firing:
            for sequence, count in kept.firing.counts.items():
                firing = msgspec.structs.replace(
                    kept.firing,
                    partition=_partition(f"{kept.partition}/{sequence}/{count[1]}"),
                    counts={sequence: count},
                )
                await self._alerting.fire(firing, self._clock.now())
        elif kept.tally:
            rule = self._rule(letter, kept.tally.rule)
            for sequence, samples in kept.tally.samples.items():
                tally = msgspec.structs.replace(kept.tally, samples={sequence: samples})
                enqueued = kept.enqueued[sequence]
                partition = _partition(f"{kept.partition}/{sequence}/{enqueued}")
                await self._judge.judge(rule, tally, Arrivals(partition, {sequence: enqueued}))

    def _rule(self, letter: DeadLetter, name: str) -> Rule:
        rule = self._rules.by_name.get(name)
        if rule is None:
            raise Terminal("RuleGone", f"There is no rule {name!r} any more.", target=letter.id)
        return rule


def _partition(name: str) -> str:
    return f"replay-{sha256(name.encode(errors='replace')).hexdigest()[:16]}"


def _pieces(letter: DeadLetter, index: int, body: bytes, decoder: Decoder) -> bytes:
    """The body of an event that holds nothing but what a letter is about.

    Raises Terminal where a piece is still none that can be read, and where this version sees other pieces in the event
    than the one that wrote the letter.
    """
    items = decoder.decode(body)
    places = (index, *letter.others)
    if letter.pieces not in (0, len(items)) or max(places) >= len(items):
        message = (
            f"The event had {letter.pieces} pieces, {letter.read} of them counted, and now has {len(items)}."
        )
        raise Terminal("NotReplayable", message, target=letter.id)
    wanted = [items[place] for place in places]
    broken = next((item for item in wanted if isinstance(item, Undecodable)), None)
    if broken:
        raise Terminal("StillUnreadable", broken.reason, target=letter.id)
    return msgspec.json.encode(wanted)
