"""Documents in rows: whole again whatever their size, within Azure's limits, or refused by name."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.tables.documents import CHUNK, PIECES, columns, decoded, packed, unpacked
from shared.adapters.tables.table import ENTITY_LIMIT, check_size
from shared.domain.errors import Terminal
from shared.ports import WorkItem

KEYS = {"PartitionKey": "p", "RowKey": "r"}


@given(st.binary(max_size=2000) | st.integers(0, 3).map(lambda n: random.Random(n).randbytes(n * CHUNK + n)))
def test_a_document_comes_back_whole(body: bytes) -> None:
    pieces = packed(body)
    assert unpacked({**KEYS, **pieces}) == body
    assert set(pieces) <= set(columns())
    assert all(len(piece) <= CHUNK for piece in pieces.values())


def test_two_documents_share_a_row() -> None:
    row = {**packed(b"one"), **packed(b"two" * 100_000, "body")}
    assert (unpacked(row), unpacked(row, "body")) == (b"one", b"two" * 100_000)


def test_what_fills_a_row_fits_the_columns() -> None:
    body = random.Random(1).randbytes(ENTITY_LIMIT - 4096)
    row = {**KEYS, **packed(body)}
    check_size(row)
    assert len(row) <= PIECES + 2
    assert unpacked(row) == body


def test_a_row_beyond_the_limit_is_refused_with_its_key() -> None:
    with pytest.raises(Terminal) as refusal:
        check_size({**KEYS, **packed(random.Random(1).randbytes(ENTITY_LIMIT))})
    assert (refusal.value.reason, refusal.value.target) == ("RowTooLarge", "p/r")


def test_texts_count_as_utf_16() -> None:
    check_size({**KEYS, "text": "é" * (ENTITY_LIMIT // 2 - 200)})
    with pytest.raises(Terminal):
        check_size({**KEYS, "text": "é" * (ENTITY_LIMIT // 2)})


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"document00": b"not compressed"},
        {"document00": "text"},
        packed(b"not json"),
        packed(b'{"cause": "no key"}'),
        packed(msgspec.json.encode([1, 2])),
    ],
)
def test_a_row_without_our_document_is_refused_by_name(row: dict[str, object]) -> None:
    with pytest.raises(Terminal) as refusal:
        decoded({**KEYS, **row}, WorkItem)
    assert (refusal.value.reason, refusal.value.target) == ("UnreadableRow", "p/r")
