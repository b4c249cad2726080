"""Encoded messages: what a producer sends, taken apart and completed as Event Hubs does.

Sections and their order are those of AMQP 1.0 part 3; the annotations are those that the Azure clients read
(`x-opt-sequence-number`, `x-opt-offset`, `x-opt-enqueued-time`, `x-opt-partition-key`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from local.events.hubs import encoding
from local.events.hubs.encoding import Buffer, Malformed, Section

HEADER = 0x70
DELIVERY_ANNOTATIONS = 0x71
MESSAGE_ANNOTATIONS = 0x72
DATA = 0x75
FOOTER = 0x78

# The message format of a transfer whose data sections are encoded messages, as every Azure client sends it.
BATCH_FORMAT = 0x80013700

PARTITION_KEY = b"x-opt-partition-key"
_SEQUENCE_NUMBER = encoding.encode_symbol("x-opt-sequence-number")
_OFFSET = encoding.encode_symbol("x-opt-offset")
_ENQUEUED_TIME = encoding.encode_symbol("x-opt-enqueued-time")
_PARTITION_KEY = encoding.encode_symbol("x-opt-partition-key")
_SET_BY_SERVICE = {b"x-opt-sequence-number", b"x-opt-offset", b"x-opt-enqueued-time", PARTITION_KEY}


@dataclass(frozen=True, slots=True)
class Draft:
    """One event as a producer sent it, cut at its message annotations.

    `header` is the encoded header section or empty, `annotations` the encoded keys and values of the
    producer's own message annotations, `body` everything after them.
    """

    header: bytes
    annotations: tuple[bytes, ...]
    body: memoryview
    partition_key: str | None

    def annotate(self, sequence: int, offset: str, enqueued_at: int) -> bytes:
        """The encoded message annotations, as consumers get them before the body."""
        pairs = [
            *self.annotations,
            _SEQUENCE_NUMBER,
            encoding.encode_long(sequence),
            _OFFSET,
            encoding.encode_string(offset),
            _ENQUEUED_TIME,
            encoding.encode_timestamp(enqueued_at),
        ]
        if self.partition_key is not None:
            pairs += [_PARTITION_KEY, encoding.encode_string(self.partition_key)]
        return encoding.encode_map(MESSAGE_ANNOTATIONS, pairs)


def read_events(encoded: Buffer, message_format: int) -> list[Draft]:
    """The events of one delivery: one, or all of a batch. Raises Malformed.

    Their bodies are views of `encoded`, which must not change any more.
    """
    whole = _draft(memoryview(encoded))
    if message_format != BATCH_FORMAT:
        return [whole]
    return [_with_key(_draft(inner), whole.partition_key) for inner in _data_sections(whole.body)]


def _with_key(draft: Draft, key: str | None) -> Draft:
    if key is None:
        return draft
    return Draft(draft.header, draft.annotations, draft.body, key)


def _draft(encoded: memoryview) -> Draft:
    header = b""
    annotations: tuple[bytes, ...] = ()
    key: str | None = None
    body_start = previous = 0
    for section in _checked_sections(encoded):
        if section.descriptor == HEADER:
            header = bytes(encoded[section.start : section.end])
        elif section.descriptor == MESSAGE_ANNOTATIONS:
            annotations, key = _read_annotations(encoded, section)
        if section.descriptor <= MESSAGE_ANNOTATIONS:
            body_start = section.end
        previous = section.descriptor
    if not previous:
        raise Malformed("a message has at least one section")
    return Draft(header, annotations, encoded[body_start:], key)


def _checked_sections(encoded: Buffer) -> Iterator[Section]:
    previous = HEADER
    for section in encoding.sections(encoded):
        if not previous <= section.descriptor <= FOOTER:
            raise Malformed("the sections of a message are in the wrong order")
        previous = section.descriptor
        yield section


def _read_annotations(encoded: Buffer, section: Section) -> tuple[tuple[bytes, ...], str | None]:
    kept: list[bytes] = []
    key: str | None = None
    position, end, count = encoding.items(encoded, section.value)
    for _ in range(count // 2):
        name = encoding.text(encoded, position)
        value = encoding.value_end(encoded, position)
        after = encoding.value_end(encoded, value)
        if after > end:
            raise Malformed("an annotation ends after its map")
        if name == PARTITION_KEY:
            key = encoding.text(encoded, value).decode(errors="replace")
        elif name not in _SET_BY_SERVICE:
            kept += [bytes(encoded[position:value]), bytes(encoded[value:after])]
        position = after
    return tuple(kept), key


def _data_sections(body: memoryview) -> Iterator[memoryview]:
    for section in encoding.sections(body):
        if section.descriptor == DATA:
            first, end = encoding.span(body, section.value)
            yield body[first:end]
