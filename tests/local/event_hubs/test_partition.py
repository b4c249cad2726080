"""The log of one partition, the choice of a partition, and starting positions."""

from collections import Counter

import pytest
from proton import Message

from local.events.hubs.message import Draft, read_events
from local.events.hubs.partition import Partition
from local.events.hubs.partition_key import lookup3, partition_of
from local.events.hubs.position import BEGINNING, Field, Position, parse_selector
from local.events.hubs.refusal import Refused


class Time:
    """A clock that is set by hand, in milliseconds."""

    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now


def _drafts(size: int = 100) -> list[Draft]:
    return read_events(Message(body=b"x" * size, inferred=True).encode(), 0)


def test_the_oldest_events_expire_when_the_partition_is_full() -> None:
    """Memory stays bounded; a reader that fell behind goes on with the oldest event left."""
    log = Partition("0", Time(), retained_bytes=10_000)
    for _ in range(1_000):
        log.append(_drafts())
    assert log.last is not None
    assert log.last.sequence == 999
    assert 900 < log.first_sequence < 999
    oldest = log.read(0)
    assert oldest is not None
    assert oldest.sequence == log.first_sequence
    assert log.start(BEGINNING) == log.first_sequence


def test_an_event_larger_than_the_bound_is_still_kept() -> None:
    """The newest event never expires by its own size."""
    log = Partition("0", Time(), retained_bytes=10)
    log.append(_drafts(1_000))
    assert not log.is_empty


def test_enqueued_times_never_go_back() -> None:
    """A clock that is set back does not break the order that positions by time rely on."""
    time = Time()
    log = Partition("0", time, retained_bytes=10_000)
    log.append(_drafts())
    time.now = 500
    log.append(_drafts())
    time.now = 2_000
    log.append(_drafts())
    assert [event.enqueued_at for n in range(3) if (event := log.read(n))] == [1_000, 1_000, 2_000]
    assert log.start(Position(Field.ENQUEUED_TIME, "1000", inclusive=True)) == 0
    assert log.start(Position(Field.ENQUEUED_TIME, "1000", inclusive=False)) == 2
    assert log.start(Position(Field.ENQUEUED_TIME, "9999", inclusive=False)) == 3


def test_latest_is_after_the_last_event_or_at_it() -> None:
    """`@latest` waits for the next event; inclusive it begins with the last one there is."""
    log = Partition("0", Time(), retained_bytes=10_000)
    assert log.start(Position(Field.OFFSET, "@latest", inclusive=True)) == 0
    log.append(_drafts() + _drafts())
    assert log.start(Position(Field.OFFSET, "@latest", inclusive=False)) == 2
    assert log.start(Position(Field.OFFSET, "@latest", inclusive=True)) == 1


@pytest.mark.parametrize("field", [Field.OFFSET, Field.SEQUENCE_NUMBER])
def test_a_position_beyond_the_end_is_refused(field: Field) -> None:
    """The last position is fine, anything after it is a mistake of the caller, also in an empty partition."""
    log = Partition("0", Time(), retained_bytes=10_000)
    with pytest.raises(Refused, match="in the system is '-1'"):
        log.start(Position(field, "0", inclusive=False))
    log.append(_drafts())
    assert log.start(Position(field, "0", inclusive=False)) == 1
    with pytest.raises(Refused, match="in the system is '0'") as refused:
        log.start(Position(field, "1", inclusive=True))
    assert refused.value.condition == "com.microsoft:argument-error"


def test_listeners_hear_of_every_append_until_they_leave() -> None:
    """One call for each append, however many events it brings."""
    heard: list[str] = []
    log = Partition("0", Time(), retained_bytes=10_000)

    def listener() -> None:
        heard.append("appended")

    log.listen(listener)
    log.append(_drafts() + _drafts())
    log.append(_drafts())
    log.forget(listener)
    log.append(_drafts())
    assert len(heard) == 2


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("amqp.annotation.x-opt-offset > '-1'", BEGINNING),
        ("amqp.annotation.x-opt-offset >= '12'", Position(Field.OFFSET, "12", inclusive=True)),
        ("amqp.annotation.x-opt-offset > '@latest'", Position(Field.OFFSET, "@latest", inclusive=False)),
        (
            "amqp.annotation.x-opt-sequence-number > '7'",
            Position(Field.SEQUENCE_NUMBER, "7", inclusive=False),
        ),
        ("amqp.annotation.x-opt-sequence-number > 7", Position(Field.SEQUENCE_NUMBER, "7", inclusive=False)),
        ("amqp.annotation.x-opt-enqueued-time >= '99'", Position(Field.ENQUEUED_TIME, "99", inclusive=True)),
    ],
)
def test_selectors_name_positions(selector: str, expected: Position) -> None:
    """The expressions that the Azure clients write."""
    assert parse_selector(selector) == expected


@pytest.mark.parametrize(
    "selector",
    ["", "true", "amqp.annotation.x-opt-offset < '1'", "amqp.annotation.x-opt-partition-key > '1'"],
)
def test_other_selectors_are_refused(selector: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Refused, match="not a valid amqp filter"):
        parse_selector(selector)


def test_partition_keys_hash_as_published() -> None:
    """The value that the author of lookup3 gives for his example, and for nothing."""
    assert lookup3(b"Four score and seven years ago") == (0x17770551, 0xCE7226E6)
    assert lookup3(b"") == (0xDEADBEEF, 0xDEADBEEF)


def test_partition_keys_spread_and_stay() -> None:
    """A thousand keys reach all eight partitions about evenly, each key always the same one."""
    keys = [f"node/{number}" for number in range(1_000)]
    counts = Counter(partition_of(key, 8) for key in keys)
    assert sorted(counts) == list(range(8))
    assert min(counts.values()) > 80
    assert [partition_of(key, 8) for key in keys] == [partition_of(key, 8) for key in keys]
