"""Words in which a star stands for any run of characters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.wildcards import fits, fits_any


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("sales", "Sales", True),
        ("sales", "sales-eu", False),
        ("*", "", True),
        ("a*b", "ab", True),
        ("a*b", "a", False),
        ("ab*ba", "aba", False),
        ("*x*y*", "1x2y3", True),
        ("*x*y*", "1y2x3", False),
        ("microsoft.sql/*", "Microsoft.Sql/servers", True),
        ("a.c", "abc", False),
    ],
)
def test_a_pattern_fits(pattern: str, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


words = st.text("ab*", max_size=8)


@given(pattern=words, text=st.text("ab", max_size=8))
def test_it_fits_what_the_expression_of_that_meaning_fits(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert fits(pattern, text) is (re.fullmatch(expression, text) is not None)


@given(wide=words, narrow=words, text=st.text("ab", max_size=8))
def test_what_fits_a_pattern_fits_all_that_this_one_does(wide: str, narrow: str, text: str) -> None:
    if fits(wide, narrow) and fits(narrow, text):
        assert fits(wide, text)


def test_many_stars_take_no_longer() -> None:
    assert not fits("*a" * 120 + "b", "a" * 256)
    assert fits_any(["x", "*a" * 120], "a" * 256)
