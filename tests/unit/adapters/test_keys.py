"""Keys: fit for Azure, never shared by two texts, the newest first."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.tables.keys import LIMIT, key_of, newest_first

TEXTS = st.text(st.characters(codec="utf-8"), max_size=700)
TIMES = st.datetimes(timezones=st.just(UTC))


@given(TEXTS)
def test_a_key_has_nothing_that_azure_forbids_and_fits(text: str) -> None:
    key = key_of(text)
    assert not set(key) & set("/\\#?%'")
    assert all(ord(c) >= 0x20 and not 0x7F <= ord(c) <= 0x9F for c in key)
    assert len(key.encode("utf-16-le")) <= 2 * LIMIT


@given(TEXTS, TEXTS)
def test_two_texts_never_share_a_key(left: str, right: str) -> None:
    assert (key_of(left) == key_of(right)) == (left == right)


def test_texts_that_look_escaped_stay_apart() -> None:
    texts = ["a/b", "a|b", "a~007cb", "a~b", "a~007eb", "a\\b", "a%2Fb"]
    assert len({key_of(text) for text in texts}) == len(texts)
    assert len({key_of("x" * n) for n in range(500, 600)}) == 100


def test_a_plain_text_stays_readable() -> None:
    assert key_of("node/5e0b/sales-(eu)_1.x") == "node|5e0b|sales-(eu)_1.x"


@given(TIMES, TIMES)
def test_later_times_sort_first(one: datetime, other: datetime) -> None:
    assert (newest_first(one) < newest_first(other)) == (one > other)
    assert len(newest_first(one)) == 18


def test_a_microsecond_makes_a_difference() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert newest_first(now + timedelta(microseconds=1)) < newest_first(now)
