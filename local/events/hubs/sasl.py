"""The SASL layer before AMQP (part 5 of the standard), as far as Event Hubs uses it.

`ANONYMOUS` and `MSSBCBS` let anybody in, who then presents tokens to `$cbs`; `PLAIN` carries the name and the
value of a shared access key. Proton's own server knows only the first.
"""

import hmac
import struct
from enum import Enum

from local.events.hubs import encoding
from local.events.hubs.access import Access
from local.events.hubs.encoding import Malformed

PROTOCOL_HEADER = b"AMQP\x03\x01\x00\x00"
_MECHANISMS = (b"MSSBCBS", b"PLAIN", b"ANONYMOUS", b"EXTERNAL")
_WITHOUT_CREDENTIALS = (b"MSSBCBS", b"ANONYMOUS", b"EXTERNAL")
_INIT = 0x41
_OK, _AUTHENTICATION_FAILED = 0, 1


class Stage(Enum):
    """How far the exchange is."""

    HEADER = "before the client's protocol header"
    INIT = "waiting for the client's choice"
    OVER = "AMQP follows"
    FAILED = "the connection is to be closed"


def _frame(descriptor: int, field: bytes) -> bytes:
    body = b"\x00\x53" + bytes((descriptor, 0xC0, len(field) + 1, 1)) + field
    return struct.pack(">IBBH", len(body) + 8, 2, 1, 0) + body


def _mechanisms() -> bytes:
    symbols = b"".join(bytes((len(name),)) + name for name in _MECHANISMS)
    return _frame(0x40, bytes((0xE0, len(symbols) + 2, len(_MECHANISMS), 0xA3)) + symbols)


class SaslServer:
    """The server's side of one exchange."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.stage = Stage.HEADER

    def receive(self, frame: memoryview) -> bytes | None:
        """The answer to a frame; None when the frame already belongs to AMQP. Raises Malformed."""
        if self.stage is Stage.HEADER and frame == PROTOCOL_HEADER:
            self.stage = Stage.INIT
            return PROTOCOL_HEADER + _mechanisms()
        if self.stage is Stage.INIT:
            accepted = self._accepts(frame)
            self.stage = Stage.OVER if accepted else Stage.FAILED
            return _frame(0x44, bytes((0x50, _OK if accepted else _AUTHENTICATION_FAILED)))
        self.stage = Stage.OVER
        return None

    def _accepts(self, frame: memoryview) -> bool:
        init = encoding.section_at(frame, frame[4] * 4)
        if init.descriptor != _INIT:
            raise Malformed("sasl-init was expected")
        field, _, count = encoding.items(frame, init.value)
        if count < 1:
            raise Malformed("sasl-init names no mechanism")
        mechanism = encoding.text(frame, field)
        if mechanism != b"PLAIN" or count < 2:
            return mechanism in _WITHOUT_CREDENTIALS
        return self._accepts_plain(encoding.text(frame, encoding.value_end(frame, field)))

    def _accepts_plain(self, response: bytes) -> bool:
        _, _, credentials = response.partition(b"\x00")
        name, _, value = credentials.partition(b"\x00")
        key = self._access.key
        if name != key.name.encode() or not hmac.compare_digest(value, key.value.encode()):
            return False
        self._access.trust()
        return True
