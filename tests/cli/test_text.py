"""Texts of others are shown without effect: nothing that a terminal obeys or a reader cannot see comes through."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshplane_cli.text import harmless, harmless_json, in_words

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
TEXTS = st.text(st.characters())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
        ("\x9b2J", "\\u009b2J"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("a\u2066b\u200bc\ufeff", "a\\u2066b\\u200bc\\ufeff"),
        ("two\nlines\r\ttabs", "two\\nlines\\r\\ttabs"),
        ("tag \U000e0041", "tag \\udb40\\udc41"),
        ("[red]bold[/red] :smile:", "[red]bold[/red] :smile:"),
        ("Zürich, 東京, café", "Zürich, 東京, café"),
    ],
)
def test_what_cannot_be_seen_is_written_out_and_everything_else_stays(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(TEXTS)
def test_no_text_has_anything_hidden_left(text: str) -> None:
    assert not {unicodedata.category(c) for c in harmless(text)} & HIDDEN


@given(JSON)
def test_json_is_the_same_to_a_parser_and_harmless_to_a_terminal(found: object) -> None:
    text = harmless_json(found)
    assert json.loads(text) == found
    assert not {unicodedata.category(c) for c in text if c != "\n"} & HIDDEN
    assert json.loads(harmless_json(found, ascii_alone=True)) == found


@given(
    st.from_regex(r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})", fullmatch=True)
)
def test_a_text_that_looks_like_a_time_breaks_no_table(text: str) -> None:
    """A purpose or a reason may be anything; what it is in would be shown to nobody any more."""
    assert in_words(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1234.5, "1,234.5"),
        (0.00001, "0"),
        ("2026-01-05T08:00:00.123456Z", "2026-01-05 08:00:00Z"),
        ("2026-01-05T08:00:00+02:00", "2026-01-05 06:00:00Z"),
        ("9999-99-99T99:99:99Z", "9999-99-99T99:99:99Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("2026-01-01T00:00:00+99:99", "2026-01-01T00:00:00+99:99"),
        ("\u0662\u0660\u0662\u0666-01-01T00:00:00Z", "\u0662\u0660\u0662\u0666-01-01T00:00:00Z"),
        (["a", "b\x1b"], "a, b\\u001b"),
        ({"a": 1}, "a: 1"),
    ],
)
def test_values_are_said_in_words(value: object, words: str) -> None:
    assert in_words(value) == words
