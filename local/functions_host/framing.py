"""How messages travel between host and worker: msgpack behind a four-byte big-endian length."""

import struct

import msgspec

from local.functions_host.messages import ToHost, ToWorker

HEADER = struct.Struct(">I")

_encoder = msgspec.msgpack.Encoder()
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_to_host: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(ToHost)


def frame(message: ToWorker | ToHost) -> bytes:
    """The bytes to send for one message."""
    body = _encoder.encode(message)
    return HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """How many bytes follow this header."""
    length: int = HEADER.unpack(header)[0]
    return length


def for_worker(body: bytes) -> ToWorker:
    """Decode what the host sent. Raises msgspec.DecodeError."""
    message: ToWorker = _to_worker.decode(body)
    return message


def for_host(body: bytes) -> ToHost:
    """Decode what a worker sent. Raises msgspec.DecodeError."""
    message: ToHost = _to_host.decode(body)
    return message
