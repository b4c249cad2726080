"""The `deadletters` table: one partition, two rows a letter.

A letter lies under its inverted time, so that lists begin with the newest, and a second row under the hash
of its id leads there. Both are written in one transaction: that is what keeps an id once.
"""

from datetime import datetime
from hashlib import sha256

import msgspec

from shared.adapters.tables.continuation import read_token, write_token
from shared.adapters.tables.documents import columns, decoded, packed, unpacked
from shared.adapters.tables.keys import newest_first
from shared.adapters.tables.table import Step, TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.ports import TEXT_LIMIT, DeadLetter, Page

BODY_LIMIT = 720_000
"""Bytes of a compressed body that one row holds beside the rest."""

ATTEMPTS = 8
_ID_LIMIT = 512
_PARTITION = "letters"
_BODY = "body"
_BY_TIME = "PartitionKey eq @partition and RowKey ge @newest and RowKey lt @oldest"


class TableDeadLetters:
    """DeadLetters."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("deadletters")

    async def add(self, letter: DeadLetter) -> None:
        letter = _fitting(letter)
        hashed = _hashed(letter.id)
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": f"at-{newest_first(letter.at)}-{hashed}",
            "kind": letter.kind,
            "node": letter.node or letter.key,
            **packed(msgspec.json.encode(msgspec.structs.replace(letter, body=b""))),
            **packed(letter.body, _BODY),
        }
        place = str(row["RowKey"])
        index = {"PartitionKey": _PARTITION, "RowKey": f"id-{hashed}", "place": place}
        for _ in range(ATTEMPTS):
            before = await self._place(letter.id)
            # The older a letter, the greater its place.
            if before and before <= place:
                return
            steps: list[Step] = [("create", row), ("upsert" if before else "create", index)]
            if before:
                steps.append(("delete", {"PartitionKey": _PARTITION, "RowKey": before}))
            try:
                await self._table.transact(steps)
            except (Conflict, NotFound):
                continue  # somebody else added or removed it in between
            return
        raise Conflict("LetterContended", f"{ATTEMPTS} attempts met other writers", target=letter.id)

    async def get(self, letter_id: str) -> DeadLetter | None:
        place = await self._place(letter_id)
        found = await self._table.get(_PARTITION, place) if place else None
        if found is None:
            return None
        entity = found[0]
        return msgspec.structs.replace(decoded(entity, DeadLetter), body=unpacked(entity, _BODY))

    async def list(
        self,
        *,
        kind: str = "",
        node: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        size: int = 100,
        continuation: str = "",
    ) -> Page[DeadLetter]:
        scope = f"deadletters {kind} {node} {since or ''} {until or ''}"
        wanted = {"kind": kind, "node": node}
        values = {name: value for name, value in wanted.items() if value}
        rows, place = await self._table.page(
            " and ".join([_BY_TIME, *(f"{name} eq @{name}" for name in values)]),
            {
                "partition": _PARTITION,
                "newest": f"at-{newest_first(until)}" if until else "at-",
                "oldest": f"at-{newest_first(since)}." if since else "at.",
                **values,
            },
            select=["PartitionKey", "RowKey", *columns()],
            size=size,
            after=read_token(scope, continuation),
        )
        return Page(tuple(decoded(row, DeadLetter) for row in rows), write_token(scope, place))

    async def remove(self, letter_id: str) -> None:
        place = await self._place(letter_id)
        if not place:
            return
        rows = (f"id-{_hashed(letter_id)}", place)
        try:
            await self._table.transact([("delete", {"PartitionKey": _PARTITION, "RowKey": r}) for r in rows])
        except NotFound:
            return  # somebody else removed it in between

    async def _place(self, letter_id: str) -> str:
        found = await self._table.get(_PARTITION, f"id-{_hashed(letter_id)}")
        return str(found[0]["place"]) if found else ""


def _hashed(letter_id: str) -> str:
    return sha256(_shown(letter_id).encode()).hexdigest()


def _shown(letter_id: str) -> str:
    """The id as lists show it, which leads to the letter as well as the one it came with."""
    text = _storable(letter_id)
    if len(text) <= _ID_LIMIT:
        return text
    digest = sha256(text.encode()).hexdigest()
    return f"{text[: _ID_LIMIT - len(digest) - 1]}~{digest}"


def _storable(text: str) -> str:
    """JSON as it came may hold half a character, which UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def _fitting(letter: DeadLetter) -> DeadLetter:
    letter = msgspec.structs.replace(
        letter,
        id=_shown(letter.id),
        reason=_storable(letter.reason)[:TEXT_LIMIT],
        source=_storable(letter.source)[:TEXT_LIMIT],
    )
    if sum(map(len, packed(letter.body).values())) <= BODY_LIMIT:
        return letter
    note = f"{letter.reason} (the body was cut to the first {BODY_LIMIT} of its {len(letter.body)} bytes)"
    return msgspec.structs.replace(letter, reason=note, body=letter.body[:BODY_LIMIT])
