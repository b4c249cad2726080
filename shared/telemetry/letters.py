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

APART = 20
"""Letters of one event that are each about one record. What else is wrong with it shares some: an event may have a
hundred thousand records, and its partition waits until every letter is stored."""

TOGETHER = 20_000
"""Records that share a letter: their places take some 60 of the 1,024 KiB of its row."""

_GROUP_ID = re.compile(rb"/subscriptions/[0-9a-f-]{36}/resourcegroups/[^/\"'\\\s]{1,90}", re.IGNORECASE)


class Letters:
    """The dead letters of one event, added to those of its batch; `pieces` and `read` are those of `DeadLetter`."""

    def __init__(self, event: StreamEvent, letters: list[DeadLetter], attribution: Attribution) -> None:
        self._event = event
        self._letters = letters
        self._attribution = attribution
        self._apart = 0
        self._shared: dict[tuple[str, ...], list[tuple[DeadLetter, list[int]]]] = {}
        self.pieces = 0
        self.read = 0

    def undecodable(self, index: int, item: Undecodable) -> None:
        """Belongs to the node that the piece names first, if any."""
        if self._shares(index, ()):
            return
        from shared.telemetry.redact import redacted  # no part of a cold start

        named = _GROUP_ID.search(item.piece)
        node = self._attribution.node_of(named[0].decode("utf-8", "replace")) if named else None
        self._add(index, item.reason, redacted(item.piece), str(node or ""))

    def failed(self, index: int, kind: Kind, reason: str, record: Record, rules: Iterable[str]) -> None:
        """A record that some rules could not judge; of it the fields are kept that tell kinds apart."""
        rules = tuple(rules)
        if self._shares(index, rules):
            return
        said = zip(KIND_NAMES, msgspec.structs.astuple(record), strict=False)
        body = msgspec.json.encode({name: value for name, value in said if value is not None})
        self._add(index, reason, body, kind.node, reason, rules)

    def ended(self) -> None:
        """The event was read to its end: letters that records share are complete."""
        for sharing in self._shared.values():
            for letter, others in sharing:
                reason = (
                    f"{letter.reason} (it, and {len(others)} more of the event)" if others else letter.reason
                )
                self._letters.append(msgspec.structs.replace(letter, reason=reason, others=tuple(others)))

    def _shares(self, index: int, rules: tuple[str, ...]) -> bool:
        """Adds a record to a letter that is there, if there is one that it may share."""
        sharing = self._shared.get(rules)
        if not sharing or len(sharing[-1][1]) >= TOGETHER:
            return False
        sharing[-1][1].append(index)
        return True

    def _add(
        self, index: int, reason: str, body: bytes, node: str, apart: str = "", rules: tuple[str, ...] = ()
    ) -> None:
        letter = self._letter(index, reason, body, node, apart, rules)
        if self._apart < APART:
            self._apart += 1
            self._letters.append(letter)
        else:
            self._shared.setdefault(rules, []).append((letter, []))

    def _letter(
        self, index: int, reason: str, body: bytes, node: str, apart: str, rules: tuple[str, ...]
    ) -> DeadLetter:
        """The same for the same event however often it is delivered.

        The digest tells events apart that share partition and offset because the Event Hub was made anew.
        """
        event = self._event
        offset = re.sub(r"[^\w.-]", "-", event.offset)
        digest = sha256(event.body + apart.encode()).hexdigest()[:12]
        return DeadLetter(
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
