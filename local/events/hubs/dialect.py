"""What the Azure clients expect of AMQP frames and Proton does not give, mended on the bytes between them.

- Outgoing: the Python client reads the fields of a performative by position, so the nulls at the end of a
  list, which Proton leaves out, are put back.
- Incoming: Proton tells neither the message format of a transfer, which says whether it is a batch, nor the
  capabilities desired of a link; they are read here. The frame size that the client accepts is lowered by
  the room those nulls may take.

Frames are those of AMQP 1.0 part 2: size (4 bytes), data offset in words, type, channel (2 bytes), then the
performative and, after a transfer, the payload.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from local.events.hubs import encoding
from local.events.hubs.encoding import Buffer, Malformed

_FRAME_HEADER = 8
_PROTOCOL_HEADER = b"AMQP"
_AMQP_TYPE = 0
OPEN, ATTACH, TRANSFER = 0x10, 0x12, 0x14
# Number of fields by performative: open, begin, attach, flow, transfer, disposition, detach, end, close.
_FIELDS = {0x10: 10, 0x11: 8, 0x12: 14, 0x13: 11, 0x14: 11, 0x15: 6, 0x16: 3, 0x17: 1, 0x18: 1}
# At most eleven nulls and the longer encoding of the list.
ROOM_FOR_PADDING = 32
MIN_FRAME = 512
_MESSAGE_FORMAT_FIELD = 3
_MAX_FRAME_FIELD = 2
_RUNTIME_METRIC = b"com.microsoft:enable-receiver-runtime-metric"


class ClientFrame(NamedTuple):
    """A piece of the incoming stream.

    `message_format` is that of a transfer that states one; `tracks_last_event` whether an attach desires the
    capability by which events carry what was enqueued last.
    """

    data: memoryview
    message_format: int | None = None
    tracks_last_event: bool = False


class FrameSplitter:
    """Cuts a stream of bytes into frames. A protocol header counts as one."""

    def __init__(self, max_frame: int) -> None:
        self._max_frame = max_frame
        self._rest = b""

    def feed(self, data: Buffer) -> Iterator[memoryview]:
        """The frames that `data` completes; the rest waits. What is no frame comes out as it is."""
        view = memoryview(self._rest + data if self._rest else data)
        start = 0
        while (end := self._frame_end(view, start)) is not None:
            yield view[start:end]
            start = end
        self._rest = bytes(view[start:])

    def _frame_end(self, view: memoryview, start: int) -> int | None:
        available = len(view) - start
        if available < _FRAME_HEADER:
            return None
        if view[start : start + 4] == _PROTOCOL_HEADER:
            return start + _FRAME_HEADER
        size: int = struct.unpack_from(">I", view, start)[0]
        if not _FRAME_HEADER <= size <= self._max_frame:
            return len(view)
        return start + size if available >= size else None


def read_incoming(frame: memoryview) -> ClientFrame:
    """What Proton gets for a client's frame. What cannot be read is left to Proton to refuse."""
    try:
        performative = _performative(frame)
        if performative == TRANSFER:
            return ClientFrame(frame, _message_format(frame))
        if performative == OPEN:
            return ClientFrame(_with_lower_max_frame(frame))
        if performative == ATTACH:
            return ClientFrame(frame, tracks_last_event=_RUNTIME_METRIC in bytes(frame))
    except Malformed:
        pass
    return ClientFrame(frame)


def _performative(frame: memoryview) -> int | None:
    if len(frame) <= _FRAME_HEADER or frame[5] != _AMQP_TYPE or frame[:4] == _PROTOCOL_HEADER:
        return None
    start = frame[4] * 4
    return (
        frame[start + 2]
        if bytes(frame[start : start + 2]) == b"\x00\x53" and len(frame) > start + 2
        else None
    )


def _field(frame: memoryview, index: int) -> int | None:
    """Where field `index` of the performative begins; None if it was left out."""
    position, _, count = encoding.items(frame, frame[4] * 4 + 3)
    if index >= count:
        return None
    for _ in range(index):
        position = encoding.value_end(frame, position)
    return position


def _message_format(frame: memoryview) -> int | None:
    position = _field(frame, _MESSAGE_FORMAT_FIELD)
    return None if position is None else _uint(frame, position)


def _uint(frame: memoryview, position: int) -> int | None:
    end = encoding.value_end(frame, position)
    if frame[position] in (0x43, 0x52, 0x70):
        return int.from_bytes(frame[position + 1 : end])
    return None


def _with_lower_max_frame(frame: memoryview) -> memoryview:
    position = _field(frame, _MAX_FRAME_FIELD)
    if position is None or frame[position] != 0x70:
        return frame
    limit: int = struct.unpack_from(">I", frame, position + 1)[0]
    if limit < MIN_FRAME + ROOM_FOR_PADDING:
        return frame
    lowered = struct.pack(">I", limit - ROOM_FOR_PADDING)
    return memoryview(b"".join((frame[: position + 1], lowered, frame[position + 5 :])))


def pad(frame: memoryview) -> list[Buffer]:
    """One of Proton's frames with the fields it left out as nulls, in pieces to be written in turn."""
    performative = _performative(frame)
    wanted = _FIELDS.get(performative) if performative is not None else None
    if wanted is None:
        return [frame]
    start = frame[4] * 4 + 3
    first, end, count = encoding.items(frame, start)
    if count >= wanted:
        return [frame]
    nulls = b"\x40" * (wanted - count)
    size = end - first + len(nulls)
    fields = b"".join(
        (frame[4:start], b"\xd0", struct.pack(">II", size + 4, wanted), frame[first:end], nulls)
    )
    payload = frame[end:]
    head = struct.pack(">I", 4 + len(fields) + len(payload)) + fields
    # An empty piece would keep asyncio's transport trying to write it for ever.
    return [head, payload] if payload else [head]
