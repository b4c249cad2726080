"""The body of an event on the Event Hub → its records.

Azure Monitor sends `{"records": [...]}`; that, and a bare array, is decoded in one typed pass that
touches only the fields of `Record`. Everything else that services really send goes through
`shared.telemetry.tolerant`.
"""

from collections.abc import Sequence

import msgspec

from shared.telemetry.record import Item, Record


class _Envelope(msgspec.Struct, gc=False):
    records: list[Record]


_FAST = msgspec.json.Decoder(_Envelope | list[Record])


def decode(body: bytes) -> Sequence[Item]:
    """The records in their order, with an `Undecodable` in the place of each that cannot be read. Never raises."""
    try:
        decoded = _FAST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Imported when the first body needs it: it is no part of a cold start.
        from shared.telemetry.tolerant import decode_tolerantly

        return decode_tolerantly(body)
    return decoded.records if isinstance(decoded, _Envelope) else decoded
