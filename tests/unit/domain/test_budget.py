"""Slowing down before a quota is spent."""

from datetime import timedelta

import pytest

from shared.domain.budget import RATES, SIZES, Bucket, Quota, Urgency, answered, full, seconds_until, sent
from tests.fakes.clock import START


def test_a_full_bucket_holds_nobody_up() -> None:
    assert seconds_until(full("reads", START), "new", 0, START) == 0.0


@pytest.mark.parametrize(("urgency", "left"), [("urgent", 1), ("turn", 6), ("begun", 13.5), ("new", 30)])
def test_each_urgency_leaves_its_share_to_the_more_urgent(urgency: Urgency, left: float) -> None:
    """Of 250 reads a run that may begin later leaves 25 and takes five at once.

    One that has begun leaves 12.5, one that a hub waits for 5, and a person none.
    """
    assert seconds_until(Bucket("reads", left, START), urgency, 0, START) == 0.0
    assert seconds_until(Bucket("reads", left - 1, START), urgency, 0, START) == pytest.approx(1 / 25)


@pytest.mark.parametrize("quota", ["reads", "writes", "deletes"])
def test_a_spent_bucket_is_waited_for_as_it_fills(quota: Quota) -> None:
    bucket = Bucket(quota, 0, START)
    assert seconds_until(bucket, "urgent", 0, START) == pytest.approx(1 / RATES[quota])
    assert seconds_until(bucket, "urgent", 4, START) == pytest.approx(5 / RATES[quota])
    assert seconds_until(bucket, "urgent", 0, START + timedelta(seconds=1)) == 0.0


def test_an_answer_corrects_the_estimate_and_leaves_out_what_still_flies() -> None:
    bucket = sent(sent(full("writes", START), START), START)
    assert (bucket.left, bucket.flying) == (198, 2)
    assert answered(bucket, 40, START) == Bucket("writes", 39, START, 1)
    assert answered(bucket, None, START) == Bucket("writes", 198, START, 1)


def test_a_bucket_never_holds_more_than_its_size() -> None:
    later = START + timedelta(hours=1)
    assert sent(Bucket("reads", 11_999, START), later).left == SIZES["reads"] - 1
