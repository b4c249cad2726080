"""A dead letter that is taken up again counts what had failed, once, and nothing that was counted before."""

import msgspec
import pytest

from shared.domain.errors import NotFound, Terminal, Transient
from shared.ports import DeadLetter
from shared.ports.telemetry import StoredEvent
from shared.telemetry.event import StreamEvent
from shared.telemetry.letters import APART
from shared.telemetry.rule import Count, Each, FieldMatch, Match, Rule
from shared.telemetry.rulebook import Rulebook
from tests.unit.telemetry.samples import SALES, envelope, event, sample
from tests.unit.telemetry.streams import Instance, Stores, counted_in

EACH = Rule(
    name="each",
    title="Each",
    severity="error",
    match=Match(level=("error",)),
    condition=Each(),
    group_by="node",
)
COUNT = Rule(
    name="count",
    title="Count",
    severity="error",
    match=Match(level=("error",)),
    condition=Count(at_least=2, window=600),
    group_by="node",
)
DEEP = Rule(
    name="deep",
    title="Deep",
    severity="error",
    match=Match(fields=(FieldMatch(path=("properties", "deep"), exists=True),)),
    condition=Each(),
    group_by="node",
)
UNREADABLE = envelope(sample(), sample(properties={"other": 1})).replace(b'"note"', b'"deep": "\xff", "note"')
READABLE = UNREADABLE.replace(b"\xff", b"?")


class Mesh(Instance):
    """One instance, and a hub that still has what came."""

    def __init__(self, *rules: Rule) -> None:
        super().__init__(Stores(rules))

    async def receive(self, received: StreamEvent) -> DeadLetter:
        """Handles an event that leaves one dead letter, and answers it."""
        kept = StoredEvent(received.body, received.offset, received.sequence_number, received.enqueued_at)
        self.stores.reader.partitions.setdefault(received.partition, []).append(kept)
        await self.process(received)
        [letter] = self.stores.letters.letters.values()
        return letter

    def repaired(self, letter: DeadLetter, body: bytes) -> None:
        """As if this version could read what that of the letter could not: the hub holds another body."""
        events = self.stores.reader.partitions[letter.partition]
        events[0] = msgspec.structs.replace(events[0], body=body)

    def counts(self) -> dict[str, int]:
        return {alert.rule: alert.count for alert in self.stores.alerts.alerts.values()}

    def counted(self) -> int:
        return sum(count for count, _ in counted_in(self.stores).values())


async def test_only_the_record_that_was_broken_is_counted_and_once() -> None:
    mesh = Mesh(EACH, COUNT)
    letter = await mesh.receive(event(envelope(sample(), sample(resourceId=["x"]), sample())))
    assert (letter.index, letter.pieces, letter.read) == (1, 3, 2)
    assert mesh.counts() == {"each": 2, "count": 2}
    mesh.repaired(letter, envelope(sample(), sample(), sample()))
    for _ in range(3):
        await mesh.replay.replay(letter)
    await mesh.close_all()
    assert mesh.counts() == {"each": 3, "count": 3}
    assert mesh.counted() == 3


async def test_only_the_rule_that_failed_judges_the_record_again() -> None:
    mesh = Mesh(EACH, DEEP)
    letter = await mesh.receive(event(UNREADABLE))
    assert (letter.index, letter.rules) == (0, ("deep",))
    assert mesh.counts() == {"each": 2}
    with pytest.raises(Terminal):
        await mesh.replay.replay(letter)
    mesh.repaired(letter, READABLE)
    await mesh.replay.replay(letter)
    assert mesh.counts() == {"each": 2, "deep": 1}


async def test_an_event_of_which_nothing_was_read_is_counted_whole_whichever_letter_is_replayed() -> None:
    mesh = Mesh(EACH)
    letter = await mesh.receive(event(b"broken"))
    assert (letter.pieces, letter.read, letter.node) == (1, 0, "")
    mesh.repaired(letter, envelope(sample(), sample()))
    await mesh.replay.replay(letter)
    await mesh.replay.replay(msgspec.structs.replace(letter, id="another", index=5))
    assert mesh.counts() == {"each": 2}


async def test_an_event_with_other_pieces_than_then_is_refused_rather_than_counted_twice() -> None:
    mesh = Mesh(EACH)
    letter = await mesh.receive(event(envelope(sample(), sample(resourceId=["x"]))))
    mesh.repaired(letter, envelope(sample(), sample(), sample()))
    with pytest.raises(Terminal, match="had 2 pieces, 1 of them counted, and now has 3"):
        await mesh.replay.replay(letter)
    assert mesh.counts() == {"each": 1}


