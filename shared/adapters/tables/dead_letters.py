"""The `deadletters` table: one partition, two rows a letter.

A letter lies under its inverted time, so that lists begin with the newest, and a second row under its
id leads there. Both are written in one transaction: that is what keeps an id once.
"""

import msgspec

from shared.adapters.tables.continuation import read_token, write_token
from shared.adapters.tables.documents import columns, decoded, packed, unpacked
from shared.adapters.tables.keys import key_of, newest_first
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.ports import DeadLetter, Page

BODY_LIMIT = 720_000
"""Bytes of a compressed body that one row holds beside the rest."""

_PARTITION = "letters"
_BODY = "body"
_BY_TIME = "PartitionKey eq @partition and RowKey ge 'at-' and RowKey lt 'at.'"


class TableDeadLetters:
    """DeadLetters."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("deadletters")

    async def add(self, letter: DeadLetter) -> None:
        letter = _shortened(letter)
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": f"at-{newest_first(letter.at)}-{key_of(letter.id)}",
            "kind": letter.kind,
            **packed(msgspec.json.encode(msgspec.structs.replace(letter, body=b""))),
            **packed(letter.body, _BODY),
        }
        index = {"PartitionKey": _PARTITION, "RowKey": _index_row(letter.id), "place": row["RowKey"]}
        try:
            await self._table.transact("create", [index, row])
        except Conflict:
            return  # it is there already

    async def get(self, letter_id: str) -> DeadLetter | None:
        place = await self._place(letter_id)
        found = await self._table.get(_PARTITION, place) if place else None
        if found is None:
            return None
        entity = found[0]
        return msgspec.structs.replace(decoded(entity, DeadLetter), body=unpacked(entity, _BODY))

    async def list(self, *, kind: str = "", size: int = 100, continuation: str = "") -> Page[DeadLetter]:
        scope = f"deadletters {kind}"
        query = _BY_TIME + (" and kind eq @kind" if kind else "")
        rows, place = await self._table.page(
            query,
            {"partition": _PARTITION, "kind": kind},
            select=["PartitionKey", "RowKey", *columns()],
            size=size,
            after=read_token(scope, continuation),
        )
        return Page(tuple(decoded(row, DeadLetter) for row in rows), write_token(scope, place))

    async def remove(self, letter_id: str) -> None:
        place = await self._place(letter_id)
        if not place:
            return
        rows: list[Entity] = [
            {"PartitionKey": _PARTITION, "RowKey": row} for row in (_index_row(letter_id), place)
        ]
        try:
            await self._table.transact("delete", rows)
        except NotFound:
            return  # somebody else removed it in between

    async def _place(self, letter_id: str) -> str:
        found = await self._table.get(_PARTITION, _index_row(letter_id))
        return str(found[0]["place"]) if found else ""


def _index_row(letter_id: str) -> str:
    return f"id-{key_of(letter_id)}"


def _shortened(letter: DeadLetter) -> DeadLetter:
    if sum(map(len, packed(letter.body).values())) <= BODY_LIMIT:
        return letter
    note = f"{letter.reason} (the body was cut to the first {BODY_LIMIT} of its {len(letter.body)} bytes)"
    return msgspec.structs.replace(letter, reason=note, body=letter.body[:BODY_LIMIT])
