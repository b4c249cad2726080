"""What is kept of numbers is the same in whatever order they come, and a percentile of it is exact to one per cent."""

from math import ceil, isclose

from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.aggregate import Aggregate, add, bucket_of, bucket_width, merge, percentile, sketch_key

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)


def aggregate_of(numbers: list[float]) -> Aggregate:
    aggregate = Aggregate()
    for number in numbers:
        add(aggregate, number, sketched=True)
    return aggregate


@given(st.lists(NUMBERS, min_size=1), st.floats(0, 100))
def test_a_percentile_is_exact_to_one_per_cent_for_numbers_of_any_size_and_sign(
    numbers: list[float], percent: float
) -> None:
    exact = sorted(numbers)[max(1, ceil(len(numbers) * percent / 100)) - 1]
    found = percentile(aggregate_of(numbers), percent)
    assert found is not None
    assert isclose(found, exact, rel_tol=0.0101, abs_tol=0.0)


@given(st.lists(st.lists(st.integers(-1000, 1000).map(float)), min_size=1))
def test_parts_may_be_merged_in_any_order(parts: list[list[float]]) -> None:
    merged = Aggregate()
    for part in sorted(parts, key=len, reverse=True):
        merge(merged, aggregate_of(part))
    assert merged == aggregate_of([number for part in parts for number in part])


@given(NUMBERS, NUMBERS)
def test_keys_of_the_sketch_are_in_the_order_of_the_numbers(left: float, right: float) -> None:
    assert (sketch_key(left) <= sketch_key(right)) or left > right


def test_nothing_has_no_percentile() -> None:
    assert percentile(Aggregate(), 95) is None


@given(st.floats(0, 1e6), st.floats(0, 4e9))
def test_a_time_lies_in_its_bucket(window: float, at: float) -> None:
    width = bucket_width(window)
    assert width >= 1
    assert bucket_of(at, width) <= at < bucket_of(at, width) + width