async def test_an_event_with_many_broken_records_leaves_few_letters_that_replay_each_of_them_once() -> None:
    """Its partition waits for every letter: one for each of a hundred thousand records would take hours."""
    mesh = Mesh(EACH, COUNT)
    good, bad = sample(), sample(resourceId=["x"])
    received = event(envelope(*[good, bad] * 100))
    kept = StoredEvent(received.body, received.offset, received.sequence_number, received.enqueued_at)
    mesh.stores.reader.partitions[received.partition] = [kept]
    await mesh.process(received)
    await mesh.process(received)
    letters = list(mesh.stores.letters.letters.values())
    assert len(letters) == APART + 1
    places = [place for letter in letters for place in (letter.index, *letter.others)]
    assert sorted(place for place in places if place is not None) == list(range(1, 200, 2))
    assert letters[-1].reason.endswith("(it, and 79 more of the event)")
    with pytest.raises(Terminal, match="resourceId is an array"):
        await mesh.replay.replay(letters[-1])
    mesh.repaired(letters[0], envelope(*[good, good] * 100))
    for letter in [*letters, *letters]:
        await mesh.replay.replay(letter)
    await mesh.close_all()
    assert mesh.counts() == {"each": 200, "count": 200}


async def test_records_that_a_rule_cannot_judge_share_letters_too() -> None:
    mesh = Mesh(DEEP)
    body = envelope(*[sample()] * 50).replace(b'"note"', b'"deep": "\xff", "note"')
    await mesh.process(event(body))
    letters = list(mesh.stores.letters.letters.values())
    assert [len(letter.others) for letter in letters] == [0] * APART + [29]
    assert letters[-1].rules == ("deep",)


async def test_what_the_hub_no_longer_has_says_so() -> None:
    mesh = Mesh(EACH)
    letter = await mesh.receive(event(b"broken"))
    mesh.stores.reader.partitions.clear()
    with pytest.raises(NotFound):
        await mesh.replay.replay(letter)


async def test_a_rule_that_is_gone_or_a_letter_that_names_no_event_is_refused() -> None:
    mesh = Mesh(EACH, DEEP)
    letter = await mesh.receive(event(UNREADABLE))
    for changed in (
        msgspec.structs.replace(letter, rules=("gone",)),
        msgspec.structs.replace(letter, sequence=None),
        msgspec.structs.replace(letter, index=None, body=b"nothing"),
    ):
        with pytest.raises(Terminal):
            await mesh.replay.replay(changed)


async def test_a_replay_that_a_store_stops_half_way_is_completed_by_the_next() -> None:
    mesh = Mesh(EACH, COUNT)
    letter = await mesh.receive(event(envelope(sample(), sample(resourceId=["x"]), sample())))
    mesh.repaired(letter, envelope(sample(), sample(), sample()))
    for call in range(4):
        mesh.stores.fuse.set(call, after=True)
        try:
            await mesh.replay.replay(letter)
        except Transient:
            continue
    mesh.stores.fuse.clear()
    await mesh.replay.replay(letter)
    await mesh.close_all()
    assert mesh.counts() == {"each": 3, "count": 3}


async def test_an_alert_that_no_try_can_store_does_not_hold_up_the_others() -> None:
    mesh = Mesh(EACH, COUNT)
    refused = mesh.stores.alerts
    refused.refuse = "each"
    letter = await mesh.receive(event(envelope(sample(), sample())))
    assert mesh.counts() == {"count": 2}
    assert letter.reason.startswith("each: RowTooLarge")
    assert (letter.node, letter.partition, letter.sequence) == (str(SALES), "3", 100)
    await mesh.process(event(envelope(sample(), sample())))
    assert len(mesh.stores.letters.letters) == 1
    refused.refuse = ""
    for _ in range(2):
        await mesh.replay.replay(letter)
    assert mesh.counts() == {"count": 2, "each": 2}


async def test_a_window_that_no_try_can_store_is_counted_by_its_replay() -> None:
    mesh = Mesh(COUNT)
    mesh.stores.windows.refuse = "count"
    letter = await mesh.receive(event(envelope(sample(), sample())))
    assert mesh.counts() == {}
    mesh.stores.windows.refuse = ""
    for _ in range(2):
        await mesh.replay.replay(letter)
    assert (mesh.counts(), mesh.counted()) == ({"count": 2}, 2)


async def test_a_letter_of_a_rule_that_is_gone_is_kept() -> None:
    mesh = Mesh(COUNT)
    mesh.stores.windows.refuse = "count"
    letter = await mesh.receive(event(envelope(sample())))
    mesh.stores.rules = Rulebook(tuple)
    with pytest.raises(Terminal, match="RuleGone"):
        await Instance(mesh.stores).replay.replay(letter)
