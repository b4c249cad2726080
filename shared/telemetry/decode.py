"""The body of an event on the Event Hub → its records.

Azure Monitor sends `{"records": [...]}`; that, and a bare array, is decoded in one typed pass that
touches only the fields of `Record` and keeps what rules read undecoded. Everything else that services
really send goes through `shared.telemetry.tolerant`.
"""

from collections.abc import Iterable, Sequence
from types import GenericAlias
from typing import cast

import msgspec

from shared.telemetry.record import Item, Record, record_type


class _Envelope(msgspec.Struct, gc=False):
    records: list[Record]


class Decoder:
    """Decodes bodies; `roots` are the names of a record's root whose values are kept undecoded for rules."""

    def __init__(self, roots: Iterable[str] = ()) -> None:
        self.record = record_type(roots)
        several = GenericAlias(list, self.record)
        envelope = msgspec.defstruct("Envelope", [("records", several)], bases=(_Envelope,), gc=False)
        self._fast = cast(
            "msgspec.json.Decoder[_Envelope | list[Record]]", msgspec.json.Decoder(envelope | several)
        )

    def records(self, body: bytes) -> list[Record] | None:
        """The records of a body that is what Azure Monitor documents, or None where it is anything else."""
        try:
            decoded = self._fast.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return decoded.records if isinstance(decoded, _Envelope) else decoded

    def decode(self, body: bytes) -> Sequence[Item]:
        """The records in their order, with an `Undecodable` for each that cannot be read. Never raises."""
        records = self.records(body)
        if records is None:
            # Imported when the first body needs it: it is no part of a cold start.
            from shared.telemetry.tolerant import decode_tolerantly

            return decode_tolerantly(body, self.record)
        return records


_PLAIN = Decoder()


def decode(body: bytes) -> Sequence[Item]:
    """The records of a body without anything that rules read by path. Never raises."""
    return _PLAIN.decode(body)
