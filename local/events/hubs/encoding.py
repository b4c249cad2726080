"""Where AMQP 1.0 values begin and end (part 1 of the OASIS standard), without decoding them.

Whoever stores a message must not change its bytes, so messages are cut at section borders and never decoded
and encoded again.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

type Buffer = bytes | bytearray | memoryview

DESCRIBED = 0x00
SMALL_ULONG = 0x53
ULONG = 0x80
# The upper half of a constructor says how wide the value is: fixed, or prefixed by its size.
_FIXED_WIDTH = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_ONE_BYTE_SIZE = (0xA, 0xC, 0xE)
_FOUR_BYTE_SIZE = (0xB, 0xD, 0xF)


class Malformed(ValueError):
    """The bytes are not what AMQP 1.0 allows at this place."""


class Section(NamedTuple):
    """One described value: the numeric descriptor, and where it and its value lie in the buffer."""

    descriptor: int
    start: int
    value: int
    end: int


def value_end(buffer: Buffer, start: int) -> int:
    """The index after the value whose constructor is at `start`. Raises Malformed."""
    position, open_values = start, 1
    try:
        while open_values:
            constructor = buffer[position]
            position += 1
            if constructor == DESCRIBED:
                open_values += 1
                continue
            position = _after_payload(buffer, position, constructor >> 4)
            open_values -= 1
    except (IndexError, struct.error):
        raise Malformed("a value ends after its buffer") from None
    if position > len(buffer):
        raise Malformed("a value ends after its buffer")
    return position


def _after_payload(buffer: Buffer, position: int, kind: int) -> int:
    width = _FIXED_WIDTH.get(kind)
    if width is not None:
        return position + width
    if kind in _ONE_BYTE_SIZE:
        return position + 1 + buffer[position]
    if kind in _FOUR_BYTE_SIZE:
        size: int = struct.unpack_from(">I", buffer, position)[0]
        return position + 4 + size
    raise Malformed(f"unknown constructor 0x{kind:x}_")


def section_at(buffer: Buffer, start: int) -> Section:
    """The described value that begins at `start`. Raises Malformed."""
    try:
        if buffer[start] != DESCRIBED:
            raise Malformed("a described value was expected")
        if buffer[start + 1] == SMALL_ULONG:
            descriptor, value = int(buffer[start + 2]), start + 3
        elif buffer[start + 1] == ULONG:
            descriptor, value = struct.unpack_from(">Q", buffer, start + 2)[0], start + 10
        else:
            raise Malformed("only numeric descriptors are used here")
    except (IndexError, struct.error):
        raise Malformed("a described value ends after its buffer") from None
    return Section(descriptor, start, value, value_end(buffer, value))


def sections(buffer: Buffer) -> Iterator[Section]:
    """All described values of a buffer that holds nothing else. Raises Malformed."""
    position = 0
    while position < len(buffer):
        section = section_at(buffer, position)
        yield section
        position = section.end


def items(buffer: Buffer, start: int) -> tuple[int, int, int]:
    """`(first item, end, count)` of the list or map whose constructor is at `start`. Raises Malformed."""
    end = value_end(buffer, start)
    constructor = buffer[start]
    if constructor == 0x45:
        return end, end, 0
    if constructor in (0xC0, 0xC1) and end - start >= 3:
        return start + 3, end, buffer[start + 2]
    if constructor in (0xD0, 0xD1) and end - start >= 9:
        count: int = struct.unpack_from(">I", buffer, start + 5)[0]
        return start + 9, end, count
    raise Malformed("a list or map was expected")


def span(buffer: Buffer, start: int) -> tuple[int, int]:
    """Where the bytes of the string, symbol or binary lie whose constructor is at `start`. Raises Malformed."""
    end = value_end(buffer, start)
    if buffer[start] in (0xA0, 0xA1, 0xA3):
        return start + 2, end
    if buffer[start] in (0xB0, 0xB1, 0xB3):
        return start + 5, end
    raise Malformed("a string, symbol or binary was expected")


def text(buffer: Buffer, start: int) -> bytes:
    """The bytes of the string, symbol or binary whose constructor is at `start`. Raises Malformed."""
    first, end = span(buffer, start)
    return bytes(buffer[first:end])


def encode_string(value: str) -> bytes:
    """A string in its shortest encoding."""
    encoded = value.encode()
    if len(encoded) < 256:
        return bytes((0xA1, len(encoded))) + encoded
    return b"\xb1" + struct.pack(">I", len(encoded)) + encoded


def encode_symbol(value: str) -> bytes:
    """A symbol of fewer than 256 characters."""
    return bytes((0xA3, len(value))) + value.encode("ascii")


def encode_long(value: int) -> bytes:
    """A signed 64-bit integer."""
    return b"\x81" + struct.pack(">q", value)


def encode_timestamp(milliseconds: int) -> bytes:
    """Milliseconds since 1970."""
    return b"\x83" + struct.pack(">q", milliseconds)


def encode_map(descriptor: int, pairs: list[bytes]) -> bytes:
    """A section holding a map; `pairs` are encoded keys and values in turn."""
    body = b"".join(pairs)
    size, count = len(body) + 4, len(pairs)
    return b"\x00\x53" + bytes((descriptor,)) + b"\xd1" + struct.pack(">II", size, count) + body
