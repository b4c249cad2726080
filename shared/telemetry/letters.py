"""Dead letters of the stream: what could not be read or judged, and where it is read again."""

import re
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from shared.ports import DeadLetter
from shared.telemetry.attribute import Attribution
from shared.telemetry.event import StreamEvent
from shared.telemetry.kinds import Kind
from shared.telemetry.record import KIND_NAMES, Record, Undecodable

_GROUP_ID = re.compile(rb"/subscriptions/[0-9a-f-]{36}/resourcegroups/[^/\"'\\\s]{1,90}", re.IGNORECASE)


class Letters:
    """The dead letters of one event, added to those of its batch; `pieces` and `read` are those of `DeadLetter`."""

    def __init__(self, event: StreamEvent, letters: list[DeadLetter], attribution: Attribution) -> None:
        self._event = event
        self._letters = letters
        self._attribution = attribution
        self.pieces = 0
        self.read = 0

    def undecodable(self, index: int, item: Undecodable) -> None:
        """Belongs to the node that the piece names first, if any."""
        from shared.telemetry.redact import redacted  # no part of a cold start

        named = _GROUP_ID.search(item.piece)
        node = self._attribution.node_of(named[0].decode("utf-8", "replace")) if named else None
        self._add(index, item.reason, redacted(item.piece), str(node or ""))

    def failed(self, index: int, kind: Kind, reason: str, record: Record, rules: Iterable[str]) -> None:
        """A record that some rules could not judge; of it the fields are kept that tell kinds apart."""
        said = zip(KIND_NAMES, msgspec.structs.astuple(record), strict=False)
        body = msgspec.json.encode({name: value for name, value in said if value is not None})
        self._add(index, reason, body, kind.node, reason, tuple(rules))

    def _add(
        self, index: int, reason: str, body: bytes, node: str, apart: str = "", rules: tuple[str, ...] = ()
    ) -> None:
        """The same for the same event however often it is delivered.

        The digest tells events apart that share partition and offset because the Event Hub was made anew.
        """
        event = self._event
        offset = re.sub(r"[^\w.-]", "-", event.offset)
        digest = sha256(event.body + apart.encode()).hexdigest()[:12]
        self._letters.append(
            DeadLetter(
                id=f"telemetry-{event.partition}-{offset}-{index}-{digest}",
                kind="telemetry",
                at=event.enqueued_at,
                reason=reason,
                source=f"event-hub/{event.partition}/{event.offset}",
                body=body,
                node=node,
                partition=event.partition,
                offset=event.offset,
                sequence=event.sequence_number,
                index=index,
                rules=rules,
                pieces=self.pieces,
                read=self.read,
            )
        )
