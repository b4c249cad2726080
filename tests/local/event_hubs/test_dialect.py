"""What is mended on the bytes between Proton and the Azure clients."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proton import Connection, Transport

from local.events.hubs.dialect import ROOM_FOR_PADDING, FrameSplitter, pad, read_incoming
from local.events.hubs.encoding import items


def _frame(performative: int, fields: bytes, count: int, payload: bytes = b"") -> memoryview:
    body = b"\x00\x53" + bytes((performative, 0xC0, len(fields) + 1, count)) + fields + payload
    return memoryview(struct.pack(">IBBH", len(body) + 8, 2, 0, 3) + body)


def _fields(frame: bytes) -> int:
    return items(frame, 11)[2]


@pytest.mark.parametrize(
    ("performative", "expected"), [(0x10, 10), (0x12, 14), (0x14, 11), (0x16, 3), (0x18, 1)]
)
def test_left_out_fields_come_back_as_nulls(performative: int, expected: int) -> None:
    """The list has its full count, the frame its right size and channel, the payload follows unchanged."""
    padded = b"".join(pad(_frame(performative, b"\x43", 1, b"payload")))
    assert struct.unpack_from(">I", padded)[0] == len(padded)
    assert struct.unpack_from(">H", padded, 6)[0] == 3
    assert _fields(padded) == expected
    first, end, _ = items(padded, 11)
    assert padded[first:end] == b"\x43" + b"\x40" * (expected - 1)
    assert padded.endswith(b"payload")


def test_an_empty_list_is_filled_too() -> None:
    """Proton writes `end` and `close` as a list of nothing; empty frames stay empty."""
    end = struct.pack(">IBBH", 12, 2, 0, 0) + b"\x00\x53\x17\x45"
    assert _fields(b"".join(pad(memoryview(end)))) == 1
    heartbeat = memoryview(struct.pack(">IBBH", 8, 2, 0, 0))
    assert pad(heartbeat) == [heartbeat]


def test_no_piece_is_empty() -> None:
    """An empty buffer makes asyncio's transport write for ever."""
    assert all(pad(_frame(0x13, b"\x43", 1)))


@given(st.lists(st.integers(0, 300).map(bytes), min_size=1, max_size=10), st.data())
def test_frames_come_out_whole_however_the_bytes_arrive(bodies: list[bytes], data: st.DataObject) -> None:
    """Any division of the stream gives the same frames."""
    frames = [
        b"AMQP\x00\x01\x00\x00",
        *(struct.pack(">IBBH", len(body) + 8, 2, 0, 0) + body for body in bodies),
    ]
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    splitter = FrameSplitter(1_000)
    found = [
        bytes(frame)
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in splitter.feed(stream[start:end])
    ]
    assert found == frames


def test_bytes_that_are_no_frame_are_passed_on() -> None:
    """A size that cannot be lets the rest through, for Proton to refuse."""
    assert [bytes(piece) for piece in FrameSplitter(1_000).feed(b"GET / HTTP/1.1\r\n")] == [
        b"GET / HTTP/1.1\r\n"
    ]


def test_the_format_of_a_transfer_is_read() -> None:
    """Handle, delivery id, tag and the format of a batch; a continuation states none."""
    batch = _frame(0x14, b"\x43\x43\xa0\x01x\x70\x80\x01\x37\x00\x41\x42", 6, b"body")
    assert read_incoming(batch).message_format == 0x80013700
    assert read_incoming(_frame(0x14, b"\x43", 1, b"more")).message_format is None


def test_room_for_the_nulls_is_taken_from_the_clients_frame_size() -> None:
    """Proton then never fills a frame so far that padding would exceed what the client accepts."""
    engine, connection = Transport(Transport.CLIENT), Connection()
    engine.max_frame_size = 65_536
    engine.bind(connection)
    connection.open()
    sent = bytes(engine.peek(engine.pending()) or b"")
    _, open_frame = FrameSplitter(10_000).feed(sent)
    limit = struct.pack(">I", 65_536)
    assert limit in bytes(open_frame)
    assert struct.pack(">I", 65_536 - ROOM_FOR_PADDING) in bytes(read_incoming(open_frame).data)
