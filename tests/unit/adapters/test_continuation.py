"""Continuation tokens: whole again, fit for a URL, refused elsewhere."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.tables.continuation import Place, read_token, write_token
from shared.domain.errors import Terminal

KEYS = st.none() | st.text(st.characters(codec="utf-8"), max_size=300)


@given(KEYS, KEYS)
def test_a_token_comes_back_and_needs_no_escaping(partition: str | None, row: str | None) -> None:
    token = write_token("nodes", Place(partition, row))
    assert read_token("nodes", token) == Place(partition, row)
    assert quote(token, safe="") == token


def test_the_last_page_has_no_token_and_the_first_needs_none() -> None:
    assert write_token("nodes", None) == ""
    assert read_token("nodes", "") is None


@given(st.text(min_size=1, max_size=50) | st.binary(min_size=1, max_size=50).map(lambda b: b.hex()))
def test_anything_else_is_refused_by_name(token: str) -> None:
    with pytest.raises(Terminal) as refusal:
        read_token("nodes", token)
    assert refusal.value.reason == "InvalidContinuation"


def test_a_token_of_another_list_is_refused() -> None:
    with pytest.raises(Terminal):
        read_token("history node/a/b", write_token("history node/a/c", Place("p", "r")))
